"""Masking: how much of a claimed person is echoed in a result. A row is recognised by the partner's own reference.

Rules (the office's choice, in the spirit of GB/T 35273 and GB/T 37964)
- An identity number keeps its first 6 and last 4 characters, or nothing; what is no identity number is not echoed at
  all.
- A name keeps its first character that can be seen, or nothing; the stars do not tell its length.
- A row reference is the partner's own and is echoed as it is, except that an identity number inside it is masked too,
  however wide its characters are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.invisible import INVISIBLE
from exchange.matching.codes import without_front
from exchange.matching.id_numbers import plain

HIDDEN: Final = "***"

ID_NUMBER_ANYWHERE: Final = (
    r"([1-9１-９][0-9０-９]{5})"
    r"((?:[1１][89８９]|[2２][0０])[0-9０-９]{2}"
    r"(?:[0０][1-9１-９]|[1１][0-2０-２])(?:[0０][1-9１-９]|[12１２][0-9０-９]|[3３][01０１]))"
    r"([0-9０-９]{3}[0-9０-９XxＸｘ])"
)
"""Six digits of a division, a date, four characters: an 18-character identity number wherever it stands in a text, of
narrow or wide characters.
"""

_MASKED: Final = "${1}********${3}"
_WITH_WHAT_FOLLOWS: Final = ID_NUMBER_ANYWHERE.replace("([0-9０-９]{3}", "[0-9０-９]*([0-9０-９]{3}")
"""The same with all digits behind it, whose last four are kept: the last four of a number, with what follows them, may
begin another one, so that something whole would be left.
"""

_LENGTH: Final = 18
"""Octets of what that finds, at least."""

_IDEOGRAPHS: Final = (pl.lit("\u4e00"), pl.lit("\u9fff"))

_UNSEEN: Final = rf"^[\s\p{{Cc}}{INVISIBLE}]+"
"""Blanks, controls, and characters that show nothing."""

_ID_NUMBER: Final = r"^([0-9]{17}[0-9X]|[0-9]{15})$"


def _keep_6_4(number: pl.Expr) -> pl.Expr:
    return number.map_batches(_kept_6_4, return_dtype=pl.String)


def _kept_6_4(numbers: pl.Series) -> pl.Series:
    """Only what is not written as it should be is evened out first, which takes longer than all the rest."""
    odd = (~numbers.str.contains(_ID_NUMBER)).fill_null(value=True).arg_true()
    even = pl.col("even")
    stars = pl.when(even.str.len_bytes() == 18).then(pl.lit("********")).otherwise(pl.lit("*****"))
    masked = pl.concat_str(even.str.slice(0, 6), stars, even.str.tail(4))
    shown = numbers.to_frame("even").select(masked).to_series()
    if not len(odd):
        return shown
    evened = numbers.gather(odd).to_frame("even").select(plain(even))
    number_or_not = pl.when(even.str.contains(_ID_NUMBER)).then(masked).otherwise(pl.lit(HIDDEN))
    return shown.scatter(odd, evened.select(number_or_not).to_series())


def _keep_first(name: pl.Expr) -> pl.Expr:
    return name.map_batches(_kept_first, return_dtype=pl.String)


def _kept_first(names: pl.Series) -> pl.Series:
    """Where an ideograph is in front nothing unseen is before it."""
    front = names.str.slice(0, 1)
    odd = (~front.is_between(*_IDEOGRAPHS)).fill_null(value=True).arg_true()
    if not len(odd):
        return front + "**"
    first = without_front(pl.col("name")).str.replace(_UNSEEN, "").str.slice(0, 1)
    shown = pl.when(first == "").then(pl.lit(HIDDEN)).otherwise(pl.concat_str(first, pl.lit("**")))
    return (front + "**").scatter(odd, names.gather(odd).to_frame("name").select(shown).to_series())


def _hide(_: pl.Expr) -> pl.Expr:
    return pl.lit(HIDDEN)


ID_NUMBER_RULES: Final[Mapping[str, Callable[[pl.Expr], pl.Expr]]] = MappingProxyType(
    {"keep_6_4": _keep_6_4, "hide": _hide}
)
NAME_RULES: Final[Mapping[str, Callable[[pl.Expr], pl.Expr]]] = MappingProxyType(
    {"keep_first": _keep_first, "hide": _hide}
)


def masked_reference(row_ref: pl.Expr) -> pl.Expr:
    """String: the partner's own reference, without an identity number."""
    return row_ref.map_batches(_without_numbers, return_dtype=pl.String)


def _without_numbers(texts: pl.Series) -> pl.Series:
    if not _may_hold_numbers(texts):
        return texts
    masked = texts.str.replace_all(ID_NUMBER_ANYWHERE, _MASKED)
    left = masked.str.contains(ID_NUMBER_ANYWHERE).fill_null(value=False).arg_true()
    return masked.scatter(left, texts[left].str.replace_all(_WITH_WHAT_FOLLOWS, _MASKED)) if len(left) else masked


def whole_numbers(texts: pl.Series) -> int:
    """How many of these texts (String) hold an identity number."""
    return int(texts.str.contains(ID_NUMBER_ANYWHERE).sum()) if _may_hold_numbers(texts) else 0


def _may_hold_numbers(texts: pl.Series) -> bool:
    """Whether one is long enough; most references and all masked names are too short."""
    return bool((texts.str.len_bytes() >= _LENGTH).any())


def mask(answers: pl.DataFrame, id_number: str, name: str) -> pl.DataFrame:
    """The same rows and columns with ``row_ref``, ``id_number`` and ``name`` (String) masked, by the rules of these
    names in the tables above.
    """
    return answers.with_columns(
        masked_reference(pl.col("row_ref")),
        ID_NUMBER_RULES[id_number](pl.col("id_number")).alias("id_number"),
        NAME_RULES[name](pl.col("name")).alias("name"),
    )
