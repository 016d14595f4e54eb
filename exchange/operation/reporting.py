"""Checks of what the office is told by itself: its messages about due days, and the monthly report.

Rules
- Both are warnings: the register has everything that they would have said.
- What cannot be missed is no finding: an office that never sent a message, a month that was over before the register
  began.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.operation.finding import HealthFinding, ok, warning
from exchange.register.counts import first_line_at
from exchange.supervision.month import REPORTED_BY, month_before
from exchange.supervision.report_files import is_written

MESSAGES_WITHIN: Final = timedelta(hours=3)
"""``deadline_watch`` sends them each hour, and tries again by itself."""


def messages(app: App) -> Iterator[HealthFinding]:
    """Messages about due days go out where they did before."""
    since = app.register.alerts.unsent_since()
    if since is None or app.now() - since <= MESSAGES_WITHIN:
        yield ok("时限提醒按时发出", "no message about due days is overdue")
        return
    hours = (app.now() - since) / timedelta(hours=1)
    yield warning(
        f"时限提醒已 {hours:.0f} 小时发不出去：看 deadline_watch 的 tell，连接 exchange_alerts",
        f"messages not sent for {hours:.0f} hours: see tell of deadline_watch, connection exchange_alerts",
    )


def reports(app: App) -> Iterator[HealthFinding]:
    """Last month's report is there by the day on which it is due."""
    month, begun = month_before(app.now()), first_line_at(app.register.engine)
    over = office_day(app.now()).day > REPORTED_BY
    if not over or begun is None or begun >= month.end or is_written(app.settings.home, month):
        yield ok("月报按时完成", "the monthly report is made in time")
        return
    yield warning(
        f"{month.name} 的月报未完成：exchange report monthly {month.name}",
        f"the report of {month.name} is missing: exchange report monthly {month.name}",
    )
