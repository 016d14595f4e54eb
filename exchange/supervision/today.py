"""Today's picture: what is late, due today or at risk, and whom it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from exchange.calendar.due_warnings import DAYS_LEFT, HALF, reached
from exchange.calendar.working_days import Due
from exchange.register import Batch, ReleaseState, State
from exchange.register.waiting import OpenRows
from exchange.supervision.labels import Words


class Urgency(StrEnum):
    """The most urgent first."""

    LATE = "逾期 late"
    TODAY = "今日到期 due today"
    AT_RISK = "有风险 at risk"
    PAUSED = "停止计时 clock paused"
    IN_TIME = "未到期 in time"


LEADER = Words("领导审批", "a leader's approval")
RETURNED = Words("退回后重新送审", "an officer, to reopen what was returned")
SOURCE = Words("数据源", "a source")
SOFTWARE = Words("程序", "the software")
GUARD = Words("领导裁定（防探测扣留）", "a leader: held against fishing")
INQUIRY = Words("人工调查", "an inquiry by hand")


@dataclass(frozen=True)
class OpenBatch:
    """A batch with which something is still to be done; ``waits``: for whom, and with how many rows."""

    batch: Batch
    due: Due
    urgency: Urgency
    waits: Mapping[Words, int]


def picture(
    batches: Iterable[tuple[Batch, Due]],
    rows: Mapping[str, OpenRows],
    today: date,
    office_name: Callable[[str], str],
    *,
    paused: Mapping[str, date],
    half: bool,
    days: Iterable[int],
) -> list[OpenBatch]:
    """All open batches, the most urgent first. ``paused``: batch → since when its clock is paused; ``half``, ``days``:
    when the office wants to be warned.
    """
    warned, known = tuple(days), dict[tuple[Due, date | None], Urgency]()  # many batches have one due day
    open_batches = []
    for batch, due in batches:
        key = (due, paused.get(batch.id))
        if key not in known:
            known[key] = urgency(due, today, paused.get(batch.id), half=half, days=warned)
        open_batches.append(OpenBatch(batch, due, known[key], waits(batch, rows.get(batch.id), office_name)))
    order = {urgency: position for position, urgency in enumerate(Urgency)}
    return sorted(
        open_batches, key=lambda open_batch: (order[open_batch.urgency], open_batch.due.day, open_batch.batch.id)
    )


def urgency(due: Due, today: date, paused: date | None, *, half: bool, days: Iterable[int]) -> Urgency:
    """How urgent an open batch is: late also where its clock was paused only after its day was over. ``paused``: since
    when it is; ``half``, ``days``: as in :func:`picture`.
    """
    if due.day < today and (paused is None or paused > due.day):
        return Urgency.LATE
    if paused is not None:
        return Urgency.PAUSED
    if due.day == today:
        return Urgency.TODAY
    warned = {warning.code for warning in reached(due, today, half=half, days=days)}
    return Urgency.AT_RISK if warned & {HALF, DAYS_LEFT} else Urgency.IN_TIME


def waits(batch: Batch, rows: OpenRows | None, office_name: Callable[[str], str]) -> dict[Words, int]:
    """Whom a batch waits for → rows."""
    if rows is not None and rows.held:
        return {GUARD: batch.rows_in or 0}
    if batch.state is not State.DELIVERED or rows is None:
        return {SOFTWARE: batch.rows_in or 0}
    waiting = {Words(office_name(division), ""): n for division, n in rows.in_queue.items()}
    of_releases = {ReleaseState.PROPOSED: LEADER, ReleaseState.REJECTED: RETURNED}
    waiting |= {whom: rows.releases[state] for state, whom in of_releases.items() if rows.releases.get(state)}
    if rows.rest and rows.source:
        waiting[SOURCE] = min(rows.rest, rows.source)
    moving = sum(rows.releases.get(state, 0) for state in (ReleaseState.APPROVED, ReleaseState.PREPARED))
    if own := moving + rows.decided * (not rows.in_queue) + rows.rest - waiting.get(SOURCE, 0):
        waiting[SOFTWARE] = own
    if batch.clock_stands:
        waiting[INQUIRY] = batch.rows_open or 0
    return waiting
