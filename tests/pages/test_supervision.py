"""Supervision and the register's search: tables and their files, shares as in the report, who looked and decided."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import polars as pl
import pytest

from exchange.app import App
from exchange.base.files import write_atomically
from exchange.demo.partner import DemoPartner
from exchange.demo.world import OFFICER_ID
from exchange.register import Decision, Register, Release
from exchange.register.looks import looks
from exchange.supervision.months import last_months, named
from exchange.supervision.report import make_report
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records, release_of

TABLES = ("months", "levels", "partners", "longest", "looks")


@pytest.fixture
def release(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    return release_of(officer, education, asked)


def cells(pages: Pages, table: str) -> list[list[str]]:
    status, text = pages.get("supervisor", f"/supervision/csv/{table}.csv")
    assert status == 200
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_every_table_is_on_the_page_and_a_file(pages: Pages, release: Release, asked: pl.DataFrame) -> None:
    assert release
    status, text = pages.get("supervisor", "/supervision")
    assert status == 200
    assert text.count("<caption>") == len(TABLES)
    for table in TABLES:
        assert f"/supervision/csv/{table}.csv" in text
        head, *rows = cells(pages, table)
        assert rows
        assert {len(row) for row in rows} == {len(head)}
        assert all(row[0] in text for row in rows)
    for person in asked.iter_rows(named=True):
        assert person["id_number"] not in text
    assert pages.get("supervisor", "/supervision/csv/none.csv")[0] == 404
    received = [row[2] for row in cells(pages, "longest")[1:]]
    assert received == sorted(received), "what waits longest comes first"


def test_the_running_month_is_that_of_the_report(pages: Pages, officer: App, release: Release) -> None:
    assert release
    head, *rows = cells(pages, "months")
    figures = {row[0].split()[0]: row[-1] for row in rows}
    month = last_months(officer.now(), 1)[0]
    page = make_report(officer, month, outside=False).page.decode()
    assert head[-1].startswith(month.name)
    assert f"收到核查请求 {figures['收到']} 批" in page
    assert f"按时办结率 {figures['按时办结率']}" in page


def test_who_opened_and_decided(officer: App, education: DemoPartner, asked: pl.DataFrame) -> None:
    batch, engine = asked_of_records(officer, education, asked), officer.register.engine
    begin, far = officer.now(), officer.now() + timedelta(days=1)

    def found(person: str) -> tuple[int, int, int]:
        of = [each for each in looks(engine, begin, far) if each.person == person]
        return (of[0].opened, of[0].decided, of[0].overturned) if of else (0, 0, 0)

    one, other, third = (Register(engine, name) for name in (OFFICER_ID, "p-b", "p-c"))
    one.reviews.opened(batch, [1])
    one.reviews.opened(batch, [1])
    for register, version, answer in (one, 1, "record_found"), (other, 2, "no_record"), (third, 3, "no_record"):
        register.reviews.decide(batch, [Decision(1, version, {"criminal_record": answer}, "case_file")], two=True)
    assert found(OFFICER_ID) == (2, 1, 1), "overturned in the end"
    assert found("p-b") == found("p-c") == (0, 1, 0)
    third.reviews.undo(batch, 1)
    assert found("p-c") == (0, 1, 0), "taken back, it was decided all the same"
    assert looks(engine, far, far + timedelta(days=1)) == []


def test_the_month_before_is_looked_into_too(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame
) -> None:
    """As on the first of a month, which the pages' clock shows."""
    batch, now = asked_of_records(officer, education, asked), officer.now
    Register(officer.register.engine, OFFICER_ID).reviews.opened(batch, [1])
    month, app = last_months(now(), 1)[0], pages.context.app
    next_month = last_months(month.start + timedelta(days=32), 1)[0].start + timedelta(hours=2)
    app.now = lambda: next_month
    try:
        lines = cells(pages, "looks")[1:]
    finally:
        app.now = now
        pages.context.months.clear()  # what is whole there is not yet whole
    assert [line for line in lines if OFFICER_ID in line[0] and line[1] == month.name]


def test_reports_are_the_files_that_lie_there(pages: Pages, officer: App) -> None:
    folder = officer.settings.home / "reports" / "2026-09"
    write_atomically(folder / "2026-09.html", b"<p>report")
    write_atomically(folder / "2026-09.txt", b"other")
    text = pages.get("supervisor", "/supervision")[1]
    assert "/supervision/report/2026-09.html" in text
    assert "2026-09.txt" not in text
    answer = pages.client.get("/supervision/report/2026-09.html", headers={"x-login": "supervisor"})
    assert answer.content == b"<p>report"
    assert answer.headers["content-disposition"].startswith("attachment")
    for name in ("2026-09.txt", "2026-13.html", "2026-10.xlsx", "..%2Fx.html"):
        assert pages.get("supervisor", f"/supervision/report/{name}")[0] == 404


def test_what_is_searched_for_is_found_and_nothing_else(pages: Pages, officer: App, release: Release) -> None:
    batch = officer.register.batch(release.batch)
    number = batch.id.rpartition("-")[2]
    wanted = {"batch": f"pages-{number}", "partner": batch.partner, "period": "2026-Q", "state": batch.state.value}
    wanted |= {"letter": batch.letter[1:-1]} if batch.letter else {}
    assert "查得" not in pages.get("supervisor", "/search")[1]
    for fields in (wanted, *({name: text} for name, text in wanted.items())):
        assert batch.id in pages.post("supervisor", "/search", **fields)[1]
    for name in wanted:
        another = {name: "refused" if name == "state" else "%_none"}
        assert batch.id not in pages.post("op", "/search", **wanted | another)[1]
    status, text = pages.post("op", "/search", batch="<i>", state="none")
    assert status == 200
    assert "<i>" not in text


def test_shares_stand_beside_each_other_by_name() -> None:
    class Month:
        by_partner = {"甲": 0.5}  # noqa: RUF012

    class Next:
        by_partner = {"乙": 1.0}  # noqa: RUF012

    assert named([Month, Next], "by_partner") == [("乙", [None, 1.0]), ("甲", [0.5, None])]  # type: ignore[list-item]
