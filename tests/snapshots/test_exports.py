"""An export's columns: those that may be absent, and those that may not."""

from __future__ import annotations

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
