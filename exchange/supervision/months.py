"""Months side by side (逐月对照): the totals of several months, and the share on time by partner and by level.

Rules
- Each figure is that of the monthly report (``batch_tables.py``), counted in the same way.
- The running month is counted up to now, the others whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.register.statistics import lines
from exchange.supervision import batch_tables, labels
from exchange.supervision.aggregates import count
from exchange.supervision.labels import Words
from exchange.supervision.month import Month, read_month
from exchange.supervision.report import partners_of

MEASURES: Final = (
    ("came", Words("收到", "came")),
    ("done", Words("办结", "done")),
    ("refused", Words("不予受理", "refused")),
    ("open", Words("期末在办", "open at the end")),
    ("late", Words("逾期办结", "done late")),
    ("overdue", Words("期末逾期", "overdue at the end")),
    ("people", Words("答复人次", "rows answered")),
    ("rate", Words("按时办结率", "on time")),
)
"""The rows of the totals; the last one is a share."""


@dataclass(frozen=True)
class Figures:
    """Of one month: measure → number; partner's and level's name → share on time, None where none was to be judged."""

    month: Month
    total: Mapping[str, float | None]
    by_partner: Mapping[str, float | None]
    by_level: Mapping[str, float | None]


def last_months(now: datetime, number: int) -> list[Month]:
    """The running month and those before it, so many in all, the oldest first."""
    first, found = office_day(now).replace(day=1), []
    for _ in range(number):
        found.append(read_month(f"{first:%Y-%m}", now))
        first = (first - timedelta(days=1)).replace(day=1)
    return found[::-1]


def side_by_side(app: App, months: Iterable[Month]) -> list[Figures]:
    """The figures of these months."""
    partners = partners_of(app)
    return [figures(app, each, partners) for each in months]


def figures(app: App, month: Month, partners: pl.DataFrame) -> Figures:
    """``partners``: partner, zh, level."""
    nobody = pl.DataFrame(schema={"division": pl.String, "people": pl.Int64})  # this table asks no snapshot
    counted = count(lines(app.register, month.start, month.end), month, partners, nobody)
    _, total = batch_tables.batches(counted)
    people = total["people"].n
    measures: dict[str, float | None] = {name: total[name] for name, _ in MEASURES if name != "people"}
    by_level = {str(labels.level(level)): rate for level, rate in batch_tables.rates(counted, "level").items()}
    return Figures(month, measures | {"people": people}, batch_tables.rates(counted, "zh"), by_level)


def named(found: Sequence[Figures], which: str) -> list[tuple[str, list[float | None]]]:
    """``by_partner`` or ``by_level``: name → its share in each month, by name."""
    names = sorted({name for each in found for name in getattr(each, which)})
    return [(name, [getattr(each, which).get(name) for each in found]) for name in names]
