"""``exchange due``: the due day of a request, counted as the pipeline counts it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from exchange.base.tables import ITEMS
from exchange.calendar.deadlines import WORKING_DAYS, later_items
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import due_after, due_date
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
        if unknown := sorted(set(item or []) - set(ITEMS)):
            msg = f"没有这个事项 no such item: {', '.join(unknown)}; there are {', '.join(ITEMS)}"
            raise typer.BadParameter(msg)
        try:
            day = date.fromisoformat(received)
        except ValueError:
            msg = "收件日写作 YYYY-MM-DD the day of receipt is written so"
            raise typer.BadParameter(msg) from None
        # without an installation, the due date of the law; its own days need its settings
        file = Settings.load().office_days if are_there() else None
        office_days = load_office_days(file)
        limit = due_date(cycle, day, office_days, items=item or [])
        note = "（暂定 provisional）" if limit.provisional else ""
        out.print(f"{limit.day}  {limit.working_days} 个工作日 working days{note}")
        for start in range(0, len(limit.counted), 10):
            out.print("  计入 counted " + " ".join(f"{day:%m-%d}" for day in limit.counted[start : start + 10]))
        for later, working_days in later_items(cycle, item or []).items():
            last = due_after(working_days, day, office_days)
            unsure = "（暂定 provisional）" if last.provisional else ""
            out.print(f"{last.day}  {working_days} 个工作日 working days{unsure}: {later}")
