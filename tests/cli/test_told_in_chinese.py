"""What stops a command that was typed is said in Chinese with English beside: a rule over what commands call first."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from tests.pages.test_told_in_chinese import has_chinese, stops

PACKAGE = ROOT / "exchange"
ROOMS = ("cli", "desk", "operation", "status")
BESIDE = (
    "calendar/deadlines.py", "demo/province/published.py", "retention.py", "steps/telling.py",
    "supervision/month.py", "wire/connection.py", "wire/sftp.py", "wire/transport.py", "wire/trial.py",
)  # fmt: skip
"""What commands give a word or a file that was typed to."""
FILES = sorted(
    {*(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")), *(PACKAGE / name for name in BESIDE)}
)


def is_sentence(call: ast.Call) -> bool:
    """Whether the message is written there, and not of troubles that are told as they came."""
    return isinstance(call.args[0], ast.Name | ast.Constant | ast.JoinedStr)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_stop_is_told_in_chinese(path: Path) -> None:
    for call in filter(is_sentence, stops(ast.parse(path.read_text(encoding="utf-8")))):
        assert has_chinese(call), f"line {call.lineno}"


def test_the_rule_finds_something() -> None:
    assert sum(len(list(stops(ast.parse(path.read_text(encoding="utf-8"))))) for path in FILES) > 30
