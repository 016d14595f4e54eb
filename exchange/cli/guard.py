"""``exchange guard``: first results that the guard against fishing holds for a leader."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.register.guard import RELEASED
from exchange.review.decisions import check_note
from exchange.review.people import check_leader
from exchange.steps.guarding import refuse_held, release_held
from exchange.supervision.labels import trip
from exchange.supervision.states import STATES

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]
_HELD = {
    "batch": "批次 batch",
    "partner": "部门 partner",
    "since": "自 since",
    "tripped": "触发 tripped",
    "decided": "决定 decided",
}
Reason = Annotated[str, typer.Option(help="简短，不写身份证号 short; no identity number")]


@commands.command("list")
def list_() -> None:
    """扣留的结果：何时起，触发了什么。 The held results, since when, and which limits they reached."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_HELD)
        for hold in (*app.register.guard.holds(), *app.register.guard.unfinished()):
            since = hold.held_at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
            word = "放行 released" if hold.decision == RELEASED else "不予答复 refused"
            decided = f"{word}，未告知部门 not told: run it again" if hold.decision else ""
            table.add_row(hold.batch, hold.partner, since, "；".join(str(trip(one)) for one in hold.tripped), decided)
        out.print(table)


@commands.command()
def release(batch: BatchId, reason: Reason) -> None:
    """领导放行被扣留的结果。 Let a held result go to the partner, as the leader."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        release_held(app, batch, reason)
        out.print(f"{batch}: 已放行 released, {STATES[app.register.batch(batch).state]}", markup=False)


@commands.command()
def refuse(batch: BatchId, reason: Reason) -> None:
    """领导不予答复被扣留的批次，并以回执告知部门。 Refuse a held batch, as the leader; a receipt tells the partner."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        refuse_held(app, batch, reason)
        out.print(f"{batch}: 不予答复 refused", markup=False)
