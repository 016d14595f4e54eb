"""An export's columns: those that may be absent, and those that may not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from exchange.base.errors import Halt
from exchange.base.tables import absent_columns, export_columns
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
