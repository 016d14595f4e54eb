"""The header of a request's data file: which column holds what.

Rules: headers are Chinese or English, in any order, compared after width and blanks are evened out. The columns of the
items asked are there, each once (some may be left out), and no others: a column too many is personal data that nobody
asked to be sent, and refuses the set. A refusal names a known column by its code and an unknown one by its place
(``#5``), never by its text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from exchange.errors import Refused
from exchange.tables import ITEMS, OBJECTION_COLUMNS, REQUIRED_COLUMNS, Column
from exchange.working_days import OBJECTION


def columns_for(items: Sequence[str]) -> tuple[Column, ...]:
    """The columns that a request for these items has; an objection's names rows of an earlier request."""
    if tuple(items) == (OBJECTION,):
        return OBJECTION_COLUMNS
    return REQUIRED_COLUMNS + tuple(claim for item in items for claim in ITEMS[item].claims)


def read_header(header: Sequence[str], items: Sequence[str]) -> list[str]:
    """The codes of the columns, in the order of the header; Refused where it does not fit the items."""
    expected = columns_for(items)
    by_word = {word: column.code for column in expected for word in (column.code, *column.zh)}
    codes: list[str] = []
    for place, word in enumerate(header, start=1):
        code = by_word.get("".join(unicodedata.normalize("NFKC", word).split()).lower())
        if code is None:
            raise Refused("column_unknown", column=f"#{place}")
        if code in codes:
            raise Refused("column_doubled", column=code)
        codes.append(code)
    for column in expected:
        if column.code not in codes and not column.optional:
            raise Refused("column_missing", column=column.code)
    return codes
