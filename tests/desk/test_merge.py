"""Results in every form that an agreement may name read the same; a supplement takes the places of what was open."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange.output.results import write_csv, write_xlsx
from tests.desk.node import run, tables_json

COLUMNS = ("row_ref", "id_number", "name", "identity", "note", "answer.sex")
FIRST = [
    ("A", "110105********002X", "张**", "consistent", "id_repaired;name_variant", "under_review"),
    ("=1", "***", "李**", "id_number_scientific", "", "not_answered"),
    ("A", "110105********002X", "王**", "consistent", "", "inconsistent"),
    ("'B", "220102********1227", "赵**", "under_review", "", "not_answered"),
]
SECOND = [
    ("A", "110105********002X", "张**", "consistent", "", "consistent"),
    ("'B", "220102********1227", "赵**", "name_disagrees", "", "not_answered"),
]


def written(rows: Sequence[tuple[str, ...]], form: str, language: str) -> bytes:
    frame = pl.DataFrame(rows, schema=list(COLUMNS), orient="row")
    if form == "xlsx":
        return write_xlsx(frame, ["sex"], language, [])
    return write_csv(frame, ["sex"], language, form)


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "gb18030", "xlsx"])
def test_first_and_supplement(tmp_path: Path, form: str) -> None:
    (tmp_path / "tables.json").write_text(tables_json(), encoding="utf-8")
    ending = "xlsx" if form == "xlsx" else "csv"
    for language in ("zh", "en"):
        given: list[dict[str, Any]] = [
            {
                "record": {"items": ["sex"], "plain": {"name": f"x.{ending}"}},
                "plain": base64.b64encode(written(rows, form, language)).decode(),
            }
            for rows in (FIRST, SECOND)
        ]
        found = json.loads(run("results.mjs", str(tmp_path / "tables.json"), given=json.dumps(given)))
        assert found["columns"] == [*COLUMNS[:-1], "sex_answer"]
        assert [tuple(row) for row in found["rows"]] == [SECOND[0], FIRST[1], FIRST[2], SECOND[1]]
        assert found["standings"] == ["agrees", "unread", "differs", "differs"]
        assert found["differs"] == [[], [], ["sex_answer"], ["identity"]]


@pytest.mark.parametrize("at", [3, 5])
@pytest.mark.parametrize("unknown", ["an_answer_of_next_year", "明年的答复", ""])
def test_an_answer_that_the_desk_does_not_know_is_never_taken_for_a_yes(tmp_path: Path, at: int, unknown: str) -> None:
    """Of an office that has had a newer version since the desk was made: another desk reads it."""
    (tmp_path / "tables.json").write_text(tables_json(), encoding="utf-8")
    row = ["A", "110105********002X", "张**", "consistent", "", "consistent"]
    row[at] = unknown
    lines = [[column.replace("answer.sex", "sex_answer") for column in COLUMNS], row]
    plain = "\r\n".join(",".join(line) for line in lines)
    given = [
        {"record": {"items": ["sex"], "plain": {"name": "x.csv"}}, "plain": base64.b64encode(plain.encode()).decode()}
    ]
    found = json.loads(run("results.mjs", str(tmp_path / "tables.json"), given=json.dumps(given)))
    assert found["standings"] == ["unread"]
    assert ["新的协作台" in each for (each,) in found["advice"]] == [True]


NUMBERS = ("11010519491231002X", "440524188001010014", "220102199003071227")
MASKED = ("110105********002X", "440524********0014", "220102********1227")


def beside(tmp_path: Path, own: list[list[str]], rows: list[list[str]]) -> list[list[str] | None]:
    (tmp_path / "tables.json").write_text(tables_json(), encoding="utf-8")
    given = {"own": {"codes": ["row_ref", "id_number", "name"], "rows": own}, "rows": rows}
    found: list[list[str] | None] = json.loads(
        run("results.mjs", str(tmp_path / "tables.json"), given=json.dumps(given))
    )
    return found


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("more", [0, 1])
def test_an_answer_never_stands_beside_another_person(tmp_path: Path, hidden: bool, shift: int, more: int) -> None:
    """The list of another month, which counts its rows 1, 2, 3 as well, in the same or another length."""
    own = [[str(at + 1), NUMBERS[(at + shift) % 3], "某"] for at in range(3)]
    own += [[str(at + 4), NUMBERS[at], "某"] for at in range(more)]
    rows = [[str(at + 1), "***" if hidden else MASKED[at], "某*"] for at in range(3)]
    fitting = hidden or not shift
    assert beside(tmp_path, own, rows) == (own[:3] if fitting else [None] * 3)


@pytest.mark.parametrize(
    "written", [" 110105 19491231-002x", "１１０１０５１９４９１２３１００２Ｘ", "110105491231002"]
)
def test_ones_own_row_is_known_however_its_number_was_written(tmp_path: Path, written: str) -> None:
    own = [["1", written, "张三"], ["2", NUMBERS[1], "李四"]]
    assert beside(tmp_path, own, [["2", MASKED[1], "李*"], ["1", MASKED[0], "张*"]]) == [own[1], own[0]]
