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
from exchange.supervision.states import not_resumed

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]
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
    reason: Annotated[str, typer.Option(help="原因 reason: " + ", ".join(STOPS))],
    note: Annotated[str | None, typer.Option(help="简短，不写身份证号 short; no identity number")] = None,
) -> None:
    """报请领导停止计时（须人工调查时）；批准前计时照常。 Ask a leader to pause the clock; it runs until then."""
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
    """批准停止计时；其间的工作日不计入时限。 Pause the clock as proposed; working days stop counting."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        app.register.clock.approve(batch, app.now())
        out.print(f"{batch}: 停止计时 the clock is paused", markup=False)


@commands.command()
def reject(
    batch: BatchId, why: Annotated[str, typer.Option(help="简短，不写身份证号 short; no identity number")]
) -> None:
    """不予停止，计时照常。 Do not pause the clock: it was never paused."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(why, needed=True)
        app.register.clock.reject(batch, app.now(), why)
        out.print(f"{batch}: 不予停止，计时照常 the clock runs on", markup=False)


@commands.command()
def waiting() -> None:
    """报请停止计时、待审批的批次。 The batches whose clock a leader is asked to pause."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_WAITING)
        for proposal in app.register.clock.proposals():
            when = proposal.proposed_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            table.add_row(
                proposal.batch,
                when,
                who(app.settings, proposal.proposed_by),
                stop(proposal.reason).zh,
                proposal.note or "",
            )
        out.print(table if table.row_count else "无待批。 No leader is asked.")


@commands.command()
def start(
    batch: BatchId,
    note: Annotated[
        str | None, typer.Option(help="查明的情况，不写身份证号 what was found; no identity number")
    ] = None,
) -> None:
    """恢复计时，时限按未计入的工作日顺延。 Resume the clock; the due day moves by the days not counted."""
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
    """批次计时何时停止、恢复，由谁，为何。 When the batch's clock was paused and resumed, by whom and why."""
    with outcome(), App.of_account(os_user()) as app:
        never = str(not_resumed(app.register.batch(batch).state))
        table = folded(_STOPS)
        for pause in app.register.clock.stops(batch):
            started = pause.started_at.astimezone(OFFICE_ZONE).strftime(_MINUTE) if pause.started_at else never
            stopped = pause.stopped_at.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            words = stop(pause.reason).zh
            ended = (started, who(app.settings, pause.started_by), pause.started_note or "")
            table.add_row(stopped, who(app.settings, pause.stopped_by), words, pause.note or "", *ended)
        out.print(table if table.row_count else "未停过。 The clock was never paused.")
