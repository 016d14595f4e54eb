"""Words and days as the pages write them: Chinese with English beside, moments in Beijing time."""

from __future__ import annotations

from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register import Batch, ReleaseState, ReviewState, State
from exchange.review.people import who, with_names
from exchange.supervision.labels import Words

__all__ = ["RELEASES", "REVIEWS", "STATES", "due_words", "left", "moment", "who", "with_names"]

STATES: Final = MappingProxyType(
    {
        State.CLAIMED: Words("已取件", "claimed"),
        State.ACCEPTED: Words("已受理", "accepted"),
        State.REFUSED: Words("不予受理", "refused"),
        State.PREPARED: Words("已备好", "prepared"),
        State.DELIVERED: Words("已送达", "delivered"),
        State.CLOSED: Words("已办结", "closed"),
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
        ReleaseState.PROPOSED: Words("待审批", "waits for the leader"),
        ReleaseState.APPROVED: Words("已批准", "approved"),
        ReleaseState.REJECTED: Words("已退回", "returned"),
        ReleaseState.REOPENED: Words("重新送审", "reopened"),
        ReleaseState.PREPARED: Words("已备好", "prepared"),
        ReleaseState.DELIVERED: Words("已送达", "delivered"),
    }
)


def moment(at: datetime | None) -> str:
    """To the minute, in Beijing time."""
    return "" if at is None else at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")


def due_words(batch: Batch) -> Words:
    """The due day as it is counted now, and what it was first."""
    if batch.due_on is None:
        return Words("尚未判定", "not judged yet")
    if batch.clock_stands:
        return Words(f"停止计时（原 {batch.due_original}）", "the clock stands")
    zh = f"{batch.due_on}{'（暂定）' if batch.due_provisional else ''}"
    return Words(zh, f"first {batch.due_original}" if batch.due_original != batch.due_on else "")


def left(counted: tuple[date, ...], due: date, today: date) -> Words:
    """The working days that are left after today, or how many days it is late."""
    if due < today:
        late = (today - due).days
        return Words(f"逾期 {late} 天", f"{late} d late")
    days = sum(day > today for day in counted)
    return Words(f"余 {days} 个工作日", f"{days} working days left") if days else Words("今日到期", "today")
