"""Where a month's reports lie: ``home/reports/YYYY-MM/``, for the office and for outside a page and a workbook each."""

from __future__ import annotations

from pathlib import Path

from exchange.supervision.month import Month

KINDS = (False, True)
"""For the office, for outside."""


def report_files(home: Path, month: Month, *, outside: bool) -> tuple[Path, Path]:
    """The page and the workbook of a kind."""
    folder, stem = home / "reports" / month.name, f"{month.name}.outside" if outside else month.name
    return folder / f"{stem}.html", folder / f"{stem}.xlsx"


def is_written(home: Path, month: Month) -> bool:
    """Whether both kinds of the month's report are there."""
    return all(file.is_file() for kind in KINDS for file in report_files(home, month, outside=kind))
