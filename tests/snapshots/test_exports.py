"""An export's columns: those that may be absent, and those that may not."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from exchange.base.errors import Halt
from exchange.base.tables import SourceTable, absent_columns, export_columns
from exchange.snapshots.exports import scan_export

COLUMNS = export_columns("offences")


def export(folder: Path, columns: list[str]) -> Path:
    pl.DataFrame({name: [name] for name in columns}).write_csv(folder / "part-000.csv")
    return folder


@pytest.mark.parametrize("left_out", COLUMNS)
def test_a_column_is_there_or_may_be_absent(left_out: str, tmp_path: Path) -> None:
    folder = export(tmp_path, [name for name in COLUMNS if name != left_out])
    if left_out in absent_columns("offences"):
        row = scan_export(folder, "offences").collect().row(0, named=True)
        assert row == {name: "" if name == left_out else name for name in COLUMNS}
    else:
        with pytest.raises(Halt, match=left_out):
            scan_export(folder, "offences")


def test_a_column_of_another_name_is_too_many(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="remark"):
        scan_export(export(tmp_path, [*COLUMNS, "remark"]), "offences")


PERSON = ["220102198507149216", "欧阳彧晟", "19850714", "欧阳彧晟", "chuanqi lu 3", "Ouyang", "ouyang"]


@pytest.mark.parametrize("table", ["population", "offences", "events"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("known", [0, 1, 2, 99], ids=["no header", "one word", "two words", "a header"])
def test_what_stands_where_a_header_should_is_told_by_its_place(
    tmp_path: Path, table: SourceTable, kind: str, known: int
) -> None:
    """An export that was written without its header begins with a person; so does a column too many of one."""
    columns = export_columns(table)
    first = [*columns[:known], *[f"{word}{number}" for number, word in enumerate(PERSON)]]
    frame = pl.DataFrame({name: ["x"] for name in first})
    frame.write_csv(tmp_path / "p.csv") if kind == "csv" else frame.write_parquet(tmp_path / "p.parquet")
    with pytest.raises(Halt, match="columns missing or too many") as halted:
        scan_export(tmp_path, table)
    said = halted.value.in_both.replace(str(tmp_path), "")
    assert [word for word in PERSON if word in said] == []
    assert f"#{len(first)}" in said
    assert ("no header" in said) == (known < len(columns))


def test_a_plain_word_is_not_told_either_where_the_first_line_is_a_row(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="no header") as halted:
        scan_export(export(tmp_path, ["ouyang", "remark"]), "offences")
    assert "ouyang" not in str(halted.value)


JUDGMENT = ["judgment", "2019-05-05", "2020-02-01", "2020-03-01", "6", "盗窃罪", "no", "", "", ""]
ROW = ["220102198003071230", "王强", *JUDGMENT]
SOUND = "\n".join([",".join(COLUMNS), *[",".join(ROW)] * 4]) + "\n"
LINES = SOUND.splitlines()


def with_lines(folder: Path, *lines: str) -> Path:
    (folder / "part.csv").write_bytes("\n".join([*lines, ""]).encode())
    return folder


def test_a_row_that_ends_early_halts_wherever_it_is_cut(tmp_path: Path) -> None:
    """Else a judgment without the fields behind would be one under appeal, and its person without a record."""
    last = LINES[-1]
    for end in range(1, len(last)):
        whole = last[:end].count(",") == last.count(",")
        folder = with_lines(tmp_path, *LINES[:-1], last[:end])
        if whole:
            assert scan_export(folder, "offences").collect().height == 4
        else:
            with pytest.raises(Halt, match="line 5 is no whole row"):
                scan_export(folder, "offences")


@pytest.mark.parametrize("column", range(len(COLUMNS)))
@pytest.mark.parametrize("swallowed", [1, 2, 3])
def test_a_quote_that_is_not_closed_takes_no_rows_in(tmp_path: Path, column: int, swallowed: int) -> None:
    """One field begins with a quote, and a later one ends with one: nobody's row may vanish in between."""
    first, last = [*ROW], [*ROW]
    first[column], last[column] = f'"{ROW[column]}', f'{ROW[column]}"'
    rows = [first, *[ROW] * (swallowed - 1), last, ROW]
    folder = with_lines(tmp_path, LINES[0], *[",".join(row) for row in rows])
    with pytest.raises(Halt, match="no whole row") as halted:
        scan_export(folder, "offences")
    assert not any(text and text in str(halted.value) for text in ROW[:2])


@pytest.mark.parametrize("line", ['"王"强', '王"强', '"王', '""王"'])
def test_quotes_that_do_not_fit_halt(tmp_path: Path, line: str) -> None:
    folder = with_lines(tmp_path, *LINES[:3], ",".join([ROW[0], line, *ROW[2:]]), *LINES[3:])
    with pytest.raises((Halt, pl.exceptions.PolarsError)):
        scan_export(folder, "offences").collect()


@pytest.mark.parametrize("name", ["王，强", "王,强", '王"强', "王\n强", "王\r\n强", "王,\n强", "", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_what_is_quoted_as_it_should_be_is_read(tmp_path: Path, name: str, end: str) -> None:
    """Commas, quotes and line breaks in a field, blank lines, Windows' line ends, a mark of UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([COLUMNS, ROW, [ROW[0], name, *ROW[2:]], ROW])
    (tmp_path / "part.csv").write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    names = scan_export(tmp_path, "offences").collect().filter(pl.col("id_number") != "")["name"].to_list()
    assert names == ["王强", name.strip(), "王强"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_another_encoding_halts(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "part.csv").write_bytes(SOUND.encode(encoding))
    with pytest.raises(Halt, match=r"UTF-8|columns"):
        scan_export(tmp_path, "offences").collect()
