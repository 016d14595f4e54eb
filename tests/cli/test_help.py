"""What ``--help`` and commands print is Chinese with English beside, as all that operators read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import exchange.cli
from exchange.cli.lazy import COMMANDS
from exchange.cli.main import commands

BOTH = re.compile(r"[\u4e00-\u9fff].*[A-Za-z]", re.DOTALL)
SENTENCE = re.compile(r"[A-Za-z]{3,},? [a-z]{2,}")
PRINTS = {"out.print", "err.print", "err.status"}
FOR_DEVELOPERS = {"demo", "schemas"}


def helps(name: str) -> Iterator[tuple[str, str]]:
    """Of a command of the map and of those below it: what is explained → the words."""
    yield name, COMMANDS[name]
    top = get_command(import_module(f"exchange.cli.{name}").commands)
    below = getattr(top, "commands", None) or {"": top}
    for word, command in {"": top, **below}.items() if top.params else below.items():
        yield f"{name} {word}", command.help or COMMANDS[name]
        for parameter in command.params:
            if (text := getattr(parameter, "help", None)) and parameter.name != "help":
                yield f"{name} {word} {parameter.name}", text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_word_of_help_is_in_chinese_and_english(name: str) -> None:
    told = dict(helps(name))
    assert len(told) > 1
    assert [what for what, text in told.items() if not BOTH.search(text)] == []


def test_each_command_of_the_map_has_one_line_at_eighty_columns() -> None:
    printed = CliRunner().invoke(commands, ["--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output
    lines = [line.strip("│| ") for line in printed.splitlines()]
    assert [name for name, sentence in COMMANDS.items() if f"{name} {sentence}" not in map(_plain, lines)] == []


def _plain(line: str) -> str:
    """Blanks between the name and its sentence as one; those within the sentence stay."""
    name, _, sentence = line.partition(" ")
    return f"{name} {sentence.strip()}"


def printed(path: Path) -> Iterator[str]:
    """What stands in the texts that a module prints, or shows while it works."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS and node.args:
            parts = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
            yield "".join(each for each in parts if isinstance(each, str))


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - FOR_DEVELOPERS))
def test_every_sentence_that_a_command_prints_is_in_chinese_and_english(name: str) -> None:
    """But for a command to be typed, which is neither."""
    told = [text for text in printed(Path(exchange.cli.__path__[0], f"{name}.py")) if not text.startswith("exchange ")]
    assert [text for text in told if SENTENCE.search(text) and not BOTH.search(text)] == []
