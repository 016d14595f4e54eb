"""What ``exchange register show`` prints of one batch: everything that the register knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.table import Table

from exchange.base.tables import SOURCES
from exchange.calendar.deadlines import later_items
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import Coded, folded, unheaded
from exchange.register import Batch, Register, State, Step
from exchange.register.clock import missed_days
from exchange.review.people import who
from exchange.settings import Settings
from exchange.supervision import labels
from exchange.supervision.labels import span
from exchange.supervision.states import PICKUPS, RELEASES, REVIEWS, STATES, arrived

MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_FILES: Final = {
    "role": "种类 role",
    "name": "文件 name",
    "bytes": "字节 bytes",
    "sha256": "校验 sha256",
    "destroyed": "销毁 destroyed",
}
_SNAPSHOTS: Final = {"source": "来源 source", "as_of": "截至 as of", "version": "版本 version"}
_ANSWERS: Final = {"item": "事项 item", "answer": "答复 answer", "rows": "行 rows"}
_RELEASES: Final = {
    "release": "放行 release",
    "state": "状态 state",
    "rows": "行 rows",
    "proposed": "送审 proposed",
    "judged": "审批 judged",
    "by": "由 by",
}
_STEPS: Final = {"when": "时间 when", "step": "环节 step", "after": "历时 after", "by": "经办 by", "told": "事项 told"}
_FACTS: Final = {
    "id": "批次",
    "partner": "部门",
    "state": "状态",
    "cycle": "周期",
    "period": "期间",
    "purpose": "用途",
    "legal_basis": "依据",
    "letter": "文号",
    "handler": "经办人",
}


def due_words(batch: Batch) -> str:
    """The due day with what is to be said of it; empty where there is none."""
    if batch.due_on is None:
        return ""
    if batch.clock_stands:
        paused = (
            "the clock was paused when it was done" if batch.state is State.CLOSED else "pending: the clock is paused"
        )
        return f"{paused} (first {batch.due_original})"
    first = f" (first {batch.due_original})" if batch.due_original != batch.due_on else ""
    later = ", ".join(sorted(later_items(batch.cycle or "", batch.items)))
    last = f", {later} {batch.due_last}" if batch.due_last else ""
    return f"{batch.due_on}{' provisional' if batch.due_provisional else ''}{first}{last}"


def due_cell(batch: Batch) -> Coded:
    """The same for a list: a day on each line."""
    if batch.due_on is None:
        return Coded("", "")
    paused = "办结时停止计时" if batch.state is State.CLOSED else "停止计时"
    lines = [paused if batch.clock_stands else f"{batch.due_on}{'（暂定）' if batch.due_provisional else ''}"]
    if batch.clock_stands or batch.due_original != batch.due_on:
        lines.append(f"{batch.due_original}（原）")
    if batch.due_last:
        lines.append(f"{batch.due_last}（末）")
    return Coded(due_words(batch), "\n".join(lines))


def cycle_cell(cycle: str | None) -> Coded:
    """The cycle's code with its Chinese word."""
    return Coded(cycle, labels.cycle(cycle).zh if cycle else "")


def stage_cell(batch: Batch) -> Coded:
    """``test`` of a test batch, which no list may show as one that counts."""
    return Coded("test", "测试") if batch.is_test else Coded("", "")


def tables(settings: Settings, register: Register, batch_id: str) -> Iterator[Table]:
    """Everything that the register has of a batch, in tables; Halt where there is none."""
    batch, steps = register.batch(batch_id), register.steps(batch_id)
    yield _facts(register, batch, steps)
    yield _steps(settings, steps)
    files = folded(_FILES, "文件 files")
    gone = register.retention.destroyed(batch_id)
    for file in register.files(batch_id):
        files.add_row(labels.role(file.role), file.name, str(file.size), file.sha256, moment(gone.get(file.role)))
    yield files
    snapshots = folded(_SNAPSHOTS, "快照 snapshots")
    for source, (version, as_of) in sorted(register.snapshots.of(batch_id).items()):
        snapshots.add_row(f"{SOURCES[source].zh} {source}" if source in SOURCES else source, str(as_of), version)
    yield snapshots
    answers = folded(_ANSWERS, "各项答复 answers")
    for item, tally in register.answer_counts(batch_id).items():
        for code, count in sorted(tally.items()):
            answers.add_row(str(labels.item(item)), str(labels.answer(code)), str(count))
    yield answers
    releases = folded(_RELEASES, "放行 releases")
    for release in register.releases.of(batch_id):
        by = who(settings, release.judged_by) or ("" if release.needs_approval else "无需审批 not needed")
        releases.add_row(
            str(release.number),
            str(RELEASES[release.state]),
            str(len(release.rows)),
            moment(release.proposed_at),
            moment(release.judged_at),
            by,
        )
    yield releases


def _facts(register: Register, batch: Batch, steps: list[Step]) -> Table:
    table = unheaded()
    in_words = {"state": str(STATES[batch.state]), "cycle": str(labels.cycle(batch.cycle)) if batch.cycle else ""}
    for name, zh in _FACTS.items():
        table.add_row(f"{zh} {name}", in_words.get(name) or str(getattr(batch, name) or ""))
    table.add_row("阶段 stage", "测试，虚构数据 TEST: invented people" if batch.is_test else "正式 live")
    table.add_row("事项 items", ", ".join(batch.items))
    table.add_row("行 rows", "" if batch.rows_in is None else str(batch.rows_in))
    queue = {str(REVIEWS[state]): count for state, count in register.reviews.count(batch.id).items() if count}
    table.add_row("人工核实 rows in review", ", ".join(f"{state} {count}" for state, count in queue.items()))
    table.add_row("报送 came", arrived(batch.arrival))
    table.add_row("时限 due", due_words(batch))
    table.add_row("办结 done", _done(register, batch, steps))
    taken = [
        f"result {pickup.number} {moment(pickup.noticed_at)} ({PICKUPS[pickup.how]})"
        for pickup in register.pickups.of(batch.id)
    ]
    table.add_row("部门取走 taken by the partner", ", ".join(taken))
    refused = batch.refusal_code
    why = labels.refused_for(refused, batch.refusal_row, batch.refusal_column) if refused else ""
    table.add_row("不予受理 refused for", why)
    return table


def _done(register: Register, batch: Batch, steps: list[Step]) -> str:
    late = missed_days(batch, steps, register.clock.stops(batch.id))
    if late is None:
        return ""
    closed = next(step.at for step in steps if step.to_state == State.CLOSED)
    return f"{moment(closed)} {'逾期 late' if late else '按时 on time'}"


def _steps(settings: Settings, steps: list[Step]) -> Table:
    """Each step with the time since the one before, and what was noted between."""
    table = folded(_STEPS, "登记簿 steps")
    before: datetime | None = None
    for step in steps:
        moved = step.from_state != step.to_state
        after = span((step.at - before).total_seconds()) if moved and before else ""
        noted = "" if moved else ", ".join(f"{name} {value}" for name, value in json.loads(step.facts).items())
        state = str(STATES[State(step.to_state)]) if moved else ""
        table.add_row(moment(step.at), state, after, who(settings, step.actor), noted)
        before = step.at if moved else before
    return table


def moment(at: datetime | None) -> str:
    """The moment by the office's clock; empty of None."""
    return "" if at is None else at.astimezone(OFFICE_ZONE).strftime(MOMENT)
