"""What partners claim about household events: right, partly right, wrong, missing or unreadable; and the right answers.

Rules: a claim reads the columns of ``events.py``, and ``<item>.is`` and ``spelling`` of ``claims.py``. A wrong claim
with an odd ``spelling`` is partly right: what happened is right, its day is not. Of somebody to whom nothing of the
kind happened every claim is wrong.
"""

from __future__ import annotations

from typing import Final

import polars as pl

ITEMS: Final = ("migration", "address_change", "item_correction", "cancellation")
_REASONS_ZH: Final = {
    "death": "死亡",
    "settled_abroad": "出国定居",
    "duplicate": "重复户口",
    "conscription": "参军",
    "other": "其他",
}
_ITEMS_ZH: Final = {
    "name": "姓名", "birth_date": "出生日期", "ethnicity": "民族", "native_place": "籍贯", "id_number": "公民身份号码",
}  # fmt: skip
_WRONG_YEAR: Final = "1985年"  # before the first event


def _is(item: str, outcome: str) -> pl.Expr:
    return pl.col(f"{item}.is") == outcome


def _partly(item: str) -> pl.Expr:
    return _is(item, "wrong") & (pl.col("spelling") % 2 == 1)


def _day(item: str, day: pl.Expr) -> pl.Expr:
    """The day or a period around it, or a year in which nothing happened."""
    spellings = [
        day.cast(pl.String),
        day.dt.strftime("%Y年%-m月%-d日"),
        day.dt.strftime("%Y-%m"),
        day.dt.strftime("%Y年%-m月"),
        day.dt.strftime("%Y"),
        day.dt.strftime("%Y年"),
        day.dt.strftime("%Y-01-01/%Y-12-31"),
        day.dt.strftime("%Y.%m.%d"),
    ]
    right = spellings[0]
    for position, text in enumerate(spellings):
        right = pl.when(pl.col("spelling") == position).then(text).otherwise(right)
    return (
        pl.when(_is(item, "missing"))
        .then(pl.lit(""))
        .when(_is(item, "unreadable"))
        .then(pl.lit("去年夏天"))
        .when(_is(item, "wrong"))
        .then(pl.lit(_WRONG_YEAR))
        .otherwise(right.fill_null("2015-03"))
    )


def _what(item: str, right: pl.Expr, wrong: pl.Expr) -> pl.Expr:
    """What happened, in a word."""
    event = pl.when(_is(item, "wrong") & ~_partly(item)).then(wrong).otherwise(right)
    return pl.when(_is(item, "missing")).then(pl.lit("")).otherwise(event)


def migration() -> list[pl.Expr]:
    """The columns of a migration claim: which way, when, and for some of them from where and to where; all String."""
    moved_in = pl.col("migration.in")
    words = [
        pl.when(moved_in if right else ~moved_in).then(pl.lit("迁入")).otherwise(pl.lit("迁出")) for right in (1, 0)
    ]
    plain = _is("migration", "right") & (pl.col("spelling") % 3 == 0)
    return [
        _what("migration", *words).alias("migration_kind"),
        _day("migration", pl.col("migration.on")).alias("migration_date"),
        *[
            pl.when(plain).then(f"migration.{end}").otherwise(pl.lit("")).alias(f"migration_{end}")
            for end in ("from", "to")
        ],
    ]


def address_change() -> list[pl.Expr]:
    """The columns of a claimed change of address: when, and for some of them from where and to where; all String."""
    has_addresses = (_is("address_change", "right") & (pl.col("spelling") % 3 == 0)) | _partly("address_change")
    texts = [
        pl.when(has_addresses).then(pl.col(f"address_change.{end}").str.replace("号", " 号")).otherwise(pl.lit(""))
        for end in ("from", "to")
    ]
    return [
        _day("address_change", pl.col("address_change.on")).alias("address_change_date"),
        texts[0].alias("address_change_from"),
        texts[1].alias("address_change_to"),
    ]


def item_correction() -> list[pl.Expr]:
    """The columns of a claimed correction: of which item, and when; all String."""
    right = pl.col("item_correction.item").replace_strict(_ITEMS_ZH)
    wrong = pl.when(pl.col("item_correction.item") == "name").then(pl.lit("民族")).otherwise(pl.lit("姓名"))
    return [
        _what("item_correction", right, wrong).alias("correction_item"),
        _day("item_correction", pl.col("item_correction.on")).alias("correction_date"),
    ]


def cancellation() -> list[pl.Expr]:
    """The columns of a claimed cancellation: for which reason, and when; all String."""
    reason = pl.col("cancelled_reason")
    right = reason.replace_strict(_REASONS_ZH, default="死亡")
    wrong = pl.when(reason == "death").then(pl.lit("其他")).otherwise(pl.lit("死亡"))
    day = pl.col("cancelled_on").str.to_date(strict=False)
    return [
        _what("cancellation", right, wrong).alias("cancellation_reason"),
        _day("cancellation", day).alias("cancellation_date"),
    ]


def answer(item: str) -> pl.Expr:
    """The right answer to the claim about this item."""
    happened = pl.col("cancelled_on") != "" if item == "cancellation" else pl.col(f"{item}.on").is_not_null()
    return (
        pl.when(_is(item, "missing"))
        .then(pl.lit("claim_missing"))
        .when(_is(item, "unreadable"))
        .then(pl.lit("claim_format"))
        .when(happened & _is(item, "right"))
        .then(pl.lit("consistent"))
        .when(happened & _partly(item))
        .then(pl.lit("partly_consistent"))
        .otherwise(pl.lit("inconsistent"))
    )
