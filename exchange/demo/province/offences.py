"""Offence records of the five sources: several for some people, most in more than one source, some of them sealed.

Rules
- ``sealed_record`` is computed here, from what was planted: an offence up to and on the eighteenth birthday, with no
  more than sixty months. The edges are planted on purpose: the birthday, the day after it, 60 and 61 months.
- ``counts_as`` is what the record counts as for a partner who may know it: its kind (a judgment only where it is
  effective), ``unclear`` (of a kind that is none of the export's), or empty: sealed, an appeal open, effective only on
  ``NOT_YET``, or no record at all. ``about`` is what it was about. ``known_to.py`` picks people by both.
- ``only_sealed`` speaks of the person: sealed records and no other, so that the answer is that of somebody without any.
- A source may know a person by a superseded number, inside which the birth date may be a year too early, or, of an
  adult, by the 15 digits of that time.
- People whose identity is in doubt have no records: the answer about them is *under review* anyway.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.base.tables import OFFENCE_SOURCES
from exchange.demo.province.divisions import Ints
from exchange.demo.province.oddities import DOUBTS

OFFENDER_SHARE: Final = 0.012
SUPERSEDED_SHARE: Final = 0.2
"""Of the people whose number was corrected; they are few."""

SOURCE_SHARES: Final = dict(zip(OFFENCE_SOURCES, (0.7, 0.8, 0.2, 0.6, 0.3), strict=True))
YOUNGEST: Final = 14
LAST_OFFENCE: Final = date(2025, 6, 30)
NOT_YET: Final = date(2099, 12, 31)
"""A judgment is effective before any snapshot of the province, or on this day."""

UNKNOWN_KIND: Final = "劳动教养"
_KINDS: Final = {
    "judgment": 0.4,
    "administrative_detention": 0.18,
    "administrative_penalty": 0.1,
    "drug": 0.08,
    "compulsory_isolation": 0.05,
    "pending": 0.09,
    "relative_non_prosecution": 0.02,
    "non_prosecution": 0.03,
    "acquittal": 0.01,
    "custody_education": 0.01,
    "labour_reeducation": 0.01,
    UNKNOWN_KIND: 0.02,
}
CRIMES: Final = {
    "盗窃罪": "property",
    "诈骗罪": "property",
    "故意伤害罪": "violence",
    "强奸罪": "sexual_assault",
    "强制猥亵妇女罪": "indecency",
    "拐卖妇女罪": "trafficking",
    "虐待罪": "abuse",
    "贩卖、运输毒品罪": "drug_crime",
    "赌博罪": "gambling",
    "寻衅滋事罪": "perhaps_violence",
    "交通肇事罪": "negligence",
    "重大责任事故罪": "negligence",
    "流氓罪": "unknown",
}
"""Charges as the sources write them, and what they are about; 流氓罪 was divided in 1997 and says too little."""

VIOLATIONS: Final = {
    "盗窃": "property",
    "殴打他人": "violence",
    "猥亵": "indecency",
    "在公共场所故意裸露身体": "harassment",
    "赌博": "gambling",
    "吸毒": "drug_use",
    "嫖娼": "prostitution",
    "饮酒后驾驶机动车": "drink_driving",
    "寻衅滋事": "perhaps_violence",
    "扰乱单位秩序": "public_order",
}
_PENALTIES: Final = (
    "administrative_detention",
    "administrative_penalty",
    "drug",
    "compulsory_isolation",
    "custody_education",
)
_OFTEN_DETAINED_SHARE: Final = 0.5
"""Of the people with the most records, those who were detained each time."""

_RECORDS: Final = (0.7, 0.2, 0.07, 0.03)
_SENTENCES: Final = (None, 3, 6, 12, 24, 36, 60, 61, 120, 9999)
_YOUNG_SHARE: Final = 0.16
_EDGE_SHARE: Final = 0.03
_APPEAL_SHARE: Final = 0.05
_NOT_YET_SHARE: Final = 0.03
_OLD_NUMBER_SHARE: Final = 0.1
_LAST_15_DIGITS: Final = date(1999, 9, 30)


def make_offences(seed: int, number: int, people: pl.DataFrame) -> pl.DataFrame:
    """The records of a chunk of people: the offences export's columns, where ``id_number`` is the person's present
    number; ``written_number``, which stands in the export instead; ``counts_as``, ``sealed_record``,
    ``only_sealed``; and the ``sources`` (list) that hold the record.
    """
    random = np.random.default_rng([seed, 77, number])
    share = np.where(people["oddity"] == "superseded", SUPERSEDED_SHARE, OFFENDER_SHARE)
    chosen = pl.Series(random.random(people.height) < share)
    offenders = people.filter(chosen & ~pl.col("oddity").is_in(list(DOUBTS)))
    times = 1 + random.choice(len(_RECORDS), offenders.height, p=_RECORDS)
    records = offenders[np.repeat(np.arange(offenders.height), times).tolist()].with_columns(
        born=pl.col("birth_date").str.to_date(), until=_last_day()
    )
    records = records.with_columns(_offence_days(random, records.height))
    records = records.filter(pl.col("offence_date") <= pl.col("until"))
    records = _judged(random, records)
    records = _charged(np.random.default_rng([seed, 78, number]), records)
    records = records.with_columns(_effective(random, records.height)).with_columns(_counts_as().alias("counts_as"))
    return records.select(
        "id_number",
        "name",
        "kind",
        "offence_date",
        pl.when(pl.col("kind") != "pending").then(pl.col("offence_date").dt.offset_by("150d")).alias("decided_on"),
        "effective_on",
        "sentence_months",
        "charge",
        "political_rights",
        "about",
        "counts_as",
        "sealed_record",
        pl.col("sealed_record").all().over("id_number").alias("only_sealed"),
        written_number=_written(random, records.height),
        sources=_sources(random, records.height),
    )


def _counts_as() -> pl.Expr:
    never = ("judgment", "pending", "non_prosecution", "acquittal", UNKNOWN_KIND)
    kinds = {kind: kind for kind in _KINDS if kind not in never} | {UNKNOWN_KIND: "unclear"}
    effective = (pl.col("kind") == "judgment") & (pl.col("effective_on") < pl.lit(NOT_YET)).fill_null(value=False)
    return (
        pl.when("sealed_record")
        .then(pl.lit(""))
        .when(effective)
        .then(pl.lit("judgment"))
        .otherwise(pl.col("kind").replace_strict(kinds, default=""))
    )


def _last_day() -> pl.Expr:
    """Nobody offends after the last day on record."""
    gone = pl.col("cancelled_on").str.to_date(strict=False)
    return pl.min_horizontal(pl.lit(LAST_OFFENCE), gone)


def _offence_days(random: np.random.Generator, count: int) -> pl.Expr:
    """After the fourteenth birthday: at any age, some under eighteen, a few on that birthday or a day later."""
    youngest = pl.col("born").dt.offset_by(f"{YOUNGEST}y")
    eighteen = pl.col("born").dt.offset_by("18y")
    span = pl.max_horizontal((pl.col("until") - youngest).dt.total_days(), pl.lit(0))
    chance = pl.Series(random.random(count))
    any_day = youngest + pl.duration(days=(span * pl.Series(random.random(count))).cast(pl.Int64))
    young_day = youngest + pl.duration(days=pl.lit(pl.Series(random.integers(0, 4 * 365, count))))
    return (
        pl.when(chance < _EDGE_SHARE / 2)
        .then(eighteen)
        .when(chance < _EDGE_SHARE)
        .then(eighteen + pl.duration(days=1))
        .when(chance < _EDGE_SHARE + _YOUNG_SHARE)
        .then(young_day)
        .otherwise(any_day)
        .alias("offence_date")
    )


def _judged(random: np.random.Generator, records: pl.DataFrame) -> pl.DataFrame:
    """Adds ``kind``, ``sentence_months``, ``sealed_record`` and ``age``: eighteen from the day after the birthday."""
    kind = random.choice(list(_KINDS), records.height, p=list(_KINDS.values()))
    months = pl.Series(_SENTENCES, dtype=pl.Int64).gather(random.integers(0, len(_SENTENCES), records.height))
    day, born = _as_number(pl.col("offence_date")), _as_number(pl.col("born"))
    records = records.with_columns(kind=pl.Series(kind, dtype=pl.String), age=(day - born - 1) // 10_000)
    judged = pl.col("kind") == "judgment"
    records = records.with_columns(pl.when(judged).then(months).alias("sentence_months"))
    light = pl.col("sentence_months").is_null() | (pl.col("sentence_months") <= 60)
    return records.with_columns(sealed_record=(pl.col("age") < 18) & light)


def _charged(random: np.random.Generator, records: pl.DataFrame) -> pl.DataFrame:
    """Adds ``charge``, ``about`` and ``political_rights``; makes detentions of all records of some people."""
    tried = pl.col("kind").is_in(_PENALTIES)
    often = pl.Series(random.random(records.height) < _OFTEN_DETAINED_SHARE)
    many = (pl.len().over("id_number") >= len(_RECORDS)) & pl.lit(often).first().over("id_number")
    records = records.with_columns(
        pl.when(many & (pl.col("age") >= 18)).then(pl.lit("administrative_detention")).otherwise("kind").alias("kind")
    )
    names = [
        pl.Series(list(table)).gather(random.integers(0, len(table), records.height)) for table in (CRIMES, VIOLATIONS)
    ]
    rights = pl.Series(["no", "no", "no", "yes", ""]).gather(random.integers(0, 5, records.height))
    judged = pl.col("kind") == "judgment"
    return records.with_columns(
        pl.when(pl.col("kind").is_in(["drug", "compulsory_isolation"]))
        .then(pl.lit("吸毒"))
        .when(tried)
        .then(names[1])
        .otherwise(names[0])
        .alias("charge"),
        pl.when(judged).then(rights).otherwise(pl.lit("")).alias("political_rights"),
        pl.when(judged).then("sentence_months").alias("sentence_months"),
    ).with_columns(pl.col("charge").replace_strict(CRIMES | VIOLATIONS).alias("about"))


def _as_number(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 10_000 + day.dt.month().cast(pl.Int64) * 100 + day.dt.day()


def _effective(random: np.random.Generator, count: int) -> pl.Expr:
    chance = pl.Series(random.random(count))
    day = (
        pl.when(chance < _APPEAL_SHARE)
        .then(pl.lit(None, pl.Date))
        .when(chance < _APPEAL_SHARE + _NOT_YET_SHARE)
        .then(pl.lit(NOT_YET))
        .otherwise(pl.col("offence_date").dt.offset_by("180d"))
    )
    return pl.when(pl.col("kind") == "judgment").then(day).alias("effective_on")


def _written(random: np.random.Generator, count: int) -> pl.Expr:
    """The number in the source."""
    number, adult = pl.col("id_number"), pl.col("age") >= 21
    fifteen = pl.concat_str(number.str.slice(0, 6), number.str.slice(8, 9))
    of_old = pl.Series(random.random(count) < _OLD_NUMBER_SHARE) & (pl.col("offence_date") <= pl.lit(_LAST_15_DIGITS))
    return (
        pl.when(pl.col("oddity") == "superseded")
        .then(pl.col("former_id_number"))
        .when(adult & of_old)
        .then(fifteen)
        .otherwise(number)
    )


def _sources(random: np.random.Generator, count: int) -> pl.Series:
    """At least one source for each record."""
    inside = random.random((count, len(OFFENCE_SOURCES))) < np.array(list(SOURCE_SHARES.values()))
    inside[~inside.any(axis=1), 1] = True
    return _lists(np.argwhere(inside), count)


def _lists(pairs: Ints, count: int) -> pl.Series:
    """(record, source) pairs, in order, to one list of source codes for each record."""
    frame = pl.DataFrame({"record": pairs[:, 0], "source": pl.Series(OFFENCE_SOURCES).gather(pairs[:, 1])})
    lists = frame.group_by("record", maintain_order=True).agg("source")["source"]
    return lists if count else pl.Series([], dtype=pl.List(pl.String))
