"""Whatever a person types as a reason or the number of a letter stands in the register for ever: one rule for all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from exchange.cli import main
from exchange.cli.lazy import COMMANDS
from exchange.demo.world import LEADER, OFFICER, World

TYPED: Final = {"reason", "letter", "note", "why"}
OF_A_TABLE: Final = {("review", "decide"), ("clock", "propose")}
"""Their reason is a code of a table."""
NUMBER: Final = "11010519491231002X"
GIVEN: Final = {"row": "1"}
NOTHING: Final = ("", "  ", "\u3164\u200b")
BAD: Final = dict.fromkeys(NOTHING, "needs a note") | {f"见{NUMBER}": "holds no identity number"}


def typed() -> Iterator[tuple[tuple[str, str], Any, str]]:
    """Each command that asks for such a text, and under which name."""
    for name in COMMANDS:
        top = get_command(import_module(f"exchange.cli.{name}").commands)
        for word, command in (getattr(top, "commands", None) or {"": top}).items():
            for parameter in command.params:
                if parameter.name in TYPED and parameter.required and (name, word) not in OF_A_TABLE:
                    yield (name, word), command, parameter.name


ASKED: Final = list(typed())


def given(command: Any, about: str, text: str) -> list[str]:
    """Arguments that fit in form; nothing of what they name is there."""
    arguments = []
    for parameter in command.params:
        if not parameter.required:
            continue
        value = text if parameter.name == about else GIVEN.get(parameter.name, "court-x.b1-2")
        is_option = parameter.param_type_name == "option"
        arguments += [parameter.opts[0], value] if is_option else [value]
    return arguments


def test_the_commands_are_found() -> None:
    assert {("guard", "release"), ("told", "ask"), ("register", "resume"), ("objection", "open")} <= {
        path for path, _, _ in ASKED
    }


@pytest.mark.parametrize(("path", "command", "about"), ASKED, ids=lambda value: str(value) if value else "")
def test_a_text_that_says_nothing_or_names_a_person_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, path: tuple[str, str], command: Any, about: str
) -> None:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    monkeypatch.setenv("COLUMNS", "400")
    for text, words in BAD.items():
        said = []
        for account in (LEADER, OFFICER):
            for module in [module for name, module in sys.modules.items() if name.startswith("exchange.cli.")]:
                if hasattr(module, "os_user"):
                    monkeypatch.setattr(module, "os_user", lambda account=account: account)
            ended = CliRunner().invoke(main.commands, [*filter(None, path), *given(command, about, text)], input="\n")
            assert ended.exit_code != 0, ended.output
            said.append(ended.output)
        assert any(words in " ".join(each.split()) for each in said), (text, said)
        assert NUMBER not in "".join(said)
