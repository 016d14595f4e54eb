"""The map of the command line is quick because it imports nothing that only a command needs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

import exchange.cli
from exchange.cli.lazy import COMMANDS
from exchange.cli.main import commands

HEAVY = {"polars", "numpy", "pandas", "pyarrow", "sqlalchemy", "alembic", "paramiko", "pydantic", "great_expectations"}
OURS = {"exchange.app", "exchange.pipeline", "exchange.agreements.agreement", "exchange.settings"}


def imported_by(*arguments: str) -> set[str]:
    """The modules that a run of ``exchange`` with these arguments has imported when it ends."""
    program = (
        "import atexit, sys; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr));"
        "from exchange.cli.main import commands; commands()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return set(ended.stderr.split())


def test_help_imports_nothing_that_a_command_needs() -> None:
    found = imported_by("--help")
    assert "exchange.cli.main" in found
    assert found & (HEAVY | OURS) == set()
    assert {name for name in found if name.startswith("exchange.cli.")} == {
        "exchange.cli.main",
        "exchange.cli.lazy",
        "exchange.cli.log_lines",
        "exchange.cli.outcome",
        "exchange.cli.terminal",
        "exchange.cli.two_languages",
    }


def test_a_command_imports_its_own_module_alone() -> None:
    found = imported_by("due", "monthly", "2026-09-28")
    assert "exchange.cli.due" in found
    assert "exchange.cli.batch" not in found
    assert found & {"polars", "sqlalchemy", "paramiko"} == set()


def test_the_table_names_every_command_and_no_other() -> None:
    modules = {path.stem for path in Path(exchange.cli.__path__[0]).glob("*.py")}
    assert set(COMMANDS) == modules - {
        "__init__",
        "main",
        "lazy",
        "log_lines",
        "outcome",
        "show",
        "listing",
        "terminal",
        "two_languages",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_is_for(name: str) -> None:
    ended = CliRunner().invoke(commands, [name, "--help"])
    printed = " ".join(ended.stdout.split())
    assert ended.exit_code == 0
    assert f"Usage: root {name} " in printed
    assert COMMANDS[name].split()[0] in printed, "its help and its sentence in COMMANDS are not the same"


def test_an_unknown_command_ends_as_a_wrong_command_line() -> None:
    ended = CliRunner().invoke(commands, ["revew"])
    assert ended.exit_code == 2
    assert "review" in ended.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_of_commands_shows_each_in_a_sentence_of_its_own(name: str) -> None:
    """A sentence over two lines is printed over two, wherever they end."""
    group = import_module(f"exchange.cli.{name}").commands
    first = {each.callback.__name__: (each.callback.__doc__ or "").strip() for each in group.registered_commands}
    assert [word for word, text in first.items() if not text or "\n" in text.partition("\n\n")[0]] == []
