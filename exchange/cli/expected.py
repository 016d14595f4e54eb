"""``exchange expected``: what the agreements expect, and what has not come."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.agreements.expected import expected_by, matching
from exchange.agreements.sections import Expected
from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.periods import period_of
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.cli.show import cycle_cell
from exchange.register import MissingSet

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
            for expectation in agreement.expected:
                table.add_row(*_present(app, agreement, expectation))
        for line in app.register.missing.find(every=every):
            table.add_row(
                line.partner, cycle_cell(line.cycle), line.period, line.purpose, str(line.expected_by), _state(line)
            )
        out.print(table if table.row_count else "协议未约定报送期限。 No agreement expects anything.")


def _present(app: App, agreement: Agreement, expectation: Expected) -> tuple[str, ...]:
    period = period_of(expectation.cycle, office_day(app.now()))
    came = matching(
        expectation.cycle, period.name, expectation.purpose or "", app.register.missing.came(agreement.partner)
    )
    by = expected_by(expectation, period, app.office_days)
    state = "已收到" if came else "本期"
    return agreement.partner, cycle_cell(expectation.cycle), period.name, expectation.purpose or "", str(by), state


def _state(line: MissingSet) -> str:
    if line.arrived_at is not None:
        return f"迟到 {line.arrived_at.astimezone(OFFICE_ZONE).strftime(_DAY)}"
    return f"未收到，提醒 {line.reminders} 次"
