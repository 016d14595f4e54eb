"""The office's own days: what the file may say, and how a year that is entered whole is known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import due_after, is_working_day

NOTICE = 'notice = "吉政办明电〔2026〕12号"\n'
YEAR = '[[years]]\nyear = 2027\nnotice = "国办发明电〔2026〕9号"\n'
FIXED = ["2027-01-01", "2027-05-01", "2027-05-02", "2027-10-01", "2027-10-02", "2027-10-03"]


def day(text: str, kind: str = "off") -> str:
    return f'[[days]]\nday = {text}\nis = "{kind}"\n{NOTICE}'


def load(folder: Path, content: str) -> dict[date, bool]:
    path = folder / "days.toml"
    path.write_text(content, encoding="utf-8")
    return dict(load_office_days(path))


def test_no_file_says_nothing() -> None:
    assert load_office_days(None) == {}


def test_a_provincial_notice_adds_a_day(tmp_path: Path) -> None:
    found = load(tmp_path, day("2026-11-24") + day("2026-11-28", "worked"))
    assert found == {date(2026, 11, 24): False, date(2026, 11, 28): True}
    assert due_after(5, date(2026, 11, 23), found).day == date(2026, 11, 30)


def test_a_year_that_is_entered_whole_is_known(tmp_path: Path) -> None:
    """Invented: Monday 4 January off, Saturday 9 January worked."""
    content = YEAR + "".join(day(each) for each in [*FIXED, "2027-01-04"]) + day("2027-01-09", "worked")
    found = load(tmp_path, content)
    assert is_working_day(date(2027, 1, 4), found) == (False, False)
    assert is_working_day(date(2027, 1, 9), found) == (True, False)
    assert is_working_day(date(2027, 7, 1), found) == (True, False)
    assert is_working_day(date(2028, 1, 4), found) == (True, True)
    due = due_after(20, date(2026, 12, 15), found)
    assert (due.day, due.provisional) == (date(2027, 1, 13), False)


@pytest.mark.parametrize(("year", "days"), [(2027, 365), (2028, 366)])
def test_of_a_whole_year_every_day_is_decided_and_no_other(tmp_path: Path, year: int, days: int) -> None:
    """1 January 2028 is a Saturday, which need not be named."""
    fixed = [each for each in (date.fromisoformat(text).replace(year=year) for text in FIXED) if each.weekday() < 5]
    found = load(tmp_path, YEAR.replace("2027", f"{year}") + "".join(day(f"{each}") for each in fixed))
    assert sorted(found) == [date(year, 1, 1) + timedelta(days=number) for number in range(days)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[days]]\nday = 2026-11-24\n" + NOTICE, "days.0.is: Field required"),
        ('[[days]]\nday = 2026-11-24\nis = "free"\n' + NOTICE, "days.0.is: Input should be 'worked' or 'off'"),
        ('[[days]]\nday = 2026-11-24\nis = "off"\n', "days.0.notice: Field required"),
        ('[[days]]\nday = "24.11."\nis = "off"\n' + NOTICE, "days.0.day: Input should be a valid date"),
        (day("2026-11-24") + day("2026-11-24", "worked"), "a day stands twice"),
        (YEAR, "the notice for 2027 is not entered whole"),
        ("[[day]]\n", "day: Extra inputs are not permitted"),
        ("[[days", "not TOML"),
    ],
)
def test_errors_name_file_and_field_and_what_is_right(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(Halt) as halted:
        load(tmp_path, content)
    assert says in str(halted.value)
    assert "days.toml" in str(halted.value)


def test_a_file_that_is_named_and_not_there_is_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="no such file"):
        load_office_days(tmp_path / "none.toml")
