"""Words and days as the pages write them: Chinese with English beside, moments in Beijing time."""

from __future__ import annotations

from datetime import date, datetime

from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register import Batch, State
from exchange.review.people import who, with_names
from exchange.supervision.labels import Words
from exchange.supervision.states import RELEASES, REVIEWS, STATES, not_resumed

__all__ = ["RELEASES", "REVIEWS", "STATES", "due_words", "left", "moment", "not_resumed", "who", "with_names"]


def moment(at: datetime | None) -> str:
    """To the minute, in Beijing time."""
    return "" if at is None else at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")


def due_words(batch: Batch) -> Words:
    """The due day as it is counted now, and what it was first; behind it that of items with a later one."""
    if batch.due_on is None:
        return Words("尚未判定", "not judged yet")
    if batch.clock_stands:
        if batch.state is State.CLOSED:
            return Words(f"办结时停止计时（原 {batch.due_original}）", "the clock was paused when it was done")
        return Words(f"停止计时（原 {batch.due_original}）", "the clock is paused")
    last = f"，末 {batch.due_last}" if batch.due_last else ""
    zh = f"{batch.due_on}{last}{'（暂定）' if batch.due_provisional else ''}"
    return Words(zh, f"first {batch.due_original}" if batch.due_original != batch.due_on else "")


def left(counted: tuple[date, ...], due: date, today: date) -> Words:
    """The working days that are left after today, or how many days it is late."""
    if due < today:
        late = (today - due).days
        return Words(f"逾期 {late} 天", f"{late} d late")
    days = sum(day > today for day in counted)
    return Words(f"余 {days} 个工作日", f"{days} working days left") if days else Words("今日到期", "today")
