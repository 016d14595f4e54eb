"""``exchange due``: the due day of a request, counted as the pipeline counts it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import due_date
from exchange.cli.outcome import out, outcome
from exchange.settings import Settings, are_there

commands = typer.Typer(add_completion=False)


@commands.command()
def due(
    cycle: str = typer.Argument(help="周期 cycle: " + ", ".join(WORKING_DAYS)),
    received: str = typer.Argument(help="收件日 day of receipt, YYYY-MM-DD"),
    item: Annotated[
        list[str] | None, typer.Option(help="所核事项，可多次 an item that is asked; several times for several")
    ] = None,
) -> None:
    """计算办结时限。 When a request is due, and which days count."""
    with outcome():
        if cycle not in WORKING_DAYS:
            msg = f"没有这个周期 no such cycle; there are {', '.join(WORKING_DAYS)}"
            raise typer.BadParameter(msg)
        try:
            day = date.fromisoformat(received)
        except ValueError:
            msg = "收件日写作 YYYY-MM-DD the day of receipt is written so"
            raise typer.BadParameter(msg) from None
        # without an installation, the due date of the law; its own days need its settings
        file = Settings.load().office_days if are_there() else None
        limit = due_date(cycle, day, load_office_days(file), items=item or [])
        note = "（暂定 provisional）" if limit.provisional else ""
        out.print(f"{limit.day}  {limit.working_days} 个工作日 working days{note}")
        for start in range(0, len(limit.counted), 10):
            out.print("  计入 counted " + " ".join(f"{day:%m-%d}" for day in limit.counted[start : start + 10]))
