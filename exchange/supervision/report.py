"""The monthly report (每月统计): made from the register and one snapshot, as a page and as a workbook.

Rules
- The same month of the same register and snapshot gives the same bytes; making it again replaces it by itself.
- Page and workbook are replaced together, and both bear the number of what they say (报告编号): where a run was killed
  between the two, a reader sees that they do not belong together.
- What stays in the office and what may leave it are two reports: small counts are protected in the second.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from exchange.agreements.agreement import load_agreement
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import sha256, write_together
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.matching.divisions import division_name
from exchange.register.statistics import lines
from exchange.settings import Settings
from exchange.supervision.aggregates import count
from exchange.supervision.charts import draw_charts
from exchange.supervision.doubtful import count_doubtful, version_of
from exchange.supervision.labels import Words
from exchange.supervision.month import Month
from exchange.supervision.page import ReportPage, write_page
from exchange.supervision.protect import protected
from exchange.supervision.report_files import KINDS, report_files
from exchange.supervision.summary import notes, sentences
from exchange.supervision.tables import all_tables
from exchange.supervision.workbook import write_report


@dataclass(frozen=True)
class Report:
    """The monthly report in both forms: HTML and XLSX."""

    page: bytes
    workbook: bytes


def make_report(app: App, month: Month, *, outside: bool) -> Report:
    """The report of a month, for the office or for outside."""
    version = version_of(app.snapshots, month.last)
    month_lines = lines(app.register, month.start, month.end)
    aggregates = count(month_lines, month, partners_of(app), count_doubtful(version))
    aggregates = protected(aggregates) if outside else aggregates
    tables = all_tables(aggregates, lambda division: office_name(app.settings, division))
    kind = Words("（对外）", "(for outside)") if outside else Words("", "")
    snapshot = f"人口快照 {version.as_of}" if version else "没有人口快照"
    page = ReportPage(
        title=Words(f"户籍信息核查月报 {month.name}{kind.zh}", f"Monthly report on verification {kind.en}".strip()),
        facts=[
            f"{app.settings.office}　统计期 {month.first} 至 {month.last}"
            + ("" if month.whole else f"（截至 {month.end.astimezone(OFFICE_ZONE):%H:%M}）")
            + f"　{snapshot}",
            f"数据安全负责人 responsible for data security：{app.settings.responsible}",
        ],
        summary=sentences(tables),
        tables=tables,
        charts=draw_charts(aggregates, tables, month),
        notes=notes(month, outside=outside),
    )
    number = sha256(write_page(page))[:12]
    page = replace(
        page, facts=[*page.facts, f"报告编号 report {number}（网页与工作簿相同 the workbook bears the same）"]
    )
    return Report(write_page(page), write_report(page))


def write_reports(app: App, month: Month, *, outside: bool | None = None) -> list[Path]:
    """Writes the report into ``home/reports/<month>/``, by default both kinds; the files."""
    written = list[Path]()
    for kind in KINDS if outside is None else (outside,):
        report = make_report(app, month, outside=kind)
        page, workbook = report_files(app.settings.home, month, outside=kind)
        write_together({page: report.page, workbook: report.workbook})
        written += [page, workbook]
    return written


def partners_of(app: App) -> pl.DataFrame:
    """``partner``, ``zh``, ``level``, all String, one row an agreement that can be read; who has none is named by its
    id alone. Where several bear one name each has its id behind it: tables tell partners apart by what they read.
    """
    rows = []
    for path in app.agreement_files():
        with suppress(Halt):
            agreement = load_agreement(path)
            rows.append((agreement.partner, agreement.zh, agreement.level))
    partners = pl.DataFrame(rows, schema=dict.fromkeys(("partner", "zh", "level"), pl.String), orient="row")
    with_id = pl.format("{}（{}）", "zh", "partner")
    return partners.with_columns(pl.when(pl.col("zh").is_duplicated()).then(with_id).otherwise("zh").alias("zh"))


def office_name(settings: Settings, division: str) -> str:
    """The office that looks at rows of this division by hand; the division's own name where the settings name none."""
    named = {office.division: office.zh for office in settings.offices}
    return named.get(division, division_name(division))
