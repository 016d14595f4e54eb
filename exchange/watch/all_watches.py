"""One round: tell the ledger what the answers are decided by, count the due days again, watch them, what should have
come, the certificates, the assessments and the witnesses.

Rule: a round is its parts (``count_again``, ``watch_deadlines``, ``look_ahead``), and ends with ``round_ended``; who
runs them one by one, as Airflow does, leaves none out.
"""

from __future__ import annotations

from collections.abc import Sequence
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
class Counted:
    """What the first part found. ``out_of_use``: a sentence for each version of a snapshot that is not what was
    written; ``witnesses``: for each witness that does not cosign as agreed.
    """

    recount: Recount
    out_of_use: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()

    @property
    def troubles(self) -> list[str]:
        """What a person must look at, a sentence each."""
        return [*self.recount.troubles, *self.out_of_use, *self.witnesses]


@dataclass(frozen=True)
class Ahead:
    """What the last part found."""

    cycles: CyclesSeen
    certificates: CertificatesSeen
    assessments: AssessmentsSeen

    @property
    def alerts(self) -> list[Alert]:
        """The new ones."""
        return [*self.cycles.alerts, *self.certificates.alerts, *self.assessments.alerts]

    @property
    def troubles(self) -> list[str]:
        """What a person must look at, a sentence each."""
        return [*self.cycles.troubles, *self.certificates.troubles, *self.assessments.troubles]


@dataclass(frozen=True)
class Round:
    """What one run of all watches found."""

    counted: Counted
    due_alerts: list[Alert]
    ahead: Ahead

    @property
    def alerts(self) -> list[Alert]:
        """The new ones."""
        return [*self.due_alerts, *self.ahead.alerts]

    @property
    def troubles(self) -> list[str]:
        """What a person must look at, a sentence each, sorted."""
        return sorted({*self.counted.troubles, *self.ahead.troubles})


def count_again(app: App) -> Counted:
    """The first part: tells the ledger what the answers are decided by, counts open due days again, looks at snapshots
    and witnesses.
    """
    watch_configuration(app)
    recount = recompute(app)
    return Counted(recount, tuple(app.snapshots.out_of_use()), tuple(watch_witnesses(app)))


def look_ahead(app: App) -> Ahead:
    """The last part: what should have come, certificates and assessments that end."""
    return Ahead(watch_cycles(app), watch_certificates(app), watch_assessments(app))


def round_ended(app: App, troubles: Sequence[str]) -> None:
    """Leaves the sign that a whole round was done, with these troubles."""
    Duties.of_home(app.settings.home).done(WATCH, f"{len(troubles)}")


def watch_all(app: App) -> Round:
    """Runs all watches once."""
    seen = Round(count_again(app), watch_deadlines(app), look_ahead(app))
    round_ended(app, seen.troubles)
    return seen
