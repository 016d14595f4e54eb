"""What the partner will read (协作部门将读到) for an answer, before an officer gives it.

Rules
- In the words of the result file: its headings, and the answers' words.
- An answer to the identity says what follows for the other columns (``decisions.complete``): where it is established
  they are decided by themselves, otherwise nothing of the person is answered.
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange.base.tables import ANSWERS
from exchange.matching.decide import IDENTITY_COLUMN
from exchange.output.results import heading
from exchange.review.decisions import follows_identity


def will_read(open_columns: Iterable[str], column: str, code: str) -> str:
    """A sentence: each heading with the word under it."""
    every_answer = {column: code}
    if column == IDENTITY_COLUMN:
        every_answer |= follows_identity(open_columns, code)
    by_code: dict[str, list[str]] = {}
    for other, answer in every_answer.items():
        by_code.setdefault(answer, []).append(heading(other))
    return "；".join(f"{'、'.join(heads)}“{ANSWERS[answer].zh}”" for answer, heads in by_code.items())
