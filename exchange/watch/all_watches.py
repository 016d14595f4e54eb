"""One round: tell the ledger what the answers are decided by, count the due days again, watch them, what should have
come, the certificates, the assessments and the witnesses.

Rules
- A round is its parts (``count_again``, ``due_days``, ``look_ahead``), and ends with ``round_ended``; who runs them one
  by one, as Airflow does, leaves none out.
- Each part leaves a sign, and only by these is a round whole: that a task is marked, or the last one of an old run is
  cleared, says nothing of who watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

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

_PARTS: Final = ("counted", "due", "ahead")
_ROUND: Final = timedelta(hours=1)
"""The parts of one round are not further apart."""


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
    counted = Counted(recount, tuple(app.snapshots.out_of_use()), tuple(watch_witnesses(app)))
    _part_ended(app, "counted")
    return counted


def due_days(app: App) -> list[Alert]:
    """The second part: what is due, and what is late."""
    alerts = watch_deadlines(app)
    _part_ended(app, "due")
    return alerts


def look_ahead(app: App) -> Ahead:
    """The last part: what should have come, certificates and assessments that end."""
    ahead = Ahead(watch_cycles(app), watch_certificates(app), watch_assessments(app))
    _part_ended(app, "ahead")
    return ahead


def _part_ended(app: App, part: str) -> None:
    Duties.of_home(app.settings.home).done(f"{WATCH}.{part}")


def round_ended(app: App, troubles: Sequence[str]) -> bool:
    """Leaves the sign that a whole round was done, with these troubles; False, and no sign, where a part was not."""
    duties, now = Duties.of_home(app.settings.home), datetime.now(UTC)  # by which signs are dated
    signs = [duties.last(f"{WATCH}.{part}") for part in _PARTS]
    if not all(sign is not None and sign.is_of_late(now, _ROUND) for sign in signs):
        return False
    duties.done(WATCH, f"{len(troubles)}")
    return True


def watch_all(app: App) -> Round:
    """Runs all watches once."""
    seen = Round(count_again(app), due_days(app), look_ahead(app))
    round_ended(app, seen.troubles)
    return seen
