"""Relations to the head of household (与户主关系), by code or by word, and which word covers which.

Source of the table: GB/T 4761-2008, two-digit codes, in ``schemas/relations.csv`` (98 was given up with the edition of
2008). Its columns ``words``, ``covers`` and ``near`` are the office's: other words for a code; the codes that a general
word takes in (子 takes in 长子, not 女婿); and the codes that may be another word for the same person (独生子 and 长子;
长子 and 养子, of which the one says which child and the other whose), which an officer tells apart. Rows without a code
are words that take in several codes and have none of their own (子女).

Rules: a claim that takes in the register's relation agrees with it. Where it is the register that is the more general,
or where the two are near, the register cannot tell. A single digit is a two-digit code without its zero, never one of
the standard's one-digit codes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.paths import SCHEMAS
from exchange.matching.codes import word_code

HEAD: Final = (1, 2)
"""本人 and 户主: the head's own relation, which no claim about two people can name."""

_FIRST_WITHOUT_CODE: Final = 101
_PAIR: Final = 1000


@cache
def _rows() -> tuple[tuple[int, Mapping[str, str]], ...]:
    """Each row of the table with its number: its code, or one of ours from 101 on."""
    with (SCHEMAS / "relations.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    ours = iter(range(_FIRST_WITHOUT_CODE, 256))
    return tuple((int(row["code"]) if row["code"] else next(ours), row) for row in rows)


@cache
def relation_words() -> Mapping[str, int]:
    """Code (``02``, ``2``), name or other word → number of the relation."""
    words: dict[str, int] = {}
    for number, row in _rows():
        for word in (row["code"], row["code"].lstrip("0"), row["name"], *row["words"].split()):
            words[word] = number
    words.pop("", None)
    return MappingProxyType(words)


def relation_number(text: pl.Expr) -> pl.Expr:
    """UInt8 number of the relation, null where the text names none."""
    return word_code(text, relation_words())


@cache
def _pairs() -> Mapping[int, str]:
    """Claimed and registered number in one → the answer, for all pairs that are not plainly different."""
    answers: dict[int, str] = {}
    for number, row in _rows():
        covered, near = _numbers(row["covers"]), _numbers(row["near"])
        answers |= {_PAIR * number + other: "under_review" for other in near}
        answers |= {_PAIR * other + number: "under_review" for other in covered}  # the register is the more general
    for number, row in _rows():
        answers |= {_PAIR * number + other: "consistent" for other in (number, *_numbers(row["covers"]))}
    return MappingProxyType(answers)


def _numbers(codes: str) -> Iterable[int]:
    return [int(code) for code in codes.split()]


def relation_answer(claimed: pl.Expr, registered: pl.Expr) -> pl.Expr:
    """String: ``consistent``, ``under_review`` or ``inconsistent`` for two numbers (UInt8); a register that names no
    relation is under review.
    """
    pair = claimed.cast(pl.Int32) * _PAIR + registered.cast(pl.Int32)
    answer = pair.replace_strict(dict(_pairs()), default="inconsistent", return_dtype=pl.String)
    return pl.when(registered.is_null()).then(pl.lit("under_review")).otherwise(answer)
