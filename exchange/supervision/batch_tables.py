"""Tables about batches, results and sets: how many, how fast, why late."""

from __future__ import annotations

from typing import Any

import polars as pl

from exchange.calendar.working_days import OFFICE_ZONE
from exchange.supervision import labels
from exchange.supervision.aggregates import IDENTITY_COLUMN, STAGES, Aggregates
from exchange.supervision.shares import on_time
from exchange.supervision.table import TOTAL, Line, add, people


def batches(aggregates: Aggregates) -> tuple[list[Line], Line]:
    """A line for each partner and cycle: how many batches in each state of the month, how fast, how many people; and
    the total.
    """
    keys = ["partner", "zh", "level", "cycle"]
    answered = aggregates.answers.filter(pl.col("item") == IDENTITY_COLUMN)
    by_key = answered.group_by(keys).agg(add("people"))
    rows = _tally(aggregates.batches.group_by(keys)).join(by_key, on=keys, how="left", nulls_equal=True)
    lines = [_batch_line(row) for row in rows.sort("partner", "cycle", nulls_last=True).iter_rows(named=True)]
    (total,) = (
        _tally(aggregates.batches.group_by(pl.lit(1))).iter_rows(named=True)
        if aggregates.batches.height
        else [_NOTHING]
    )
    sums = answered.select(add("people")).row(0, named=True)
    return lines, _batch_line(total | sums) | {"partner": TOTAL, "level": "", "cycle": ""}


_GROUPS = ("carried", "came", "refused", "done", "late", "open", "overdue")
_NOTHING: Line = dict.fromkeys(_GROUPS, 0)


def _tally(grouped: Any) -> pl.DataFrame:
    counts = [pl.col(name).sum().cast(pl.Int64) for name in _GROUPS]
    spans = [
        getattr(pl.col(f"{kind}_seconds"), how)().alias(f"{kind}_{name}")
        for kind in ("first", "done")
        for name, how in (("median", "median"), ("worst", "max"))
    ]
    tallied: pl.DataFrame = grouped.agg(*counts, *spans)
    return tallied


def _batch_line(row: Line) -> Line:
    groups = {name: row[name] or 0 for name in _GROUPS}  # answers of batches that ended before have none
    return (
        row
        | groups
        | {
            "partner": row.get("zh"),
            "level": str(labels.level(row.get("level"))),
            "cycle": str(labels.cycle(row.get("cycle"))),
            "rate": on_time(done=groups["done"], late=groups["late"], overdue=groups["overdue"]),
            "people": people(row.get("people")),
        }
    )


def refused(aggregates: Aggregates) -> list[Line]:
    """The refused batches, by partner and reason."""
    refused = aggregates.batches.filter("refused").group_by("partner", "zh", "refusal_code")
    rows = refused.agg(pl.len().alias("files")).sort("partner", "refusal_code")
    return [
        {"partner": row["zh"], "reason": str(labels.refusal(row["refusal_code"])), "files": row["files"]}
        for row in rows.iter_rows(named=True)
    ]


def late(aggregates: Aggregates) -> list[Line]:
    """The late and overdue batches, the latest first."""
    late = aggregates.batches.filter(pl.col("late") | pl.col("overdue"))
    rows = late.sort("days_late", "partner", "received", descending=[True, False, False])
    return [
        {
            "partner": row["zh"],
            "batch": row["batch"],
            "cycle": str(labels.cycle(row["cycle"])),
            "came_on": str(row["came_on"]),
            "due_original": str(row["due_original"]),
            "due_on": "，".join(str(day) for day in (row["due_on"], row["due_last"]) if day),
            "done_on": str(row["done_on"] or "未办结 open"),
            "days": row["days_late"],
            "stage": str(labels.stage(_longest(row))),
            "stops": "；".join(str(labels.stop(reason)) for reason in row["stop_reasons"]),
        }
        for row in rows.iter_rows(named=True)
    ]


def _longest(row: Line) -> str:
    """The stage that took most time, or in which an open batch is."""
    for step in STAGES:
        if row[step] is None:
            return step
    return max(STAGES, key=lambda step: row[step] - row[STAGES[step]])


def stages(aggregates: Aggregates) -> list[Line]:
    """How long each step took, by cycle: how many, median and longest."""
    seconds = pl.col("seconds")
    counted = [pl.len().alias("files"), seconds.median().alias("median"), seconds.max().alias("worst")]
    rows = aggregates.stages.group_by("cycle", "stage").agg(counted)
    order, cycles = [*STAGES, "taken"], labels.cycles()
    ordered = sorted(
        rows.iter_rows(named=True),
        key=lambda row: (cycles.index(row["cycle"] or labels.NONE), order.index(row["stage"])),
    )
    return [
        row | {"cycle": str(labels.cycle(row["cycle"])), "stage": str(labels.stage(row["stage"]))} for row in ordered
    ]


def stops(aggregates: Aggregates) -> list[Line]:
    """How often clocks were paused, and how many still are, by partner and reason."""
    counted = [pl.len().alias("stops"), pl.col("standing").sum()]
    rows = aggregates.stops.group_by("partner", "zh", "reason").agg(counted).sort("partner", "reason")
    return [
        row | {"partner": row["zh"], "reason": str(labels.stop(row["reason"]))} for row in rows.iter_rows(named=True)
    ]


def missing(aggregates: Aggregates) -> list[Line]:
    """The sets that were expected and had not come on their day; when they came, if they did."""
    rows = aggregates.missing.with_columns(pl.col("arrived").dt.convert_time_zone(OFFICE_ZONE.key).dt.date())
    return [
        row
        | {"partner": row["zh"] or row["partner"], "cycle": str(labels.cycle(row["cycle"]))}
        | {"expected_by": str(row["expected_by"]), "arrived": str(row["arrived"] or "")}
        for row in rows.iter_rows(named=True)
    ]


def pickups(aggregates: Aggregates) -> list[Line]:
    """How many results were taken and how many were not, and how soon, by partner."""
    seconds = pl.col("seconds")
    counted = [pl.col("taken", "uncollected").sum().cast(pl.Int64), seconds.median().alias("median")]
    rows = aggregates.pickups.group_by("partner", "zh").agg(*counted, seconds.max().alias("worst")).sort("partner")
    return [row | {"partner": row["zh"]} for row in rows.iter_rows(named=True)]
