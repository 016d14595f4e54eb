"""A month's statistics at their finest grain, counted from the register's lines; each table of the report sums them.

Rules
- Every batch is counted once among carried over or came, and once among refused, done or open.
- Late is a batch that was done and had missed a due day (``calendar/missed.py``); overdue is one that is open after its
  due day, unless its clock is paused since before that day was over.
- ``people`` are rows, that is people who were asked about; everything else counts batches, results or sets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from exchange.base.tables import PENDING
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register.statistics import Lines
from exchange.supervision.month import Month

IDENTITY_COLUMN: Final = "identity"
STAGES: Final = {"accepted": "received", "sealed": "accepted", "delivered": "sealed", "closed": "delivered"}
"""A step → the step from which its time is counted."""


@dataclass(frozen=True)
class Aggregates:
    """A month's counts, each a frame. ``batches``: a row for each; ``answers``: partner, level, cycle, item, code,
    people; ``reviews``: division, decided, open; ``approvals``, ``objections``, ``stops``, ``pickups``, ``missing``: by
    partner; ``stages``: a line for each step of a batch, with seconds; ``doubtful``: division, people; ``today``: the
    day up to which is counted.
    """

    today: date
    batches: pl.DataFrame
    answers: pl.DataFrame
    reviews: pl.DataFrame
    approvals: pl.DataFrame
    objections: pl.DataFrame
    stops: pl.DataFrame
    stages: pl.DataFrame
    pickups: pl.DataFrame
    missing: pl.DataFrame
    doubtful: pl.DataFrame

    def with_frames(self, **changed: pl.DataFrame) -> Aggregates:
        """A copy with these frames in the place of its own."""
        return replace(self, **changed)  # type: ignore[arg-type]  # frames only


def count(lines: Lines, month: Month, partners: pl.DataFrame, doubtful: pl.DataFrame) -> Aggregates:
    """Counts a month. ``lines``: the register's data of the month; ``partners``: partner, zh, level; ``doubtful``:
    division, people.
    """
    batches = _judged(lines, month).join(partners, on="partner", how="left", maintain_order="left")
    batches = batches.with_columns(pl.col("zh").fill_null(pl.col("partner")))
    named = batches.select("batch", "partner", "zh", "level", "cycle")
    return Aggregates(
        today=month.today,
        batches=batches,
        answers=_answers(lines, named),
        reviews=_reviews(lines, month),
        approvals=_approvals(lines, month, named),
        objections=_objections(lines, month, batches),
        stops=_stops(lines, month, batches),
        stages=_stages(lines, month),
        pickups=_pickups(lines, month, partners),
        missing=lines.missing.join(partners, on="partner", how="left", maintain_order="left"),
        doubtful=doubtful,
    )


def _within(column: str, month: Month) -> pl.Expr:
    return pl.col(column).is_between(month.start, month.end, closed="left").fill_null(value=False)


def _day(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(OFFICE_ZONE.key).dt.date()


def _seconds(since: str, until: str) -> pl.Expr:
    return (pl.col(until) - pl.col(since)).dt.total_microseconds() / 1e6


def _judged(lines: Lines, month: Month) -> pl.DataFrame:
    """A row for each batch: in which of the month's groups it counts (carried over, came, done …), its days and
    times.
    """
    standing = (
        lines.stops.filter(pl.col("started").is_null()).group_by("batch").agg(_day("stopped").max().alias("paused"))
    )
    reasons = lines.stops.group_by("batch").agg(pl.col("reason").unique(maintain_order=True).alias("stop_reasons"))
    days = [pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in ("due_on", "due_original", "due_last")]
    batches = lines.batches.join(reasons, on="batch", how="left", maintain_order="left")
    batches = batches.join(standing, on="batch", how="left", maintain_order="left").with_columns(
        *days,
        _day("received").alias("came_on"),
        _day("closed").alias("done_on"),
        pl.col("stop_reasons").fill_null([]),
    )
    done, refused = pl.col("closed").is_not_null(), pl.col("refused").is_not_null()
    still_open = ~done & ~refused
    last = pl.coalesce("due_last", "due_on")
    first = pl.when(pl.col("due_last").is_not_null()).then(_missed_by(_day("delivered"), pl.col("due_on")))
    days_late = pl.when(done).then(pl.max_horizontal(first, _missed_by(pl.col("done_on"), last)))
    due = pl.when(pl.col("delivered").is_null()).then(pl.col("due_on")).otherwise(last)
    overdue = still_open & (pl.col("paused").is_null() | (pl.col("paused") > due)) & (due < month.today)
    return batches.with_columns(
        (pl.col("received") < month.start).alias("carried"),
        (pl.col("received") >= month.start).alias("came"),
        refused.alias("refused"),
        done.alias("done"),
        days_late.is_not_null().alias("late"),
        pl.coalesce(days_late, pl.when(overdue).then((pl.lit(month.today) - due).dt.total_days())).alias("days_late"),
        still_open.alias("open"),
        overdue.fill_null(value=False).alias("overdue"),
        pl.when(_within("delivered", month)).then(_seconds("received", "delivered")).alias("first_seconds"),
        pl.when(done).then(_seconds("received", "closed")).alias("done_seconds"),
    )


def _missed_by(end: pl.Expr, due: pl.Expr) -> pl.Expr:
    """By how many days the due day was missed; null where it was not."""
    was_paused = (pl.col("paused") <= due).fill_null(value=False)
    return pl.when((end > due) & ~was_paused).then((end - due).dt.total_days())


def _answers(lines: Lines, named: pl.DataFrame) -> pl.DataFrame:
    given = lines.answers.filter(~pl.col("code").is_in(PENDING)).join(named, on="batch")
    keys = ["partner", "zh", "level", "cycle", "item", "code"]
    return given.group_by(keys).agg(pl.col("n").sum().alias("people")).sort(keys)


def _reviews(lines: Lines, month: Month) -> pl.DataFrame:
    decided = _within("decided", month) & (pl.col("state") != "open")
    still_open = (pl.col("state") == "open") | pl.col("decided").is_null() | (pl.col("decided") >= month.end)
    counted = lines.reviews.group_by("division").agg(decided.sum().alias("decided"), still_open.sum().alias("open"))
    return counted.select("division", pl.col("decided", "open").cast(pl.Int64)).sort("division")


def _approvals(lines: Lines, month: Month, named: pl.DataFrame) -> pl.DataFrame:
    asked = lines.releases.filter("approval").join(named, on="batch")
    waits = pl.all_horizontal(pl.col("approved", "rejected", "reopened").is_null())
    counted = asked.group_by("partner", "zh").agg(
        _within("approved", month).sum().cast(pl.Int64).alias("approved"),
        _within("rejected", month).sum().cast(pl.Int64).alias("returned"),
        waits.sum().cast(pl.Int64).alias("waiting"),
        pl.col("rows").filter(_within("approved", month)).sum().alias("people"),
    )
    return counted.filter(pl.sum_horizontal("approved", "returned", "waiting") > 0).sort("partner")


def _objections(lines: Lines, month: Month, batches: pl.DataFrame) -> pl.DataFrame:
    objections = batches.filter(pl.col("objects_to").is_not_null())
    sent = lines.releases.filter(_within("delivered", month)).group_by("batch")
    answered = sent.agg(pl.col("rows").sum().alias("answered"), pl.col("upheld").sum())
    counted = objections.join(answered, on="batch", how="left").group_by("partner", "zh")
    return counted.agg(
        pl.col("came").sum().cast(pl.Int64), pl.col("answered", "upheld").fill_null(0).sum().cast(pl.Int64)
    ).sort("partner")


def _stops(lines: Lines, month: Month, batches: pl.DataFrame) -> pl.DataFrame:
    """A line for each pause that began in the month or still is; ``standing``: of an open batch, for what was answered
    waits for nothing.
    """
    named = batches.select("batch", "partner", "zh", "open")
    stops = lines.stops.join(named, on="batch").with_columns(standing=pl.col("started").is_null() & pl.col("open"))
    return stops.filter(_within("stopped", month) | pl.col("standing"))


def _stages(lines: Lines, month: Month) -> pl.DataFrame:
    """cycle, stage, seconds: of every step that was taken in the month."""
    steps = [
        lines.batches.filter(_within(until, month) & pl.col(since).is_not_null()).select(
            "cycle", pl.lit(until).alias("stage"), _seconds(since, until).alias("seconds")
        )
        for until, since in STAGES.items()
    ]
    taken = lines.pickups.filter(_within("noticed", month))
    seconds = _seconds("delivered", "noticed").alias("seconds")
    return pl.concat([*steps, taken.select("cycle", pl.lit("taken").alias("stage"), seconds)])


def _pickups(lines: Lines, month: Month, partners: pl.DataFrame) -> pl.DataFrame:
    """A line for each delivered result: whether it was taken in the month, lies there still, and after how long."""
    results = lines.pickups.join(partners, on="partner", how="left", maintain_order="left")
    return results.select(
        "partner",
        pl.col("zh").fill_null(pl.col("partner")),
        _within("noticed", month).alias("taken"),
        pl.col("noticed").is_null().alias("uncollected"),
        pl.when(_within("noticed", month)).then(_seconds("delivered", "noticed")).alias("seconds"),
    ).sort("partner", "seconds")
