"""Which charts the report shows, made from its tables and nothing else (days: of batches, which are files)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import polars as pl

from exchange.base.tables import ANSWERS, ITEMS
from exchange.supervision import labels
from exchange.supervision.aggregates import IDENTITY_COLUMN, Aggregates
from exchange.supervision.month import Month
from exchange.supervision.svg import Series, bars, columns, stacked
from exchange.supervision.table import TOTAL, People, Table

_MAX_BARS: Final = 15
_BLUE, _GREEN, _ORANGE, _RED, _GREY, _PALE = "#2b6cb0", "#2f855a", "#c05621", "#b83232", "#7b8794", "#b8c1cc"
_VIOLET, _BROWN, _LIGHT_BLUE = "#6b46a8", "#8a6116", "#3f8fd2"
_COLOURS: Final = {
    "consistent": _BLUE, "registered": _BLUE, "partly_consistent": _LIGHT_BLUE, "inconsistent": _ORANGE,
    "not_registered": _ORANGE, "no_such_number": _BROWN, "name_disagrees": _VIOLET, "no_record": _GREEN,
    "record_found": _RED, "not_same_household": _ORANGE, "head_not_named": _GREY,
    "unanswered": _PALE, "unreadable": _GREY,
}  # fmt: skip
_GROUPS: Final = {
    "unanswered": labels.Words("未予答复", "nothing said"),
    "unreadable": labels.Words("无法识别", "unreadable"),
}


def draw_charts(aggregates: Aggregates, tables: Mapping[str, Table], month: Month) -> dict[str, str]:
    """Code of a table → the chart above it; only where there is something to show."""
    made = {
        "batches": _by_day(aggregates, month) + _on_time(aggregates),
        "answers": _by_item(aggregates),
        "doubtful": _by_city(tables["doubtful"]),
    }
    return {code: chart for code, chart in made.items() if chart}


def _by_day(aggregates: Aggregates, month: Month) -> str:
    came, done = Counter(aggregates.batches["came_on"]), Counter(aggregates.batches["done_on"])
    days = [month.first + timedelta(days=number) for number in range((month.last - month.first).days + 1)]
    rows = [(str(day.day), [came[day], done[day]]) for day in days]
    if not any(sum(values) for _, values in rows):
        return ""
    series = [Series("收件 came", _PALE), Series("办结 done", _BLUE)]
    return _figure("每日收件与办结（批次） Batches by day", columns("每日收件与办结", rows, series))


def _on_time(aggregates: Aggregates) -> str:
    series = [
        Series("按时办结 on time", _BLUE),
        Series("逾期办结 done late", _ORANGE),
        Series("逾期未结 overdue", _RED),
        Series("在办未到期 open", _PALE),
    ]
    counts = (
        aggregates.batches.filter(~pl.col("refused"))
        .group_by("cycle")
        .agg(
            (pl.col("done") & ~pl.col("late")).sum().alias("on_time"),
            pl.col("late").sum(),
            pl.col("overdue").sum(),
            (pl.col("open") & ~pl.col("overdue")).sum().alias("open"),
        )
    )
    order = labels.cycles()
    rows = sorted(counts.rows(), key=lambda row: order.index(row[0] or labels.NONE))
    bars_ = [(str(labels.cycle(cycle)), list(values)) for cycle, *values in rows]
    return _figure("按周期的办结情况（批次） Batches by cycle", stacked("办结情况", bars_, series)) if bars_ else ""


def _by_item(aggregates: Aggregates) -> str:
    """Final answers each with a colour of its own, the others by their groups."""
    sums = aggregates.answers.group_by("item", "code").agg(pl.col("people").sum())
    shown: Counter[tuple[str, str]] = Counter()
    for item, code, n in sums.iter_rows():
        group = ANSWERS[code].group
        shown[item, code if group == "final" else group] += n
    codes = [code for code, answer in ANSWERS.items() if answer.group == "final"]
    codes = [code for code in [*codes, *_GROUPS] if any(shown[item, code] for item in [IDENTITY_COLUMN, *ITEMS])]
    rows = [(str(labels.item(item)), [shown[item, code] for code in codes]) for item in [IDENTITY_COLUMN, *ITEMS]]
    rows = [row for row in rows if any(row[1])]
    names = {code: str(labels.answer(code)) for code in ANSWERS} | {code: str(group) for code, group in _GROUPS.items()}
    series = [Series(names[code], _COLOURS[code]) for code in codes]
    of_hidden = aggregates.answers.filter(pl.col("people").is_null())["item"].unique()
    hidden = {str(labels.item(item)) for item in of_hidden}
    return _figure("各事项答复构成 Answers by item", stacked("各事项答复构成", rows, series, hidden)) if rows else ""


def _by_city(table: Table) -> str:
    cities = [(str(row[0]), row[2]) for row in table.rows if row[1] == TOTAL and isinstance(row[2], People)]
    largest = sorted(cities, key=lambda city: (-city[1].n, city[0]))[:_MAX_BARS]
    rows = [(name, people.n, str(people)) for name, people in largest]
    return _figure("身份存疑人数 People of doubtful identity", bars("身份存疑人数", rows, _VIOLET)) if rows else ""


def _figure(caption: str, chart: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{chart}</figure>"
