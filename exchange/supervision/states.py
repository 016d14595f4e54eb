"""The words for states of a batch, of a row in the queue and of a release, for how a set came and how a result was
taken, on pages and at the terminal.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exchange.agreements.expected import Arrival
from exchange.register import PickupEvidence, ReleaseState, ReviewState, State
from exchange.register.states import OPEN
from exchange.supervision.labels import Words

STATES: Final = MappingProxyType(
    {
        State.CLAIMED: Words(State.CLAIMED.zh, "claimed"),
        State.ACCEPTED: Words(State.ACCEPTED.zh, "accepted"),
        State.REFUSED: Words(State.REFUSED.zh, "refused"),
        State.PREPARED: Words(State.PREPARED.zh, "prepared"),
        State.DELIVERED: Words(State.DELIVERED.zh, "delivered"),
        State.CLOSED: Words(State.CLOSED.zh, "closed"),
    }
)
REVIEWS: Final = MappingProxyType(
    {
        ReviewState.OPEN: Words("待核实", "to be decided"),
        ReviewState.DECIDED: Words("已核实", "decided"),
        ReviewState.LEAVING: Words("放行中", "leaving"),
        ReviewState.RELEASED: Words("已发出", "released"),
    }
)
RELEASES: Final = MappingProxyType(
    {
        ReleaseState.PROPOSED: Words(ReleaseState.PROPOSED.zh, "waits for the leader"),
        ReleaseState.APPROVED: Words(ReleaseState.APPROVED.zh, "approved"),
        ReleaseState.REJECTED: Words(ReleaseState.REJECTED.zh, "returned"),
        ReleaseState.REOPENED: Words(ReleaseState.REOPENED.zh, "reopened"),
        ReleaseState.PREPARED: Words(ReleaseState.PREPARED.zh, "prepared"),
        ReleaseState.DELIVERED: Words(ReleaseState.DELIVERED.zh, "delivered"),
    }
)
ARRIVALS: Final = MappingProxyType(
    {
        Arrival.EARLY: Words("提前", "early"),
        Arrival.ON_TIME: Words("按期", "on time"),
        Arrival.LATE: Words("迟报", "late"),
    }
)
PICKUPS: Final = MappingProxyType(
    {
        PickupEvidence.REMOVED: Words("文件已移走", "removed"),
        PickupEvidence.ACKNOWLEDGED: Words("有确认文件", "acknowledged"),
    }
)


def arrived(arrival: str | None) -> str:
    """How a set came, in words; empty where none was expected."""
    return "" if arrival is None else str(ARRIVALS[Arrival(arrival)])


def not_resumed(state: State) -> Words:
    """What is said in the place of the moment at which a clock ran again, where it never did. ``state``: the batch's;
    with what ends a batch its pause is over.
    """
    if state in OPEN:
        return Words("仍停", "still paused")
    if state is State.REFUSED:
        return Words("未恢复，不予受理时止", "never: over when it was refused")
    return Words("未恢复，办结时止", "never: over when it was done")
