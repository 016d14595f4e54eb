"""What lacks now: sets that agreements still expect and that have not come, and incomplete sets of live partners.

Rules
- What was written down as missing stays in the register. It lacks as long as the agreement, as it is today, expects it:
  not of a partner that is in its tests, has no agreement any more, or has got more time.
- Incomplete sets of a partner in its tests are invented people's, as its batches are: counted nowhere.
- Of an agreement that cannot be read everything stays: better one line too many.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from exchange.agreements.agreement import Agreement
from exchange.agreements.expected import Came, missing
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.register import MissingSet, UnfinishedSet


def missing_now(app: App) -> list[MissingSet]:
    """The sets that are expected and have not come, the oldest first."""
    found = app.register.missing.find()
    came = app.register.missing.came_of({line.partner for line in found})
    expected = {partner: _expected(app, partner, keys) for partner, keys in came.items()}
    return [line for line in found if (keys := expected[line.partner]) is None or line.key in keys]


def unfinished_now(app: App) -> list[UnfinishedSet]:
    """The incomplete sets of live partners, those that have stood longest first."""
    found = app.register.unfinished.all()
    live = live_of(app, {left.partner for left in found})
    return [left for left in found if left.partner in live]


def live_of(app: App, partners: Iterable[str]) -> frozenset[str]:
    """Those of these partners that are not in their tests."""
    agreed = {partner: _agreement(app, partner) for partner in partners}
    return frozenset(partner for partner, agreement in agreed.items() if agreement is None or not agreement.is_test)


def _expected(app: App, partner: str, came: Came) -> set[tuple[str, str, str]] | None:
    """What should have come by yesterday and did not; None where nobody can say."""
    if not app.agreement_file(partner).exists():
        return set()
    agreement = _agreement(app, partner)
    if agreement is None:
        return None
    late = [] if agreement.is_test else missing(agreement, office_day(app.now()), came, app.office_days)
    return {expected_set.key for expected_set in late}


def _agreement(app: App, partner: str) -> Agreement | None:
    with suppress(Halt):
        return app.agreement(partner)
    return None
