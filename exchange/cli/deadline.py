"""``exchange deadline``: what ``deadline_watch`` does each hour, by hand, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import HALTED, err, out, outcome
from exchange.register import Alert
from exchange.watch.all_watches import watch_all
from exchange.watch.due import Recount
from exchange.watch.due import recompute as recompute_all
from exchange.watch.message import words

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_MINUTE = "%Y-%m-%d %H:%M"
_ALERTS = {
    "subject": "批次或期间 subject",
    "alert": "提醒 alert",
    "due": "时限 due",
    "since": "应于 since",
    "noticed": "发现 noticed",
    "told": "已发送 told",
}


@commands.command()
def watch() -> None:
    """重算时限，登记提醒，催报未报的请求。 Count due days again, register alerts, remind of missing sets."""
    with outcome(), App.of_account(os_user()) as app:
        watched = watch_all(app)
        _changed(app, watched.counted.recount)
        for about in watched.ahead.cycles.reminded:
            out.print(f"{about}: 已提醒部门 the partner was reminded", markup=False)
        _print(watched.alerts)
        _stop_at(watched.troubles)


@commands.command()
def recompute() -> None:
    """重算在办批次的时限；有变的登记并另发回执。 Count open due days again; what changed gets another receipt."""
    with outcome(), App.of_account(os_user()) as app:
        recount = recompute_all(app)
        _changed(app, recount)
        _stop_at(recount.troubles)


def _changed(app: App, recount: Recount) -> None:
    for batch in recount.changed:
        out.print(f"{batch}: 时限 due {app.register.batch(batch).due_on}", markup=False)
    for batch in recount.informed:
        out.print(f"{batch}: 部门已收到新回执 the partner has another receipt", markup=False)


def _stop_at(troubles: Sequence[str]) -> None:
    for trouble in troubles:
        err.print(f"须人工处理 A person must look: {trouble}", markup=False)
    if troubles:
        raise typer.Exit(HALTED)


@commands.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="只列此部门 only this partner's")] = None,
    *,
    untold: Annotated[
        bool, typer.Option("--untold", help="只列未发出消息的 only those about which no message went out")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="最多几条 at most so many")] = 50,
) -> None:
    """登记的提醒，最新的在前。 The alerts in the register, the newest first."""
    with outcome(), App.of_account(os_user()) as app:
        _print(app.register.alerts.find(partner=partner, untold=untold, limit=limit))


def _print(alerts: Sequence[Alert]) -> None:
    table = folded(_ALERTS)
    for alert in alerts:
        moments = [
            "" if moment is None else moment.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            for moment in (alert.noticed_at, alert.told_at)
        ]
        sentence = " ".join(words(alert.code, alert.days))
        table.add_row(alert.subject, sentence, str(alert.due_on), str(alert.true_on), *moments)
    out.print(table if table.row_count else "没有提醒。 No alerts.")
