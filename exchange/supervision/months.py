"""Months side by side (逐月对照): the totals of several months, and the share on time by partner and by level.

Rules
- Each figure is that of the monthly report (``batch_tables.py``); a test counts both ways and compares.
- The running month is counted up to now, the others whole. A whole month does not change any more and is counted once
  (``Kept``), an hour after it ended: what was under way at its end has been written by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.register.by_month import Counted, MonthSpan, count_months
from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.supervision.month import Month, read_month
from exchange.supervision.report import partners_of
from exchange.supervision.shares import on_time

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
class MonthStatistics:
    """Of one month: measure → number; partner's and level's name → share on time, None where none was to be judged."""

    month: Month
    total: Mapping[str, float | None]
    by_partner: Mapping[str, float | None]
    by_level: Mapping[str, float | None]


def last_months(now: datetime, number: int) -> list[Month]:
    """The running month and those before it, so many in all, the oldest first."""
    first, months = office_day(now).replace(day=1), []
    for _ in range(number):
        months.append(read_month(f"{first:%Y-%m}", now))
        first = (first - timedelta(days=1)).replace(day=1)
    return months[::-1]


Kept = dict[MonthSpan, tuple[list[Counted], int]]
"""The whole months that were counted."""


def statistics_of_months(app: App, months: Iterable[Month], kept: Kept | None = None) -> list[MonthStatistics]:
    """The statistics of these months; whole ones are taken from ``kept`` and put there."""
    kept, spans = {} if kept is None else kept, {month: _span(month) for month in months}
    asked = [span for span in spans.values() if span not in kept]
    batches, people = count_months(app.register.engine, asked)
    new = {span: ([line for line in batches if line.month == span.name], people.get(span.name, 0)) for span in asked}
    settled = app.now() - timedelta(hours=1)
    kept |= {span: counted for span, counted in new.items() if span.end <= settled}
    partners = {row["partner"]: (row["zh"], row["level"]) for row in partners_of(app).iter_rows(named=True)}
    return [_statistics(month, *(kept | new)[span], partners) for month, span in spans.items()]


def _span(month: Month) -> MonthSpan:
    return MonthSpan(month.name, month.start, month.end, month.today)


def _statistics(
    month: Month, lines: Sequence[Counted], people: int, partners: Mapping[str, tuple[str, str | None]]
) -> MonthStatistics:
    total: dict[str, float | None] = {
        name: sum(getattr(line, name) for line in lines) for name, _ in MEASURES if name not in ("people", "rate")
    }

    def shares(name_of: Callable[[str], str]) -> dict[str, float | None]:
        heaps: dict[str, list[Counted]] = {}
        for line in lines:
            heaps.setdefault(name_of(line.partner), []).append(line)
        return {name: _rate(heap) for name, heap in sorted(heaps.items())}

    return MonthStatistics(
        month,
        total | {"people": people, "rate": _rate(lines)},
        shares(lambda partner: partners.get(partner, (partner, None))[0]),
        shares(lambda partner: str(labels.level(partners.get(partner, (partner, None))[1]))),
    )


def _rate(lines: Sequence[Counted]) -> float | None:
    return on_time(
        done=sum(line.done for line in lines),
        late=sum(line.late for line in lines),
        overdue=sum(line.overdue for line in lines),
    )


def named(statistics: Sequence[MonthStatistics], which: str) -> list[tuple[str, list[float | None]]]:
    """``by_partner`` or ``by_level``: name → its share in each month, by name."""
    names = sorted({name for month in statistics for name in getattr(month, which)})
    return [(name, [getattr(month, which).get(name) for month in statistics]) for name in names]
