"""The result's data file: masked rows and their answers, as CSV.

Rules: as many rows as came, in their order; headers and words from ``schemas/``, in Chinese or as codes; no cell
begins like a formula, because a result is opened in a spreadsheet: such a cell gets an apostrophe in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from exchange import gb18030
from exchange.matching.decide import IDENTITY, NOTE
from exchange.tables import ANSWERS, ITEMS, NOTES, RESULT_COLUMNS

FORMULA_STARTS: Final = r"^[=+\-@\t\r\n\x00|%]"

_HEADERS_ZH: Final = {column.code: column.zh[0] for column in RESULT_COLUMNS}


def answer_columns(items: Sequence[str]) -> dict[str, str]:
    """Column of the answers' frame → its name in the result file, in order."""
    return {column: column for column in _HEADERS_ZH} | {f"answer.{item}": f"{item}_answer" for item in items}


def count_answers(answers: pl.DataFrame, items: Sequence[str]) -> dict[str, dict[str, int]]:
    """For the identity and each item: answer code → number of rows."""
    counts = {}
    for column in (IDENTITY, *[f"answer.{item}" for item in items]):
        tally = answers[column].value_counts().sort(column)
        counts[column.removeprefix("answer.")] = dict(tally.iter_rows())
    return counts


def without_formulas(text: pl.Expr) -> pl.Expr:
    """The text, with an apostrophe in front where a spreadsheet would run it."""
    return pl.when(text.str.contains(FORMULA_STARTS)).then("'" + text).otherwise(text)


def write_csv(masked: pl.DataFrame, items: Sequence[str], language: str, encoding: str) -> bytes:
    """The file's bytes; ``language`` is zh or en, ``encoding`` utf-8, utf-8-sig or gb18030."""
    frame = masked.select(
        without_formulas(pl.col(column)).alias(name) for column, name in answer_columns(items).items()
    )
    if language == "zh":
        frame = _in_chinese(frame, items)
    content = frame.write_csv(line_terminator="\r\n").encode()
    if encoding == "utf-8-sig":
        return b"\xef\xbb\xbf" + content
    return content if encoding == "utf-8" else gb18030.encode(content.decode())


def _in_chinese(frame: pl.DataFrame, items: Sequence[str]) -> pl.DataFrame:
    words = {code: answer.zh for code, answer in ANSWERS.items()}
    answers = pl.col(IDENTITY, *[f"{item}_answer" for item in items])
    notes = pl.col(NOTE).str.replace_many({code: note.zh for code, note in NOTES.items()})
    frame = frame.with_columns(answers.replace_strict(words), notes.str.replace_all(";", "；"))
    headers = _HEADERS_ZH | {f"{item}_answer": f"{ITEMS[item].zh}核查结果" for item in items}
    return frame.rename(headers)
