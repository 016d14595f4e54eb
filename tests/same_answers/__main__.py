"""``make same-answers OLD=<commit>``: the same sets, answered by an earlier commit and by this tree; what differs.

    python -m tests.same_answers COMMIT

Exports, sets and the office's keys are made once, by this tree. Prints a line for each result that has the same bytes,
and for each other one its cells that differ, by column and codes; status 1 where one differs.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl

from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from tests.same_answers import asked

ANSWER = Path(__file__).with_name("answer.py")
OF_CODES = ("_answer", "核查结果", "note", "说明", "identity")


def main(commit: str) -> int:
    with tempfile.TemporaryDirectory(prefix="same-answers-") as folder:
        place = Path(folder)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
            tree.extractall(place / "old", filter="data")
        asked.write(make_folder(place / "sets"))
        for name, root in (("before", place / "old"), ("now", ROOT)):
            environment = os.environ | {"PYTHONPATH": str(root)}
            command = [sys.executable, "-W", "ignore", str(ANSWER), str(place / "sets"), str(make_folder(place / name))]
            subprocess.run(command, cwd=root, env=environment, check=True)
        return int(compare(place / "before", place / "now"))


def compare(before: Path, now: Path) -> bool:
    """Whether anything differs."""
    names = sorted({path.name for folder in (before, now) for path in folder.iterdir()})
    differing = [name for name in names if not _is_same(before / name, now / name)]
    for name in names:
        sys.stdout.write(f"{name}: {'differs' if name in differing else 'the same'}\n")
        for line in _differences(before / name, now / name) if name in differing else ():
            sys.stdout.write(f"  {line}\n")
    return bool(differing)


def _differences(before: Path, now: Path) -> list[str]:
    if not (before.exists() and now.exists()):
        return [f"there {'before' if before.exists() else 'now'} alone"]
    if before.suffix not in (".csv", ".xlsx"):
        return []
    cells = _cells(_read(before), _read(now))
    return [f"{column}: {old} → {new}: {rows} rows" for (column, old, new), rows in sorted(cells.items())]


def _is_same(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return False
    if one.suffix == ".xlsx":  # a ZIP file holds when it was made
        return _read(one).equals(_read(other))
    return one.read_bytes() == other.read_bytes()


def _read(path: Path) -> pl.DataFrame:
    if path.suffix == ".xlsx":
        return pl.read_excel(path, engine="openpyxl", infer_schema_length=0)
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError:
        text = text.decode("gb18030").encode()
    return pl.read_csv(text, infer_schema=False)


def _cells(before: pl.DataFrame, now: pl.DataFrame) -> Counter[tuple[str, str, str]]:
    """(column, before, now) → rows; of columns that do not hold codes only that they differ."""
    found: Counter[tuple[str, str, str]] = Counter()
    if before.columns != now.columns or before.height != now.height:
        return Counter({("columns or rows", str(before.shape), str(now.shape)): 1})
    for column in before.columns:
        told = column.endswith(OF_CODES)
        for old, new in zip(before[column], now[column], strict=True):
            if old != new:
                found[column, str(old) if told else "…", str(new) if told else "…"] += 1
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
