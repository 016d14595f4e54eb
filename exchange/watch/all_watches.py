"""One round: tell the ledger what the answers are decided by, count the due days again, watch them, what should have
come, the certificates, the assessments and the witnesses. Any part may be run by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.app import App
from exchange.base.duty import WATCH, Duties
from exchange.register import Alert
from exchange.watch.assessments import AssessmentsSeen, watch_assessments
from exchange.watch.certificates import CertificatesSeen, watch_certificates
from exchange.watch.configuration import watch_configuration
from exchange.watch.cycles import CyclesSeen, watch_cycles
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.due import Recount, recompute
from exchange.watch.witnesses import watch_witnesses


@dataclass(frozen=True)
class Round:
    """What one run of all watches found."""

    recount: Recount
    alerts: list[Alert]
    cycles: CyclesSeen
    certificates: CertificatesSeen
    assessments: AssessmentsSeen
    out_of_use: tuple[str, ...] = ()
    """A sentence for each version of a snapshot that is not what was written."""
    witnesses: tuple[str, ...] = ()
    """A sentence for each witness that does not cosign as agreed."""

    @property
    def troubles(self) -> list[str]:
        """What a person must look at, a sentence each, sorted."""
        seen = (self.recount, self.cycles, self.certificates, self.assessments)
        return sorted({*self.out_of_use, *self.witnesses, *(trouble for watch in seen for trouble in watch.troubles)})


def watch_all(app: App) -> Round:
    """Runs all watches once."""
    watch_configuration(app)
    recount = recompute(app)
    alerts = watch_deadlines(app)
    cycles = watch_cycles(app)
    certificates, assessments = watch_certificates(app), watch_assessments(app)
    alerts += cycles.alerts + certificates.alerts + assessments.alerts
    out_of_use, witnesses = tuple(app.snapshots.out_of_use()), tuple(watch_witnesses(app))
    seen = Round(recount, alerts, cycles, certificates, assessments, out_of_use, witnesses)
    Duties.of_home(app.settings.home).done(WATCH, f"{len(seen.troubles)}")
    return seen
