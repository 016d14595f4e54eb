"""``exchange expected``: what the agreements expect, and what has not come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.agreements.expected import current
from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.cli.show import cycle_cell
from exchange.register import MissingSet
from exchange.watch.lacking import missing_now

commands = typer.Typer(add_completion=False)
_DAY = "%Y-%m-%d"
_EXPECTED = {
    "partner": "部门 partner",
    "cycle": "周期 cycle",
    "period": "期间 period",
    "purpose": "用途 purpose",
    "due": "应于 by",
    "state": "状态 state",
}


@commands.command()
def expected(
    *,
    every: Annotated[
        bool, typer.Option("--all", help="含迟报的及其收到日 also what came late, with the day on which it came")
    ] = False,
) -> None:
    """应报、未报的请求。 The sets that agreements expect, and those that have not come."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_EXPECTED)
        for path in app.agreement_files():
            agreement = load_agreement(path)
            for cells in [] if agreement.is_test else _current(app, agreement):
                table.add_row(*cells)
        for line in app.register.missing.find(every=True) if every else missing_now(app):
            table.add_row(
                line.partner, cycle_cell(line.cycle), line.period, line.purpose, str(line.expected_by), _state(line)
            )
        out.print(table if table.row_count else "协议未约定报送期限。 No agreement expects anything.")


def _current(app: App, agreement: Agreement) -> Iterator[tuple[str, ...]]:
    """What is to come now and what of it is there; what is known as missing has a line of its own."""
    missing, today = app.register.missing, office_day(app.now())
    known, arrived = {line.key for line in missing.find(partner=agreement.partner)}, missing.came(agreement.partner)
    for expectation in agreement.expected:
        for expected_set, came in current(agreement, expectation, today, arrived, app.office_days):
            if came or expected_set.key not in known:
                cycle, purpose = cycle_cell(expected_set.cycle), expected_set.purpose
                state = "已收到" if came else "待报" if today <= expected_set.expected_by else "未收到"
                yield agreement.partner, cycle, expected_set.period, purpose, str(expected_set.expected_by), state


def _state(line: MissingSet) -> str:
    if line.arrived_at is not None:
        return f"迟到 {line.arrived_at.astimezone(OFFICE_ZONE).strftime(_DAY)}"
    return f"未收到，提醒 {line.reminders} 次"
