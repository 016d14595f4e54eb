"""One round: count the due days again, watch them, what should have come, and the certificates. Any part may be run by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.app import App
from exchange.base.duty import WATCH, Duties
from exchange.register import Alert
from exchange.watch.certificates import CertificatesSeen, watch_certificates
from exchange.watch.cycles import CyclesSeen, watch_cycles
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.due import Recount, recompute


@dataclass(frozen=True)
class Round:
    recount: Recount
    alerts: list[Alert]
    cycles: CyclesSeen
    certificates: CertificatesSeen
    out_of_use: tuple[str, ...] = ()
    """A sentence for each version of a snapshot that is not what was written."""

    @property
    def troubles(self) -> list[str]:
        return sorted({*self.recount.troubles, *self.cycles.troubles, *self.certificates.troubles, *self.out_of_use})


def watch_all(app: App) -> Round:
    recount = recompute(app)
    alerts = watch_deadlines(app)
    cycles = watch_cycles(app)
    certificates = watch_certificates(app)
    alerts += cycles.alerts + certificates.alerts
    seen = Round(recount, alerts, cycles, certificates, tuple(app.snapshots.out_of_use()))
    Duties.of_home(app.settings.home).done(WATCH, f"{len(seen.troubles)}")
    return seen
