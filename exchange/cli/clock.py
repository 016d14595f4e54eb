"""``exchange clock``: stop and start the clock of a batch whose records must be looked into by hand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.os_user import os_user
from exchange.base.tables import STOPS
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.outcome import out, outcome
from exchange.review.decisions import check_note
from exchange.review.people import check_officer_or_leader

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="The batch's id")]
_MINUTE = "%Y-%m-%d %H:%M"


@commands.command()
def stop(
    batch: BatchId,
    reason: Annotated[str, typer.Option(help=", ".join(STOPS))],
    note: Annotated[str | None, typer.Option(help="Short; no identity number")] = None,
) -> None:
    """Stop the clock: records must be looked into by hand. Working days at whose end it stands do not count."""
    with outcome(), App.of_account(os_user()) as app:
        check_officer_or_leader(app.settings, app.register.actor)
        if reason not in STOPS:
            msg = f"no such reason; one of {', '.join(STOPS)}"
            raise Halt(msg)
        check_note(note, needed=reason == "other")
        stopped = app.register.clock.stop(batch, app.now(), reason, note)
        out.print(f"{batch}: {'the clock stands' if stopped else 'the clock stood already'}", markup=False)


@commands.command()
def start(
    batch: BatchId,
    note: Annotated[str | None, typer.Option(help="What was found; short, no identity number")] = None,
) -> None:
    """Start the clock again; the due day moves by the working days that were not counted."""
    with outcome(), App.of_account(os_user()) as app:
        check_officer_or_leader(app.settings, app.register.actor)
        check_note(note, needed=False)
        app.register.clock.start(batch, app.now(), app.office_days, note)
        found = app.register.batch(batch)
        out.print(f"{batch}: the clock runs; due {found.due_on}, first {found.due_original}", markup=False)


@commands.command()
def show(batch: BatchId) -> None:
    """When the batch's clock was stopped and started, by whom and why."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.batch(batch)
        table = Table("停 stopped", "经办 by", "原因 reason", "备注 note", "续 started", "经办 by", "备注 note")
        for each in app.register.clock.stops(batch):
            started = each.started_at.astimezone(OFFICE_ZONE).strftime(_MINUTE) if each.started_at else ""
            stopped = each.stopped_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            words = STOPS[each.reason].zh
            ended = (started, each.started_by or "", each.started_note or "")
            table.add_row(stopped, each.stopped_by, words, each.note or "", *ended)
        out.print(table if table.row_count else "未停过。 The clock was never stopped.")
