"""The desk's code under node: one process, fed all cases at once."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from exchange.base.paths import ROOT
from exchange.desk.tables import desk_tables

DESK: Final = ROOT / "desk"
SECONDS: Final = 300


def node() -> str:
    """The program; skips where it or the desk's packages are not installed (``make desk-packages``)."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed: apt-get install nodejs npm")
    if not (DESK / "node_modules").is_dir():
        pytest.skip("the desk's packages are not installed: make desk-packages")
    return found


def run(script: str, *arguments: str, given: str = "") -> str:
    """What a script of ``desk/test`` prints."""
    command = [node(), str(DESK / "test" / script), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@cache
def tables_json() -> str:
    return json.dumps(desk_tables(), ensure_ascii=False)


def checked(place: Path, cases: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the desk says of itself, and of each case: ``data`` (bytes) and what is asked of it."""
    tables = place / "tables.json"
    tables.write_text(tables_json(), encoding="utf-8")
    lines = [json.dumps({**case, "data": base64.b64encode(case["data"]).decode()}) for case in cases]
    said, *found = run("check.mjs", str(tables), given="\n".join(lines) + "\n").splitlines()
    return json.loads(said), [json.loads(line) for line in found]
