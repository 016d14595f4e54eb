"""The header of a request's data file: which column holds what.

Rules: headers are Chinese or English, in any order, compared after width is evened out and without blanks, marks and
controls, and where one is in quotation marks behind a blank, or written as a formula (``="姓名"``), by its text. A
column without a header, wherever it stands, is none as long as it is empty in every row. The columns of the items asked
are there, each once (some may be left out), and no others: a column too many is personal data that nobody asked to be
sent, and refuses the set. A refusal names a known column by its code and an unknown one by its place (``#5``), never by
its text. An item that is asked alone has the columns of its form, and no number.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

import polars as pl

from exchange.base.errors import Refused
from exchange.base.tables import ITEMS, OBJECTION_COLUMNS, REQUIRED_COLUMNS, RequestColumn
from exchange.calendar.deadlines import OBJECTION
from exchange.validate.cells import FORMULA, QUOTED, SEEN, has_text, seen

WORDLESS: Final = "#"
"""What the name of a column begins with that has no header."""


def columns_for(items: Sequence[str], form: str | None = None) -> tuple[RequestColumn, ...]:
    """The columns that a request for these items has; ``form`` is that of an item that is asked alone. An objection's
    columns name rows of an earlier request.
    """
    if tuple(items) == (OBJECTION,):
        return OBJECTION_COLUMNS
    if form is not None:
        (item,) = items
        return REQUIRED_COLUMNS[:1] + ITEMS[item].forms[form]
    return REQUIRED_COLUMNS + tuple(claim for item in items for claim in ITEMS[item].claims)


def known_columns(header: Sequence[str], columns: Sequence[RequestColumn]) -> set[str]:
    """The codes of those of these columns that the header has."""
    words = {_even(word) for word in header}
    return {column.code for column in columns if words & {column.code, *column.zh}}


def only_of(header: Sequence[str], columns: Sequence[RequestColumn]) -> bool:
    """Whether each word of the header heads one of these columns."""
    words = {word for column in columns for word in (column.code, *column.zh)}
    return all(_even(word) in words for word in header if has_text(word))


def known_words(header: Sequence[str]) -> int:
    """How many of these words head a column of any request."""
    return sum(_even(word) in _every_word() for word in header)


@cache
def _every_word() -> frozenset[str]:
    of_items = (columns for item in ITEMS.values() for columns in (item.claims, *item.forms.values()))
    columns = itertools.chain(REQUIRED_COLUMNS, OBJECTION_COLUMNS, *of_items)
    return frozenset(word for column in columns for word in (column.code, *column.zh))


def _even(word: str) -> str:
    bare = re.sub(QUOTED, r"\1", word)
    return re.sub(FORMULA, r"\1", seen(unicodedata.normalize("NFKC", bare))).lower()


def read_header(header: Sequence[str], items: Sequence[str], form: str | None = None) -> list[str]:
    """The codes of the columns, in the order of the header up to its last word, ``#n`` for a place without one; Refused
    where it does not fit the items.
    """
    expected = columns_for(items, form)
    by_word = {word: column.code for column in expected for word in (column.code, *column.zh)}
    codes: list[str] = []
    width = max((position for position, word in enumerate(header, start=1) if has_text(word)), default=0)
    if not width:
        raise Refused("data_empty")
    for position, word in enumerate(header[:width], start=1):
        if not has_text(word):
            codes.append(f"{WORDLESS}{position}")
            continue
        code = by_word.get(_even(word))
        if code is None:
            raise Refused("column_unknown", column=f"{WORDLESS}{position}")
        if code in codes:
            raise Refused("column_doubled", column=code)
        codes.append(code)
    for column in expected:
        if column.code not in codes and not column.optional:
            raise Refused("column_missing", column=column.code)
    return codes


def without_empty(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, String columns, in their order and without the columns that have no header; Refused at the first of
    them with a text in it.
    """
    wordless = [name for name in rows.columns if name.startswith(WORDLESS)]
    for name in wordless:
        if rows[name].str.contains(SEEN).any():
            raise Refused("column_unknown", column=name)
    return rows.drop(wordless)
