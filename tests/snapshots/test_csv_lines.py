"""A row of an export is whole, or the export is not read: none is filled up, and none is taken into a cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.base.tables import export_columns
from exchange.snapshots import csv_lines
from exchange.snapshots.csv_lines import check_rows_whole
from exchange.snapshots.exports import scan_export
from exchange.snapshots.offences import build_tables

COLUMNS = 4
HEADER = "a,b,c,d\n"
PIECES = st.sampled_from(["x", "张", '"', '""', ",", "\n", "\r\n", ",,,", " ", '"\n', ',"', '",'])
numbers = st.text(st.sampled_from('x张 ",'), max_size=6).filter(lambda field: field.count(",") < COLUMNS - 1)
texts = st.text(st.sampled_from('x张 "\n\r'), max_size=6)
rows = st.lists(st.tuples(numbers, texts, texts, texts), min_size=1, max_size=8)


def wrong_line(content: str, folder: Path) -> int | None:
    """The line of which it is said that it is no whole row."""
    path = folder / "part.csv"
    path.write_bytes(content.encode())
    try:
        check_rows_whole(path, COLUMNS)
    except Halt as halted:
        said = re.search(r"line ([0-9]+) is", str(halted))
        assert said is not None
        return int(said[1])
    return None


def written(of: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(of)
    return text.getvalue()


def is_whole(content: str) -> bool:
    """The rule, letter by letter."""
    inside = began_inside = False
    separators = in_line = letters = 0
    for letter in content + "\n" * (not content.endswith("\n")):
        if letter == '"':
            inside = not inside
        elif letter == "\n":
            if began_inside and in_line >= COLUMNS - 1:
                return False
            if not inside and separators < COLUMNS - 1 and letters:
                return False
            began_inside, in_line = inside, 0
            if not inside:
                separators = letters = 0
            continue
        in_line += letter == ","
        separators += letter == "," and not inside
        letters += letter != "\r"
    return not inside


@pytest.fixture(params=[300, csv_lines._PIECE], scope="module", autouse=True)
def _in_pieces(request: pytest.FixtureRequest) -> Iterator[None]:
    """However the file is cut, what is said of it is the same; no line here is longer than a piece."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_lines, "_PIECE", request.param)
        yield


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_whatever_is_written_as_csv_is_whole(tmp_path: Path, sound: list[tuple[str, ...]]) -> None:
    assert wrong_line(HEADER + written(sound), tmp_path) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_it_holds_it_is_judged_by_the_rule(tmp_path: Path, text: str) -> None:
    line = wrong_line(HEADER + text, tmp_path)
    if line is None and not is_whole(HEADER + text):  # beside a row of more fields
        with pytest.raises(pl.exceptions.PolarsError):
            pl.scan_csv(tmp_path / "part.csv", infer_schema=False).collect()
    else:
        assert (line is None) == is_whole(HEADER + text)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("1,b,c,d\n2,b,c\n3,b,c,d\n", 3),
        ("1,b,c,d\n2,b\nb,c,d\n3,b,c,d\n", 3),
        ("1,b,c,d\n2,b,c", 3),
        ('1,"b,c,d\n2,b,c,d\n3,b",c,d\n', 3),
        ('1,b,c,d\n2,b,c,"d\n', 4),
        ('1,b,c,d\n2,"b\nb",c,d\n\n\r\n3,,,', None),
    ],
    ids=["a field less", "a line end in a text", "cut off", "rows taken in", "left open", "sound"],
)
def test_the_line_is_named(tmp_path: Path, lines: str, wrong: int | None) -> None:
    assert wrong_line(HEADER + lines, tmp_path) == wrong


SEALED = {
    "id_number": "11010519491231002X", "name": "某", "kind": "drug", "offence_date": "2019-01-01",
    "decided_on": "2020-01-01", "charge": "吸毒", "sealed": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("charge", "is_whole"),
    [("吸毒", True), ('"吸毒\n（见卷）"', True), ("吸毒\n（见卷）", False)],
    ids=["plain", "quoted", "not quoted"],
)
def test_no_line_end_in_a_text_lifts_a_seal(tmp_path: Path, charge: str, is_whole: bool) -> None:
    """The mark stands behind the charge: of a row that ends there it would be gone, and the record told."""
    columns = export_columns("offences")
    row = ",".join((SEALED | {"charge": charge}).get(name, "") for name in columns)
    (tmp_path / "part.csv").write_text(f"{','.join(columns)}\n{row}\n", encoding="utf-8")
    if is_whole:
        tables, _ = build_tables(scan_export(tmp_path, "offences"), date(2026, 11, 23))
        assert tables["records"].num_rows == 0
        return
    with pytest.raises(Halt, match="line 2 ") as halted:
        scan_export(tmp_path, "offences")
    assert not any(text in halted.value.in_both for text in (SEALED["id_number"], "某", "吸毒"))


def test_no_open_quotation_mark_takes_people_out_of_the_register(tmp_path: Path) -> None:
    columns = export_columns("population")
    rows = [",".join([f"{number}", "", "张三", *[""] * (len(columns) - 3)]) for number in range(100)]
    rows[40], rows[60] = rows[40].replace("张三", '"张三'), rows[60].replace("张三", '李四"')
    (tmp_path / "part.csv").write_text("\n".join([",".join(columns), *rows]), encoding="utf-8")
    with pytest.raises(Halt, match="line 43 "):
        scan_export(tmp_path, "population").collect()
