"""Lists at the terminal: nothing is cut at 80 columns, machines get every cell, and completion knows the commands."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from exchange.cli import listing
from exchange.cli.listing import show

COLUMNS = {"batch": "批次 batch", "why": "原因 why", "state": "状态 state", "due": "时限 due"}
LINES = [
    (
        f"social-security-yanbian.2026-half-yearly-{number:04}",
        "身份存疑、重号或重户；退回：依据不足",
        "open",
        "2026-11-27",
    )
    for number in range(3)
]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(listing, "out", Console(file=written, width=80, highlight=False))
    return written


def columns_of(text: str) -> list[str]:
    """What stands in each column, its folded lines put together."""
    rows = [line.split("│") for line in text.splitlines() if "│" in line]
    return ["".join(cells[place].strip() for cells in rows) for place in range(1, len(rows[0]))]


def test_nothing_is_cut_at_80_columns(printed: io.StringIO) -> None:
    show(COLUMNS, LINES, "none", as_json=False, as_csv=False)
    text = printed.getvalue()
    assert max(Console().measure(line).maximum for line in text.splitlines()) <= 80
    assert "…" not in text
    assert text.count("2026-11-27") == len(LINES), "a day is on one line"
    found = columns_of(text)
    for place, column in enumerate(zip(*LINES, strict=True)):
        for cell in column:
            assert cell in found[place]


def test_machines_get_every_cell(printed: io.StringIO) -> None:
    show(COLUMNS, LINES, "none", as_json=True, as_csv=False)
    assert [tuple(each.values()) for each in json.loads(printed.getvalue())] == LINES
    printed.truncate(0)
    printed.seek(0)
    show(COLUMNS, LINES, "none", as_json=False, as_csv=True)
    assert [tuple(line) for line in csv.reader(io.StringIO(printed.getvalue()))] == [tuple(COLUMNS), *LINES]


@pytest.mark.parametrize(("as_json", "as_csv", "said"), [(False, False, "none\n"), (True, False, "[]\n")])
def test_nothing_is_said_as_such(printed: io.StringIO, as_json: bool, as_csv: bool, said: str) -> None:
    show(COLUMNS, [], "none", as_json=as_json, as_csv=as_csv)
    assert printed.getvalue() == said


def test_a_shell_completes_commands_of_a_group_and_their_options() -> None:
    program = (
        "import sys; sys.argv[0] = 'exchange'; from exchange.cli.main import commands; commands(prog_name='exchange')"
    )
    asked = {"_EXCHANGE_COMPLETE": "complete_bash", "COMP_WORDS": "exchange release list --j", "COMP_CWORD": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | asked,
    )
    assert ended.stdout.split() == ["--json"]
