"""The monthly report of real batches: what the register knows is in it, nobody's data is."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.files import sha256
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.snapshots import integrity
from exchange.snapshots.versions import Snapshots
from exchange.supervision.doubtful import count_doubtful, version_of
from exchange.supervision.month import month_before, read_month
from exchange.supervision.report import make_report, partners_of, write_reports

Ask = Callable[..., Request]


@pytest.fixture
def next_month(app: App) -> App:
    """The same office on the second day of the next month."""
    first = app.now().astimezone(OFFICE_ZONE).replace(day=1) + timedelta(days=32)
    return App(app.settings, app.register, lambda: first.replace(day=2))


def numbers(report: bytes, sheet: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(report))[sheet].iter_rows(min_row=2, values_only=True))


def test_what_was_done_is_in_it_and_nobodys_data(
    app: App, next_month: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    before = numbers(make_report(next_month, month_before(next_month.now()), outside=False).workbook, "各部门办理情况")
    asked = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(12)
    rows = asked.with_row_index("row_ref").select("row_ref", "id_number", "name", "sex").write_csv().encode()
    request = ask(rows, 12)
    court.drop(court.make_set(request))
    refused = ask(legal_basis="另一法律依据")
    court.drop(court.make_set(refused))
    poll(app)
    assert pipeline.run(app, request.batch)
    assert not pipeline.run(app, refused.batch)

    month = month_before(next_month.now())
    report = make_report(next_month, month, outside=False)
    after = numbers(report.workbook, "各部门办理情况")
    total, former = after[-2 - 1], before[-2 - 1]  # a note stands below the table
    assert total[0] == former[0] == "合计 total"
    came, not_taken, done, answered = (int(str(total[place])) - int(str(former[place])) for place in (4, 5, 6, -1))
    assert (came, not_taken, done, answered) == (2, 1, 1, 12)
    assert "长春市中级人民法院（虚构）" in [row[0] for row in after]
    outside = make_report(next_month, month, outside=True)
    for person in asked.iter_rows(named=True):
        for page in (report.page, outside.page):
            assert person["id_number"] not in page.decode()
            assert person["name"] not in page.decode()
    assert request.batch not in outside.page.decode()


def test_it_is_written_for_the_office_alone_and_again_the_same(next_month: App) -> None:
    month = month_before(next_month.now())
    first = write_reports(next_month, month)
    assert [path.name for path in first] == [
        f"{month.name}.html",
        f"{month.name}.xlsx",
        f"{month.name}.outside.html",
        f"{month.name}.outside.xlsx",
    ]
    assert {path.stat().st_mode & 0o777 for path in first} == {0o600}
    content = [path.read_bytes() for path in first]
    assert [path.read_bytes() for path in write_reports(next_month, month)] == content


def test_page_and_workbook_bear_the_number_of_what_they_say(app: App, next_month: App) -> None:
    """By it a reader sees that the two belong together: another report has another one."""
    reports = [make_report(next_month, month_before(next_month.now()), outside=outside) for outside in (False, True)]
    reports.append(make_report(app, read_month(f"{office_day(app.now()):%Y-%m}", app.now()), outside=False))
    seen = []
    for report in reports:
        (of_page,) = re.findall("报告编号 report ([0-9a-f]{12})", report.page.decode())
        cells = "".join(str(row[0]) for row in numbers(report.workbook, "概要"))
        assert re.findall("报告编号 report ([0-9a-f]{12})", cells) == [of_page]
        seen.append(of_page)
    assert len(set(seen)) == len(seen)


def test_a_running_month_says_so(app: App) -> None:
    month = read_month(f"{office_day(app.now()):%Y-%m}", app.now())
    assert "本月未满" in make_report(app, month, outside=False).page.decode()


def test_people_of_doubtful_identity_are_counted_by_county(next_month: App, people: pl.DataFrame) -> None:
    report = make_report(next_month, month_before(next_month.now()), outside=False)
    total = [row for row in numbers(report.workbook, "身份存疑人员（按户籍地）") if row[0] == "合计 total"][-1]
    planted = people.filter(pl.col("oddity").is_in(["doubtful", "shared", "doubled"]) & (pl.col("status") == "normal"))
    assert total[2] == planted.height > 0


@pytest.mark.parametrize("why", ["another layout", "out of use", "not whole"])
def test_a_version_that_answers_nothing_holds_no_report_up(next_month: App, tmp_path: Path, why: str) -> None:
    """After an update the month's last versions are of the layout of before; the first that can be read is taken."""
    month, population = month_before(next_month.now()), next_month.snapshots.current("population")
    assert population is not None
    folder = tmp_path / "snapshots" / "population"
    record, name = population.record(), f"{month.last}.0123456789ab"
    shutil.copytree(population.folder, folder / population.name)
    shutil.copytree(population.folder, folder / name)
    if why == "another layout":
        content = replace(record, layout=record.layout - 1, as_of=month.last).written()
        (folder / name / "snapshot.json").write_bytes(content)
        (folder / name).rename(folder / f"{month.last}.{sha256(content)[:12]}")
    elif why == "not whole":
        (folder / name / "snapshot.json").unlink()
    else:
        integrity._take_out_of_use(folder / name, "people.arrow")
    version = version_of(Snapshots(folder.parent), month.last)
    assert version is not None
    assert version.name == population.name
    assert count_doubtful(version).equals(count_doubtful(population))


def test_partners_of_one_name_are_told_apart(app: App, court: DemoPartner) -> None:
    text = app.agreement_file(court.id).read_text("utf-8")
    other = app.agreement_file(f"{court.id}-2")
    other.write_text(text.replace(f'"{court.id}"', f'"{court.id}-2"'), "utf-8")
    try:
        names = dict(partners_of(app).select("partner", "zh").iter_rows())
    finally:
        other.unlink()
    assert {court.id, f"{court.id}-2"} <= set(names)
    assert len(set(names.values())) == len(names)
    alone = dict(partners_of(app).select("partner", "zh").iter_rows())
    assert alone == {partner: app.agreement(partner).zh for partner in alone}
