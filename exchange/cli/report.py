"""``exchange report``: the monthly report."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.cli.outcome import out, outcome
from exchange.supervision.month import month_before, read_month
from exchange.supervision.report import write_reports

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.callback()
def main() -> None:
    """Reports of what the register counted."""


@commands.command()
def monthly(
    month: Annotated[str | None, typer.Argument(help="YYYY-MM，缺省为上月 by default the month before this")] = None,
    *,
    for_outside: Annotated[
        bool, typer.Option("--for-outside", help="只生成对外的一份 only the one that may leave the office")
    ] = False,
) -> None:
    """生成月度报告（内部、对外），网页和工作簿。 Write a month's report, inside and outside, as HTML and XLSX."""
    with outcome(), App.of_account(os_user()) as app:
        chosen = read_month(month, app.now()) if month else month_before(app.now())
        for path in write_reports(app, chosen, outside=True if for_outside else None):
            out.print(path, markup=False, soft_wrap=True)
