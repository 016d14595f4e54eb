"""The states of a batch and their transitions. Only this table decides what may follow what.

                      ┌──────────► refused ◄──────┐
claimed ──────────────┤                           │
                      └──────────► accepted ──► prepared ─► delivered ──► closed
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ReviewState(StrEnum):
    """How far a row of the queue is (``reviews.py``)."""

    OPEN = "open"
    DECIDED = "decided"
    LEAVING = "leaving"
    RELEASED = "released"


class ReleaseState(StrEnum):
    """How far a release is (``releases.py``); the values stand in the database and the ledger."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    REOPENED = "reopened"
    PREPARED = "sealed"  # see ``State.PREPARED``
    DELIVERED = "delivered"

    @property
    def zh(self) -> str:
        """The word that people read."""
        return _RELEASES_ZH[self]


class State(StrEnum):
    """How far a batch is; the values stand in the database and the ledger."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    PREPARED = "sealed"  # the word of the ledger's first lines, which are never rewritten
    DELIVERED = "delivered"
    CLOSED = "closed"

    @property
    def zh(self) -> str:
        """The word that people read."""
        return _STATES_ZH[self]


_RELEASES_ZH: Final[Mapping[ReleaseState, str]] = {
    ReleaseState.PROPOSED: "待审批",
    ReleaseState.APPROVED: "已批准",
    ReleaseState.REJECTED: "已退回",
    ReleaseState.REOPENED: "重新送审",
    ReleaseState.PREPARED: "已制作",
    ReleaseState.DELIVERED: "已送达",
}
_STATES_ZH: Final[Mapping[State, str]] = {
    State.CLAIMED: "已取件",
    State.ACCEPTED: "已受理",
    State.REFUSED: "不予受理",
    State.PREPARED: "已制作",
    State.DELIVERED: "已送达",
    State.CLOSED: "已办结",
}


TRANSITIONS: Final[Mapping[State | None, frozenset[State]]] = MappingProxyType(
    {
        None: frozenset({State.CLAIMED}),  # the collector found a complete set
        State.CLAIMED: frozenset({State.ACCEPTED, State.REFUSED}),  # receive trusted it, or did not
        State.ACCEPTED: frozenset({State.PREPARED}),  # process made the result
        State.PREPARED: frozenset({State.DELIVERED, State.REFUSED}),  # deliver put it there, or a leader did not let it
        State.DELIVERED: frozenset({State.CLOSED}),  # nothing is left to do
        State.REFUSED: frozenset(),
        State.CLOSED: frozenset(),
    }
)


OPEN: Final = frozenset({State.CLAIMED, State.ACCEPTED, State.PREPARED, State.DELIVERED})
"""States in which something is still to be done."""
