"""The house rules hold for what is about to land: lint, form, types, the direction of imports, generated files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exchange.base.paths import ROOT

COMMANDS = [
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports",),
    ("exchange", "schemas", "--check"),
]


@pytest.mark.house
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_house_rule(command: tuple[str, ...]) -> None:
    program = Path(sys.executable).with_name(command[0])
    ended = subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
