"""What ``exchange register show`` prints of one batch: everything that the register knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.table import Table

from exchange.calendar.limits import later_items
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.register import Batch, Register, State, Step
from exchange.supervision.labels import span

MOMENT: Final = "%Y-%m-%d %H:%M:%S"


def due_words(batch: Batch) -> str:
    if batch.due_on is None:
        return ""
    if batch.clock_stands:
        return f"pending: the clock stands (first {batch.due_original})"
    first = f" (first {batch.due_original})" if batch.due_original != batch.due_on else ""
    later = ", ".join(sorted(later_items(batch.cycle or "", batch.items)))
    last = f", {later} {batch.due_last}" if batch.due_last else ""
    return f"{batch.due_on}{' provisional' if batch.due_provisional else ''}{first}{last}"


def tables(register: Register, batch_id: str) -> Iterator[Table]:
    batch, steps = register.batch(batch_id), register.steps(batch_id)
    yield _facts(register, batch, steps)
    yield _steps(steps)
    files = Table("role", "name", "bytes", "sha256", "destroyed", title="files")
    gone = register.retention.destroyed(batch_id)
    for file in register.files(batch_id):
        files.add_row(file.role, file.name, str(file.size), file.sha256, moment(gone.get(file.role)))
    yield files
    snapshots = Table("source", "as of", "version", title="snapshots")
    for source, (version, as_of) in sorted(register.snapshots.of(batch_id).items()):
        snapshots.add_row(source, str(as_of), version)
    yield snapshots
    answers = Table("item", "answer", "rows", title="answers")
    for item, tally in register.answer_counts(batch_id).items():
        for code, count in sorted(tally.items()):
            answers.add_row(item, code, str(count))
    yield answers
    releases = Table("release", "state", "rows", "proposed", "judged", "by", title="releases")
    for each in register.releases.of(batch_id):
        judged = (moment(each.judged_at), each.judged_by or ("" if each.needs_approval else "no approval needed"))
        releases.add_row(str(each.number), each.state.value, str(len(each.rows)), moment(each.proposed_at), *judged)
    yield releases


def _facts(register: Register, batch: Batch, steps: list[Step]) -> Table:
    table = Table(show_header=False)
    for name in ("id", "partner", "state", "cycle", "period", "purpose", "legal_basis", "letter", "handler"):
        table.add_row(name, str(getattr(batch, name) or ""))
    table.add_row("stage", "TEST: invented people" if batch.is_test else "live")
    table.add_row("items", ", ".join(batch.items))
    table.add_row("rows", "" if batch.rows_in is None else str(batch.rows_in))
    queue = {state.value: count for state, count in register.reviews.count(batch.id).items() if count}
    table.add_row("rows in review", ", ".join(f"{state} {count}" for state, count in queue.items()))
    table.add_row("came", (batch.arrival or "").replace("_", " "))
    table.add_row("due", due_words(batch))
    table.add_row("done", _done(batch, steps))
    taken = [f"result {each.number} {moment(each.noticed_at)} ({each.how})" for each in register.pickups.of(batch.id)]
    table.add_row("taken by the partner", ", ".join(taken))
    place = [str(part) for part in (batch.refusal_row, batch.refusal_column) if part is not None]
    table.add_row("refused for", " ".join([batch.refusal_code or "", *place]))
    return table


def _done(batch: Batch, steps: list[Step]) -> str:
    closed = next((step.at for step in steps if step.to_state == State.CLOSED), None)
    if closed is None or batch.due_on is None:
        return ""
    return f"{moment(closed)} {'on time' if office_day(closed) <= (batch.due_last or batch.due_on) else 'late'}"


def _steps(steps: list[Step]) -> Table:
    """Each step with the time since the one before, and what was noted between."""
    table = Table("when", "step", "after", "by", "told", title="steps")
    before: datetime | None = None
    for step in steps:
        moved = step.from_state != step.to_state
        after = span((step.at - before).total_seconds()) if moved and before else ""
        told = "" if moved else ", ".join(f"{name} {value}" for name, value in json.loads(step.facts).items())
        table.add_row(moment(step.at), step.to_state if moved else "", after, step.actor, told)
        before = step.at if moved else before
    return table


def moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(OFFICE_ZONE).strftime(MOMENT)
