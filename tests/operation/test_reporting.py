"""``exchange health``: whether messages about due days go out, and the month's report is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.operation.finding import Condition
from exchange.operation.reporting import MESSAGES_WITHIN, messages, reports
from exchange.register import NewAlert
from exchange.register.counts import first_line_at
from exchange.supervision.month import REPORTED_BY, month_before
from exchange.supervision.report_files import KINDS, report_files

OK, WARNING, _ = Condition
DAY = date(2026, 11, 30)
At = Callable[[datetime], App]


@pytest.fixture
def at(app: App, tmp_path: Path) -> At:
    """The office at a moment, with a home of its own."""
    settings = app.settings.model_copy(update={"home": tmp_path})
    return lambda moment: App(settings, app.register, lambda: moment)


def notice(app: App, subject: str) -> datetime:
    alert = app.register.alerts.add(NewAlert("court", subject, "missing_set", 0, DAY, DAY), app.now())
    assert alert is not None
    return alert.noticed_at


def test_messages_are_missed_where_they_went_out_before(app: App, at: At) -> None:
    notice(app, "court reporting 1")
    app.register.alerts.mark_sent(app.register.alerts.find(untold=True), app.now())
    noticed = notice(app, "court reporting 2")
    for late, condition in ((timedelta(), OK), (timedelta(seconds=1), WARNING), (timedelta(days=40), WARNING)):
        (found,) = messages(at(noticed + MESSAGES_WITHIN + late))
        assert found.condition is condition, late
    app.register.alerts.mark_sent(app.register.alerts.find(untold=True), app.now())
    assert [each.condition for each in messages(at(noticed + timedelta(days=40)))] == [OK]


def test_a_report_is_missed_after_its_day_where_the_register_was_there(app: App, at: At) -> None:
    notice(app, "court reporting 3")
    begun = first_line_at(app.register.engine)
    assert begun is not None
    in_next_month = (office_day(begun).replace(day=1) + timedelta(days=32)).replace(day=1)
    for day, condition in ((1, OK), (REPORTED_BY, OK), (REPORTED_BY + 1, WARNING), (28, WARNING)):
        office = at(datetime(in_next_month.year, in_next_month.month, day, 1, tzinfo=UTC))
        assert [each.condition for each in reports(office)] == [condition], day
        before = at(begun.replace(day=28))  # the register had not begun when the month before was over
        assert [each.condition for each in reports(before)] == [OK]

    month = month_before(office.now())
    files = [file for kind in KINDS for file in report_files(office.settings.home, month, outside=kind)]
    files[0].parent.mkdir(parents=True)
    for file in files:
        assert [each.condition for each in reports(office)] == [WARNING]
        file.touch()
    assert [each.condition for each in reports(office)] == [OK]
