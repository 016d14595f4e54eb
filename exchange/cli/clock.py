"""``exchange clock``: stop and start the clock of a batch whose records must be looked into by hand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exchange.account import account
from exchange.cli.outcome import out, outcome
from exchange.errors import Halt
from exchange.office import Office
from exchange.review.decisions import check_note
from exchange.review.people import check_officer_or_leader
from exchange.tables import STOPS
from exchange.working_days import OFFICE_ZONE

app = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="The batch's id")]
_MINUTE = "%Y-%m-%d %H:%M"


@app.command()
def stop(
    batch: BatchId,
    reason: Annotated[str, typer.Option(help=", ".join(STOPS))],
    note: Annotated[str | None, typer.Option(help="Short; no identity number")] = None,
) -> None:
    """Stop the clock: records must be looked into by hand. Working days at whose end it stands do not count."""
    with outcome(), Office.open(account()) as office:
        check_officer_or_leader(office.settings, account())
        if reason not in STOPS:
            msg = f"no such reason; one of {', '.join(STOPS)}"
            raise Halt(msg)
        check_note(note, needed=reason == "other")
        stopped = office.register.clock.stop(batch, office.now(), reason, note)
        out.print(f"{batch}: {'the clock stands' if stopped else 'the clock stood already'}", markup=False)


@app.command()
def start(
    batch: BatchId,
    note: Annotated[str | None, typer.Option(help="What was found; short, no identity number")] = None,
) -> None:
    """Start the clock again; the due day moves by the working days that were not counted."""
    with outcome(), Office.open(account()) as office:
        check_officer_or_leader(office.settings, account())
        check_note(note, needed=False)
        office.register.clock.start(batch, office.now(), office.office_days, note)
        found = office.register.batch(batch)
        out.print(f"{batch}: the clock runs; due {found.due_on}, first {found.due_original}", markup=False)


@app.command()
def show(batch: BatchId) -> None:
    """When the batch's clock was stopped and started, by whom and why."""
    with outcome(), Office.open(account()) as office:
        office.register.batch(batch)
        table = Table("停 stopped", "经办 by", "原因 reason", "备注 note", "续 started", "经办 by", "备注 note")
        for each in office.register.clock.stops(batch):
            started = each.started_at.astimezone(OFFICE_ZONE).strftime(_MINUTE) if each.started_at else ""
            stopped = each.stopped_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            words = STOPS[each.reason].zh
            ended = (started, each.started_by or "", each.started_note or "")
            table.add_row(stopped, each.stopped_by, words, each.note or "", *ended)
        out.print(table if table.row_count else "未停过。 The clock was never stopped.")
