"""``exchange clock``: the clock of a batch whose records must be looked into by hand: an officer proposes that it be
paused, a leader approves, and it is resumed.
"""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.os_user import os_user
from exchange.base.tables import STOPS
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.review.decisions import check_note
from exchange.review.people import check_leader, check_officer_or_leader, who
from exchange.supervision.labels import stop

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="The batch's id")]
_MINUTE = "%Y-%m-%d %H:%M"
_WAITING = {"batch": "批次 batch", "at": "报请 proposed", "by": "经办 by", "reason": "原因 reason", "note": "备注 note"}
_STOPS = {
    "stopped": "停 paused",
    "stopped_by": "经办 by",
    "reason": "原因 reason",
    "note": "备注 note",
    "started": "续 resumed",
    "started_by": "经办 by",
    "found": "备注 note",
}


@commands.command()
def propose(
    batch: BatchId,
    reason: Annotated[str, typer.Option(help=", ".join(STOPS))],
    note: Annotated[str | None, typer.Option(help="Short; no identity number")] = None,
) -> None:
    """Ask a leader to stop the clock: records must be looked into by hand. It runs until the leader approves."""
    with outcome(), App.of_account(os_user()) as app:
        check_officer_or_leader(app.settings, app.register.actor)
        if reason not in STOPS:
            msg = f"no such reason; one of {', '.join(STOPS)}"
            raise Halt(msg, zh=f"没有这项原因，可选：{'，'.join(STOPS)}")
        check_note(note, needed=reason == "other")
        asked = app.register.clock.propose(batch, app.now(), reason, note)
        outcome_words = (
            "已报请停止计时，待领导审批 a leader is asked; the clock runs"
            if asked
            else "已有报请或已停止 asked already, or it is paused"
        )
        out.print(f"{batch}: {outcome_words}", markup=False)


@commands.command()
def approve(batch: BatchId) -> None:
    """Let the clock stand, as an officer proposed. Working days at whose end it stands do not count."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        app.register.clock.approve(batch, app.now())
        out.print(f"{batch}: 停止计时 the clock is paused", markup=False)


@commands.command()
def reject(batch: BatchId, why: Annotated[str, typer.Option(help="Short; no identity number")]) -> None:
    """Do not stop the clock: it has never stood."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(why, needed=True)
        app.register.clock.reject(batch, app.now(), why)
        out.print(f"{batch}: 不予停止，计时照常 the clock runs on", markup=False)


@commands.command()
def waiting() -> None:
    """Which batches' clocks a leader is asked to stop."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_WAITING)
        for each in app.register.clock.proposals():
            when = each.proposed_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            table.add_row(each.batch, when, who(app.settings, each.proposed_by), stop(each.reason).zh, each.note or "")
        out.print(table if table.row_count else "无待批。 No leader is asked.")


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
        started = app.register.batch(batch)
        out.print(
            f"{batch}: 恢复计时 the clock runs；时限 due {started.due_on}，原 first {started.due_original}",
            markup=False,
        )


@commands.command()
def show(batch: BatchId) -> None:
    """When the batch's clock was stopped and started, by whom and why."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.batch(batch)
        table = folded(_STOPS)
        for each in app.register.clock.stops(batch):
            started = each.started_at.astimezone(OFFICE_ZONE).strftime(_MINUTE) if each.started_at else ""
            stopped = each.stopped_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            words = stop(each.reason).zh
            ended = (started, who(app.settings, each.started_by), each.started_note or "")
            table.add_row(stopped, who(app.settings, each.stopped_by), words, each.note or "", *ended)
        out.print(table if table.row_count else "未停过。 The clock was never paused.")
