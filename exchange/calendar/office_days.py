"""The office's own working days and days off: one TOML file, named by ``office_days`` in the settings.

Rules
- A day that a provincial notice adds or takes stands in it with that notice's number; it comes before the calendar.
- The State Council's notice for a year that the calendar package does not know yet may be entered whole: its year
  under ``[[years]]``, every day on which it differs from the plain week under ``[[days]]``. That year is then not
  provisional.
- An error names file and field and says what would be right. The file is read anew by every task and command.

::

    [[days]]
    day = 2026-11-24
    is = "off"                             # or "worked"
    notice = "吉政办明电〔2026〕12号"

    [[years]]
    year = 2027
    notice = "国办发明电〔2026〕9号"
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exchange.base.toml import Section, parse_model, read_bytes
from exchange.calendar.working_days import FIXED_HOLIDAYS, NO_DAYS, OfficeDays

Notice = Annotated[str, Field(min_length=4, description="the number of the notice that says so")]


class Day(Section):
    """A day that a notice makes a working day, or a day off."""

    day: date
    kind: Annotated[Literal["worked", "off"], Field(alias="is")]
    notice: Notice


class Year(Section):
    """A year whose notice of holidays was entered by hand."""

    year: Annotated[int, Field(ge=2004, le=2100)]
    notice: Notice


class _File(Section):
    days: tuple[Day, ...] = ()
    years: tuple[Year, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        days = {office_day.day: office_day.kind for office_day in self.days}
        if len(days) != len(self.days):
            msg = "days: a day stands twice"
            raise ValueError(msg)
        for year in self.years:
            fixed = (date(year.year, month, day) for month, day in sorted(FIXED_HOLIDAYS))
            if any(days.get(day) != "off" for day in fixed if day.weekday() < 5):
                msg = f"years: the notice for {year.year} is not entered whole: 1 January, 1 May, 1 October … are off"
                raise ValueError(msg)
        return self


def load_office_days(path: Path | None) -> OfficeDays:
    """Day → whether it is worked, of all days that the file decides; none without a file. Halt where it does not
    fit.
    """
    if path is None:
        return NO_DAYS
    missing = f"{path}: no such file; the settings name it under office_days"
    content = read_bytes(path, missing, zh="没有设置所指的工作日文件")
    file = parse_model(_File, content, path)
    plain = {day: day.weekday() < 5 for year in file.years for day in _days_of(year.year)}
    return plain | {office_day.day: office_day.kind == "worked" for office_day in file.days}


def _days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)]
