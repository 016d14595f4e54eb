"""Which office looks at a row: the county or city where the person is registered, or the partner's own level.

Rules: the agreement says which of the two; a row whose person is not established goes by the partner. Where a county
names no responsible officer, its city's office has the row, then the province's (Jilin's notice of 2015: three levels,
each with its responsible officer).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.matching.decide import CAUSES_COLUMN, PERSON
from exchange.matching.identity import NOBODY
from exchange.matching.lookup import SortedTable
from exchange.register import NewReview


def new_reviews(
    frame: pl.DataFrame, agreement: Agreement, people: SortedTable, offices: Iterable[str], first: int = 1
) -> list[NewReview]:
    """The rows that need an officer, ascending, with causes and responsible division. ``frame``: answers in the columns
    of ``matching.decide``; ``offices``: the divisions that have one; ``first``: the number of the frame's first row in
    the batch.
    """
    queued = frame.with_row_index("row", offset=first).filter(pl.col(CAUSES_COLUMN) != "")
    divisions = [agreement.division] * queued.height
    if agreement.review_by == "registration":
        divisions = _registered(queued, people, agreement.division)
    known = frozenset(offices)
    return [
        NewReview(row, responsible(division, known), tuple(causes.split(";")))
        for row, causes, division in zip(queued["row"], queued[CAUSES_COLUMN], divisions, strict=True)
    ]


def _registered(queued: pl.DataFrame, people: SortedTable, otherwise: str) -> list[str]:
    """The division of registration of each row's person."""
    established = queued[PERSON] != NOBODY
    rows = queued.filter(established)[PERSON].to_numpy()
    codes = iter(people.take(rows, ["registered_division"])["registered_division"].cast(pl.String))
    return [(next(codes) or otherwise) if there else otherwise for there in established]


def responsible(division: str, offices: frozenset[str]) -> str:
    """The division whose office looks at rows of this one: itself, its city or its province; itself where no office
    is named at all.
    """
    for code in (division, division[:4] + "00", division[:2] + "0000"):
        if code in offices:
            return code
    return division
