"""The result's data file: masked rows and their answers, as CSV or XLSX.

Rules: as many rows as came, in their order; headers and words from ``schemas/``, in Chinese or as codes. No cell of a
CSV file begins like a formula, because a result is opened in a spreadsheet: such a cell gets an apostrophe in front.
The cells of an XLSX file are texts, which are never run, and stay as they are.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import polars as pl

from exchange.base.tables import ANSWERS, ITEMS, NOTES, RESULT_COLUMNS, TEST_NOTE
from exchange.base.xlsx import write_workbook
from exchange.matching.decide import IDENTITY_COLUMN, NOTE
from exchange.wire import gb18030
from exchange.wire.manifest import RequestManifest, SnapshotDate

FORMULA_STARTS: Final = r"^[=+\-@\t\r\n\x00|%＝＋－＠]"
"""The full-width ones, too: a spreadsheet that is set to Chinese or Japanese may take them for theirs."""

_NOT_AS_IT_IS: Final = rf'{FORMULA_STARTS}|^$|[,"\r\n]'
"""Cells that are not written as they are: with an apostrophe or in quotation marks, an empty one as two of those."""

ECHOED: Final = ("row_ref", "id_number", "name")
"""The columns that hold what a partner wrote; all others hold codes, or the tables' words for them."""

_HEADERS_ZH: Final = {column.code: column.zh[0] for column in RESULT_COLUMNS}


def answer_columns(items: Sequence[str]) -> dict[str, str]:
    """Column of the answers' frame → its name in the result file, in order."""
    return {column: column for column in _HEADERS_ZH} | {f"answer.{item}": f"{item}_answer" for item in items}


def heading(column: str) -> str:
    """What stands in Chinese over the answers to the identity or an item."""
    return _HEADERS_ZH[column] if column == IDENTITY_COLUMN else f"{ITEMS[column].zh}核查结果"


def count_answers(answers: pl.DataFrame, items: Sequence[str]) -> dict[str, dict[str, int]]:
    """For the identity and each item: answer code → number of rows."""
    counts = {}
    for column in (IDENTITY_COLUMN, *[f"answer.{item}" for item in items]):
        tally = answers[column].value_counts().iter_rows()
        counts[column.removeprefix("answer.")] = dict(sorted(tally, key=lambda pair: pair[0] or ""))
    return counts


def add_counts(counts: dict[str, dict[str, int]], more: Mapping[str, Mapping[str, int]]) -> None:
    """Adds the counts of more rows; codes stay in order."""
    for column, tally in more.items():
        sums = counts.get(column, {})
        counts[column] = {code: sums.get(code, 0) + tally.get(code, 0) for code in sorted({*sums, *tally})}


def without_formulas(text: pl.Expr) -> pl.Expr:
    """String: the text, with an apostrophe in front where a spreadsheet would run it; null stays null."""
    return pl.when(text.str.contains(FORMULA_STARTS)).then("'" + text).otherwise(text)


def write_csv(
    masked: pl.DataFrame, items: Sequence[str], language: str, encoding: str, *, header: bool = True
) -> bytes:
    """The file's bytes; ``language`` is zh or en, ``encoding`` utf-8, utf-8-sig or gb18030. Without ``header`` those of
    a later part: put behind each other, the parts are the file.
    """
    plain = not any(masked[column].str.contains(_NOT_AS_IT_IS).any() for column in ECHOED)
    frame = masked.select(
        (pl.col(column) if plain or column not in ECHOED else without_formulas(pl.col(column))).alias(name)
        for column, name in answer_columns(items).items()
    )
    frame = _worded(frame, items, language)
    if plain:  # no cell need be looked at for what must stand in quotation marks, which takes half of the writing
        notes = pl.nth(list(answer_columns(items)).index(NOTE))
        frame = frame.with_columns(pl.when(notes == "").then(pl.lit('""')).otherwise(notes).name.keep())
    content = io.BytesIO(codecs.BOM_UTF8 if header and encoding == "utf-8-sig" else b"")
    content.seek(0, io.SEEK_END)
    style: Literal["never", "necessary"] = "never" if plain else "necessary"
    frame.write_csv(content, line_terminator="\r\n", include_header=header, quote_style=style)
    return gb18030.from_utf8(content.getvalue()) if encoding == "gb18030" else content.getvalue()


def write_xlsx(masked: pl.DataFrame, items: Sequence[str], language: str, notes: Sequence[Sequence[str]]) -> bytes:
    """The workbook's bytes; ``notes`` are the rows of the sheet beside the answers."""
    frame = masked.select(pl.col(column).alias(name) for column, name in answer_columns(items).items())
    return write_workbook(_worded(frame, items, language), "核查结果", notes, "说明")


def notes_of(
    batch: str,
    request: RequestManifest,
    snapshots: Sequence[SnapshotDate],
    counts: Mapping[str, Mapping[str, int]],
    *,
    test: bool = False,
) -> list[tuple[str, ...]]:
    """What stands beside the answers in a workbook: what was asked, by which sources it is answered, and the counts."""
    words = {code: f"{item.zh} {code}" for code, item in ITEMS.items()} | {IDENTITY_COLUMN: "号码与姓名 identity"}
    return [
        *([("测试 TEST", NOTES[TEST_NOTE].zh), ("", NOTES[TEST_NOTE].en), ()] if test else []),
        ("批次号 batch", batch),
        ("部门代号 partner", request.partner),
        ("周期 cycle", request.cycle),
        ("期间 period", request.period),
        ("行数 rows", str(request.rows)),
        (),
        ("数据源 source", "代码 code", "快照日期 snapshot of"),
        *[(snapshot.zh, snapshot.source, snapshot.as_of.isoformat()) for snapshot in snapshots],
        (),
        ("事项 item", "答复 answer", "行数 rows"),
        *[
            (words[column], f"{ANSWERS[code].zh} {code}", str(count))
            for column, tally in counts.items()
            for code, count in tally.items()
        ],
        (),
        ("结果只说明所列数据源在快照日期的状况。",),
        ("The answers speak of the sources' state at their snapshot dates only.",),
    ]


def _worded(frame: pl.DataFrame, items: Sequence[str], language: str) -> pl.DataFrame:
    return _in_chinese(frame, items) if language == "zh" else frame


def _in_chinese(frame: pl.DataFrame, items: Sequence[str]) -> pl.DataFrame:
    words = {code: answer.zh for code, answer in ANSWERS.items()}
    answers = pl.col(IDENTITY_COLUMN, *[f"{item}_answer" for item in items])
    notes = pl.col(NOTE).str.replace_many({code: note.zh for code, note in NOTES.items()})
    frame = frame.with_columns(answers.replace_strict(words), notes.str.replace_all(";", "；"))
    headers = _HEADERS_ZH | {f"{item}_answer": heading(item) for item in items}
    return frame.rename(headers)
