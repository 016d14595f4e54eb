"""XLSX requests: days and numbers, however a workbook counts and shows them."""

from __future__ import annotations

import io
import re
from datetime import date, datetime

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from exchange.matching.dates import claimed_period
from exchange.validate.cells import BUILT_IN_DATES, date_shown, number_text
from exchange.validate.columns import columns_for
from exchange.validate.workbook import read_workbook
from tests.examples import one_in

from .workbooks import ITEMS, SOUND, altered, book


@given(
    day=st.dates(date(1910, 1, 2), date(2099, 12, 31)),
    from_1904=st.booleans(),
    shown=st.sampled_from(["", "yyyy-mm-dd", "yyyy年m月d日"]),
    items=st.sampled_from([("birth_date", 3), ("migration", 4), ("cancellation", 4)]),
)
@one_in(2)
def test_a_day_is_the_same_day_however_the_workbook_counts_and_shows_it(
    day: date, from_1904: bool, shown: str, items: tuple[str, int]
) -> None:
    """A bare number was counted from 1900 in a workbook that counts from 1904: another day, four years before."""
    item, place = items
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "date_1904": from_1904}) as made:
        sheet = made.add_worksheet()
        columns = [column.code for column in columns_for((item,))]
        sheet.write_row(0, 0, columns)
        sheet.write_row(1, 0, ["R1"] * place)
        sheet.write_datetime(1, place, day, made.add_format({"num_format": shown or "General"}))
    table = read_workbook(content.getvalue(), None, (item,), 1)
    assert table.select(claimed_period(pl.col(columns[place]))).item()["first"] == day


def test_a_year_is_no_day_that_counts_from_1904() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "date_1904": True}) as made:
        sheet = made.add_worksheet()
        for place, row in enumerate(([column.code for column in columns_for(("migration",))], ["R1"] * 4 + [2015])):
            sheet.write_row(place, 0, row)
    assert read_workbook(content.getvalue(), None, ("migration",), 1)["migration_date"].to_list() == ["2015"]


def test_days_that_count_from_1904() -> None:
    def change(made: openpyxl.Workbook, _: Worksheet) -> None:
        made.epoch = CALENDAR_MAC_1904

    content = book((date(1990, 1, 5), *SOUND[1:]), change=change)
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["1990-01-05"]


@pytest.mark.parametrize(
    ("serial", "text"), [("1", "1900-01-01"), ("59", "1900-02-28"), ("61", "1900-03-01"), ("2958465", "9999-12-31")]
)
def test_serial_days_at_their_borders(serial: str, text: str) -> None:
    assert number_text(serial, shown="ymd", from_1904=False) == text


@pytest.mark.parametrize("text", ["1_0", "٣", "３", "0x10", "1e", "infinity", ".", ""])
@pytest.mark.parametrize("shown", ["ymd", ""])
def test_what_is_no_number_of_xml_stays_as_it_stands(text: str, shown: str) -> None:
    """Python's own reading takes some of them, and made days of January 1900 out of them."""
    assert number_text(text, shown=shown, from_1904=False) == text


@pytest.mark.parametrize("beyond", ["0", "0.5", "-1", "2958466", "inf", "nan"])
def test_what_is_no_day_stays_a_number(beyond: str) -> None:
    assert number_text(beyond, shown="ymd", from_1904=False) == beyond


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("yyyy-mm-dd", "ymd"),
        ('yyyy"年"m"月"d"日"', "ymd"),
        ("[$-804]yyyy年m月d日;@", "ymd"),
        ('[$-804]yyyy"年"m"月";@', "ym"),
        ("mmm-yy", "ym"),
        ("yyyy", "y"),
        ('m"月"d"日"', "md"),
        ("General", ""),
        ("0_ ;[Red]\\-0\\ ", ""),
        ('0"day"', ""),
        ("h:mm:ss", ""),
        ("@", ""),
        ("0.00E+00", ""),
    ],
)
def test_what_of_a_date_a_format_shows(code: str, shown: str) -> None:
    assert date_shown(code) == shown


@pytest.mark.parametrize(
    ("day", "code", "text"),
    [
        (datetime(2015, 3, 1), 'yyyy"年"m"月"', "2015-03"),
        (datetime(2015, 3, 1), "mmm-yy", "2015-03"),
        (datetime(2015, 3, 20), "mmm-yy", "2015-03-20"),
        (datetime(2015, 3, 1, 8), "mmm-yy", "2015-03-01 08:00:00"),
        (datetime(2015, 1, 1), "yyyy", "2015"),
        (datetime(2015, 1, 1), "yyyy-mm", "2015-01"),
        (datetime(2015, 3, 1), "yyyy", "2015-03"),
        (datetime(2026, 3, 20), 'm"月"d"日"', "03-20"),
        (datetime(2026, 3, 1), "d-mmm", "03-01"),
        (datetime(2015, 3, 1), "yyyy-m-d", "2015-03-01"),
    ],
)
def test_a_date_says_no_more_than_was_typed(day: datetime, code: str, text: str) -> None:
    """A program that is given a month makes its first day of it, and puts this year to a day without one."""

    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["A2"].number_format = code

    assert read_workbook(book((day, *SOUND[1:]), change=change), None, ITEMS, 1)["row_ref"].to_list() == [text]


@given(st.dates(date(1905, 1, 1)), st.sampled_from(sorted(BUILT_IN_DATES)))
def test_what_no_format_shows_is_claimed_by_nobody(day: date, number: str) -> None:
    """Whatever the day: where a year is not shown nothing is a date, and a month alone covers the day behind it."""
    shown = BUILT_IN_DATES[number]
    text = number_text(str((day - date(1899, 12, 30)).days), shown=shown, from_1904=False)
    first, last = pl.select(claimed_period(pl.lit(text))).to_series()[0].values()
    if "y" not in shown:
        assert first is None
    else:
        assert first <= day <= last
        assert (first == last) == ("d" in shown or day.day > 1)


def test_built_in_formats_of_chinese_programs() -> None:
    """Number 31 is yyyy年m月d日 there, and its code does not stand in the file."""
    content = altered(
        book((date(1990, 1, 5), *SOUND[1:])),
        "xl/styles.xml",
        lambda xml: re.sub(rb'(<xf [^>]*numFmtId=")(14|16[4-9])"', rb'\g<1>31"', xml),
    )
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["1990-01-05"]
