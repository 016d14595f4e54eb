"""Coded values as people write them: by number or by word.

Sources: GB/T 2261.1 (sex), GB/T 3304 (ethnicity, ``schemas/ethnicities.csv``). A value outside its table gives null,
which the answer tells as *cannot be read*; it is never taken for the nearest one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.invisible import INVISIBLE
from exchange.base.paths import SCHEMAS
from exchange.matching.distinct import FEW, map_distinct

SEX: Final[Mapping[str, int]] = MappingProxyType(
    {
        "0": 0, "未知": 0, "未知的性别": 0,
        "1": 1, "男": 1, "男性": 1, "M": 1, "MALE": 1,
        "2": 2, "女": 2, "女性": 2, "F": 2, "FEMALE": 2,
        "9": 9, "未说明": 9, "未说明的性别": 9,
    }
)  # fmt: skip

OTHER_ETHNICITY_WORDS: Final = {"未识别": 97, "未识别民族": 97, "其他民族": 97, "外国血统": 98, "入籍": 98}
"""Words for the two codes that name no ethnic group (the office's choice)."""

_FRONT: Final = rf"^[\s{INVISIBLE}'‘’`＇]+"
"""What a cell may begin with and nobody means: blanks, invisible characters, and the apostrophe by which a spreadsheet
marks a text (``'01``).
"""

_LEFT_OUT: Final = rf"{_FRONT}|[\s{INVISIBLE}]+"
_NOTHING: Final = rf"^$|{_FRONT}$"


@cache
def ethnicity_words() -> Mapping[str, int]:
    """Number (``1``, ``01``), name (``汉族``) or short name (``汉``) → code of GB/T 3304."""
    words: dict[str, int] = {}
    with (SCHEMAS / "ethnicities.csv").open(encoding="utf-8", newline="") as table:
        for code, name in islice(csv.reader(table), 1, None):
            for word in (code, code.lstrip("0"), name, name.removesuffix("族")):
                words[word] = int(code)
    return MappingProxyType(words | OTHER_ETHNICITY_WORDS)


def normalise_text(text: pl.Expr) -> pl.Expr:
    """String: evened width, no blanks, nothing invisible, no apostrophe in front; null stays null."""
    return without_blanks(text.str.normalize("NFKC"))


def in_even_width(texts: pl.Series) -> pl.Series:
    """String[n]: the first step of ``normalise_text``, in the order of the texts; null stays null. What is ASCII alone
    is even already, and of numbers and dates most is; so few that finding out costs more are treated at once.
    """
    if len(texts) <= FEW:
        return texts.str.normalize("NFKC")
    wide = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    return texts.clone().scatter(wide, texts[wide].str.normalize("NFKC")) if len(wide) else texts


def without_blanks(even: pl.Expr) -> pl.Expr:
    """String: the rest of ``normalise_text``, of a text in evened width; null stays null."""
    return even.str.replace_all(_LEFT_OUT, "")


def without_invisible(text: pl.Expr) -> pl.Expr:
    """String: the text without characters that show nothing; null stays null."""
    return text.str.replace_all(f"[{INVISIBLE}]+", "")


def without_front(text: pl.Expr) -> pl.Expr:
    """String: the text as written, from the first character on that somebody meant; null stays null."""
    return text.str.replace(_FRONT, "")


def nothing_claimed(text: pl.Expr) -> pl.Expr:
    """Boolean: whether a cell holds nothing that somebody meant; null where the cell is null."""
    return text.str.contains(_NOTHING)


def nothing_claimed_by_unread(texts: pl.Series, values: pl.Series) -> pl.Series:
    """Boolean[n]: the same of the texts whose value is null, the few that could not be read; false for all others."""
    nothing: pl.Series = pl.Series([False]).new_from_index(0, len(texts))
    if not values.null_count():
        return nothing
    rows = values.is_null().arg_true()
    return nothing.scatter(rows, texts[rows].str.contains(_NOTHING).fill_null(value=False))


def plain_word(text: pl.Expr) -> pl.Expr:
    """String: even text in upper case; null stays null."""
    return normalise_text(text).str.to_uppercase()


def word_code(text: pl.Expr, words: Mapping[str, int]) -> pl.Expr:
    """UInt8 code of the word, null where the text is none of these."""
    table = dict(words)
    return map_distinct(
        text, lambda word: plain_word(word).replace_strict(table, default=None, return_dtype=pl.UInt8), pl.UInt8
    )


def sex_code(text: pl.Expr) -> pl.Expr:
    """UInt8 code of GB/T 2261.1, null where the text is none."""
    return word_code(text, SEX)


def ethnicity_code(text: pl.Expr) -> pl.Expr:
    """UInt8 code of GB/T 3304, null where the text is none."""
    return word_code(text, ethnicity_words())
