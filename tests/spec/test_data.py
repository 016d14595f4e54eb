"""The cases of ``data.toml``: a data file as a program saves it, through reading, answering, masking and writing."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import openpyxl
import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict, StrictFloat, StrictInt, StrictStr

from exchange.base.errors import Refused
from exchange.base.tables import export_columns
from exchange.docs.specifications import FOLDER, read_specification
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.output.masking import mask
from exchange.output.results import write_csv
from exchange.snapshots import population
from exchange.validate.encoding import to_utf8
from exchange.validate.table import read_table
from exchange.validate.workbook import read_workbook

GIVEN: Final = read_specification(FOLDER / "data.toml")


class Case(BaseModel):
    """A CSV file by its ``lines``, ``saved`` in one encoding or in one for each line; or the ``cells`` of a workbook.
    ``rows``: what the manifest says, where it is not as many as there are. Either the lines of the ``result`` behind
    its header, or the ``refusal`` and where.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    lines: tuple[str, ...] = ()
    saved: str | tuple[str, ...] = "utf-8"
    cells: tuple[tuple[StrictStr | StrictInt | StrictFloat | date, ...], ...] = ()
    rows: int | None = None
    result: tuple[str, ...] | None = None
    refusal: str | None = None
    column: str | None = None
    row: int | None = None


CASES: Final = [Case(**case) for case in GIVEN.cases]


def file_of(case: Case) -> bytes:
    if case.cells:
        book = openpyxl.Workbook()
        for row in case.cells:
            book.worksheets[0].append(row)
        book.save(content := io.BytesIO())
        return content.getvalue()
    saved = [case.saved] * len(case.lines) if isinstance(case.saved, str) else case.saved
    encoded = [
        f"{line}\r\n".encode(encoding if place == 0 else encoding.removesuffix("-sig"))
        for place, (line, encoding) in enumerate(zip(case.lines, saved, strict=True))
    ]
    return b"".join(encoded)


@cache
def people() -> Population:
    rows = [dict.fromkeys(export_columns("population"), "") | {"status": "normal"} | dict(row) for row in plants()]
    tables, _ = population.build_tables(pl.LazyFrame(rows), GIVEN.settings["received"])
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


def plants() -> Sequence[Mapping[str, Any]]:
    found = GIVEN.tables["person"]
    assert {key for row in found for key in row} <= set(export_columns("population"))
    return found


def read(case: Case, items: Sequence[str]) -> pl.DataFrame:
    rows = len(case.cells or case.lines) - 1 if case.rows is None else case.rows
    if case.cells:
        return read_workbook(file_of(case), None, items, rows)
    return read_table(to_utf8(file_of(case)), items, rows)


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case.en}".replace(" ", "_") for n, case in enumerate(CASES, 1)])
def test_data_file(case: Case) -> None:
    items = GIVEN.settings["items"]
    if case.result is None:
        with pytest.raises(Refused) as refused:
            read(case, items)
        assert (refused.value.code, refused.value.column, refused.value.row) == (case.refusal, case.column, case.row)
        return
    answers = decide(read(case, items), items, Sources(people(), {}), GIVEN.settings["received"])
    masked = mask(answers, "keep_6_4", "keep_first")
    written = csv.reader(write_csv(masked, items, "en", "utf-8").decode().splitlines())
    assert [",".join(row) for row in written] == [GIVEN.settings["result_header"], *case.result]
    assert (case.refusal, case.column, case.row) == (None, None, None)


def test_the_file_holds_nothing_else() -> None:
    assert set(GIVEN.settings) == {"items", "received", "result_header"}
    assert set(GIVEN.tables) == {"person"}
