"""An officer with an account on the machine and no right to any file of the office (README, *Command line*)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.base.files import make_folder
from exchange.base.paths import ROOT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another account")
def test_every_command_says_what_to_do(tmp_path: Path) -> None:
    """Of a file that is there, and of one that is not."""
    office = make_folder(tmp_path / "office")  # 0700
    (office / "exchange.toml").write_text('office = "x"\n', encoding="utf-8")
    files = [tmp_path / "given.xlsx", tmp_path / "lacking.xlsx"]
    files[0].write_text("x", encoding="utf-8")
    command = [sys.executable, "-m", "tests.cli.nobody", str(office / "exchange.toml"), *map(str, files)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    found = json.loads(ended.stdout)
    assert len(found) > 80
    assert all(any(str(file) in arguments for arguments, _, _ in found) for file in files)
    halted = [printed for _, code, printed in found if code == 70]
    assert len(halted) > 70
    assert [arguments for arguments, code, _ in found if code not in (2, 70)] == []
    for arguments, _, printed in found:
        assert "Traceback" not in printed, arguments
    at_the_door = [printed for printed in halted if "exchange.toml" in printed]
    assert len(at_the_door) > 60
    assert all("日常请在网页办理" in printed for printed in at_the_door)
