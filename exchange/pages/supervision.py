"""Supervision (监督): months side by side, the share on time, what waits longest, who looked at how many rows.

Rules
- Every figure is that of the monthly report or of the ledger (``supervision/months.py``, ``register/looks.py``).
- Each table is a page's table and a CSV file of the same cells; the monthly reports are files, as they were written.
- Counts, batches and the people who work here; nobody who was asked about.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException
from fastapi.responses import FileResponse, Response

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.board import open_picture
from exchange.pages.troubles import agreements, named
from exchange.register.board import open_lines
from exchange.register.looks import looks
from exchange.supervision import months
from exchange.supervision.labels import Words
from exchange.supervision.months import MEASURES, MonthStatistics, last_months, statistics_of_months
from exchange.supervision.shares import percent, rounded

MONTHS: Final = 6
LONGEST: Final = 20
LOOKED_INTO: Final = 2
_REPORT: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])(?:\.outside)?\.(?:html|xlsx)", re.ASCII)


@dataclass(frozen=True)
class ShownTable:
    """A table: ``code`` in its address; ``heads``: the first is that of the rows' own heads; cells as texts."""

    code: str
    title: Words
    heads: tuple[Words, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: bool = True


def supervision(asked: PageRequest) -> Response:
    """The page of supervision: tables of today and of several months, and the reports."""
    return asked.page(
        "supervision.html", tables=_tables(asked), reports=_reports(asked.app), moment=words.moment(asked.app.now())
    )


def supervision_csv(asked: PageRequest) -> Response:
    """One of the tables as CSV in UTF-8, with a mark that spreadsheets know."""
    code = asked.request.path_params["table"]
    for table in _tables(asked):
        if f"{table.code}.csv" == code:
            out = io.StringIO()
            csv.writer(out).writerows([[str(head) for head in table.heads], *table.rows])
            headers = {"Content-Disposition": f'attachment; filename="{code}"'}
            return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)
    raise HTTPException(404)


def report_file(asked: PageRequest) -> Response:
    """A monthly report as it lies in the office's folder."""
    name = asked.request.path_params["name"]
    path = asked.app.settings.home / "reports" / name[:7] / name
    if not _REPORT.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, filename=name)


def _reports(app: App) -> list[tuple[str, list[str]]]:
    """Month → its files, the newest first."""
    folder = app.settings.home / "reports"
    reports = (
        [
            (month.name, sorted(path.name for path in month.iterdir() if _REPORT.fullmatch(path.name)))
            for month in sorted(folder.iterdir(), reverse=True)
            if month.is_dir()
        ]
        if folder.is_dir()
        else []
    )
    return [(month, files) for month, files in reports if files]


def _tables(asked: PageRequest) -> list[ShownTable]:
    app = asked.app
    months = statistics_of_months(app, last_months(app.now(), MONTHS), asked.context.months)
    heads = tuple(
        Words(month.month.name, "") if month.month.whole else Words(f"{month.month.name} 至今", "up to now")
        for month in months
    )
    return [
        ShownTable(
            "months", Words("逐月对照", "Months side by side"), (Words("指标", "figure"), *heads), _totals(months)
        ),
        _rates("levels", Words("按时办结率，按级别", "On time, by level"), months, heads, "by_level"),
        _rates("partners", Words("按时办结率，按部门", "On time, by partner"), months, heads, "by_partner"),
        _longest(app),
        _looks(app),
    ]


def _totals(months: list[MonthStatistics]) -> list[tuple[str, ...]]:
    return [
        (str(label), *[percent(month.total[name]) if name == "rate" else f"{month.total[name]:,}" for month in months])
        for name, label in MEASURES
    ]


def _rates(
    code: str, title: Words, statistics: list[MonthStatistics], heads: tuple[Words, ...], which: str
) -> ShownTable:
    first = Words("级别", "level") if which == "by_level" else Words("部门", "partner")
    trend = Words("较上月", "change")
    rows = [(name, *map(percent, shares), _change(shares[-2:])) for name, shares in months.named(statistics, which)]
    return ShownTable(code, title, (first, *heads, trend), rows)


def _change(last: list[float | None]) -> str:
    """The change from the month before to the running one, in percentage points of what is shown of both."""
    before, now = last if len(last) == 2 else (None, None)
    if before is None or now is None:
        return "—"
    return f"{(rounded(now) - rounded(before)) * 100:+.1f}"


def _longest(app: App) -> ShownTable:
    known = agreements(app)
    batches = open_picture(app, open_lines(app.register.engine, LONGEST), office_day(app.now()))
    batches.sort(key=lambda line: (line.batch.received_at, line.batch.id))
    rows = [
        (
            batch.batch.id,
            named(known, batch.batch)[0],
            words.moment(batch.batch.received_at),
            str(words.due_words(batch.batch)),
            "；".join(f"{whom} {rows:,}" for whom, rows in batch.waits.items()) or str(words.STATES[batch.batch.state]),
        )
        for batch in batches
    ]
    heads = (
        Words("批次", "batch"), Words("部门", "partner"), Words("收到", "received"), Words("时限", "due"),
        Words("等待", "waits for"),
    )  # fmt: skip
    return ShownTable("longest", Words("等待最久的批次", "What waits longest"), heads, rows, numbers=False)


def _looks(app: App) -> ShownTable:
    """Who opened how many rows, in the running month and in the one before, which is the one to look at on its first
    days.
    """
    spans = last_months(app.now(), LOOKED_INTO)[::-1]
    rows = [
        (
            words.who(app.settings, look.person),
            span.name,
            f"{look.opened:,}",
            f"{look.decided:,}",
            f"{look.opened / look.decided:.1f}" if look.decided else "—",
            f"{look.overturned:,}",
        )
        for span in spans
        for look in looks(app.register.engine, span.start, span.end)
    ]
    heads = (
        Words("经办", "by"), Words("月份", "month"), Words("查看行次", "rows opened"), Words("核实行次", "decided"),
        Words("每核实一行查看", "opened for each decided"), Words("初次结论被改", "first words overturned"),
    )  # fmt: skip
    return ShownTable(
        "looks", Words("查看与核实，本月和上月", "Opened and decided, this month and the last"), heads, rows
    )


PAGES: Final = {"supervision": supervision, "supervision_csv": supervision_csv, "report_file": report_file}
