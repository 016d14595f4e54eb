"""Offices at other times and with other calendars, and sets that wait for something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import chinese_calendar
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll

At = Callable[[datetime], App]
Accepted = Callable[..., str]


@pytest.fixture
def at(app: App) -> At:
    """The same office at this moment."""
    return lambda moment: App(app.settings, app.register, lambda: moment)


@pytest.fixture
def year_end(app: App) -> datetime:
    """28 December of the last year that the calendar knows, or now, where it does not know this year."""
    last = max(chinese_calendar.holidays).year
    return max(app.now(), datetime(last, 12, 28, 10, tzinfo=OFFICE_ZONE))


@pytest.fixture
def with_days(app: App, tmp_path: Path) -> Callable[..., App]:
    """The office with a file of its own days: those given are off; all days of the years given are known."""

    def make(*off: date, years: tuple[int, ...] = ()) -> App:
        fixed = [date(year, *day) for year in years for day in [(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)]]
        lines = [f'[[days]]\nday = {day}\nis = "off"\nnotice = "虚构1号"\n' for day in sorted({*off, *fixed})]
        lines += [f'[[years]]\nyear = {year}\nnotice = "虚构2号"\n' for year in years]
        path = tmp_path / "days.toml"
        path.write_text("".join(lines), encoding="utf-8")
        return App(app.settings.model_copy(update={"office_days": path}), app.register, app.now)

    return make


@pytest.fixture
def accepted(court: DemoPartner, ask: Callable[..., Request]) -> Accepted:
    """A monthly set of the court's that is accepted and goes no further; its batch id."""

    def make(app: App, **given: object) -> str:
        period = f"{office_day(app.now()):%Y-%m}"
        request = ask(**{"cycle": "monthly", "period": period} | given)
        court.drop(court.make_set(request))
        assert request.batch in poll(app).waiting
        assert pipeline.receive(app, request.batch)
        return request.batch

    return make
