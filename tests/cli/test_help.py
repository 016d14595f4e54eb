"""What ``--help`` and commands print is Chinese with English beside; help is whole at 80 columns, a language a line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import exchange.cli
from exchange.cli.lazy import COMMANDS
from exchange.cli.main import commands
from exchange.cli.two_languages import languages

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
            if parameter.name != "help":
                yield f"{name} {word} {parameter.name}", getattr(parameter, "help", None) or ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_word_of_help_is_in_chinese_and_english(name: str) -> None:
    told = dict(helps(name))
    assert len(told) > 1
    assert [what for what, text in told.items() if not BOTH.search(text)] == []


def test_each_command_of_the_map_has_one_line_at_eighty_columns() -> None:
    lines = [line.strip("│| ") for line in help_of().splitlines()]
    assert [name for name, sentence in COMMANDS.items() if f"{name} {sentence}" not in map(_plain, lines)] == []


@cache
def help_of(*words: str) -> str:
    """The help of a command at eighty columns."""
    return CliRunner().invoke(commands, [*words, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output


def below(name: str) -> dict[str, str]:
    """The commands below one of the map → the first sentence of each."""
    top = get_command(import_module(f"exchange.cli.{name}").commands)
    return {
        word: " ".join((command.help or "").split("\n\n")[0].split())
        for word, command in getattr(top, "commands", {}).items()
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_of_commands_gives_each_language_a_line_of_eighty_columns(name: str) -> None:
    lines = [line.strip("│ ") for line in help_of(name).splitlines()]
    listed = set(zip(map(_plain, lines), lines[1:], strict=False))
    assert [
        word
        for word, sentence in below(name).items()
        if (f"{word} {languages(sentence)[0]}", languages(sentence)[-1]) not in listed
    ] == []


EVERY = [(name, *more) for name in COMMANDS for more in ((), *((w,) for w in below(name)))]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_help_is_cut_off_at_eighty_columns(words: tuple[str, ...]) -> None:
    texts = "".join(text for what, text in helps(words[0]) if what.startswith(" ".join(words)))
    assert help_of(*words).count("…") <= texts.count("…")


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_help_loses_what_stands_in_brackets_or_tells_how_a_program_reads_a_time(words: tuple[str, ...]) -> None:
    own = [(what.split(), text) for what, text in helps(words[0])]
    told = [text for what, text in own if what[: len(words)] == [*words] and len(what) <= len(words) + 1]
    shown = re.sub(r"[│\s]", "", help_of(*words))
    assert [each for text in told for each in re.findall(r"\[[a-z]+\]", text) if each not in shown] == []
    assert "%Y" not in shown


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_every_option_begins_in_chinese_those_that_typer_adds_too(words: tuple[str, ...]) -> None:
    options = [line for line in help_of(*words).splitlines() if line.strip("│ *").startswith("--")]
    assert any(line.strip("│ ").startswith("--help") for line in options)
    assert [line for line in options if not re.search(r"[\u4e00-\u9fff]", line)] == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_what_typer_adds_stands_on_a_line_of_its_own_and_in_chinese_too(words: tuple[str, ...]) -> None:
    lines = [line.strip("│ ") for line in help_of(*words).splitlines()]
    added = [line for line in lines if "[required]" in line or "[default" in line]
    assert [line for line in added if not re.fullmatch(r"\[required\]|\[default: [^\]]+\]", line)] == []
    assert len([line for line in lines if line.endswith("（必填）")]) == added.count("[required]")
    assert [line for line in added if line[0:9] == "[default:" and f"缺省 {line[10:-1]}" not in lines] == []
    titles = [line for line in help_of(*words).splitlines() if line.startswith("╭")]
    assert titles
    assert [line for line in titles if not re.match(r"╭─ [\u4e00-\u9fff]+ [A-Z]", line)] == []


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("收件。 Collect.", ("收件。", "Collect.")),
        ("不经 Airflow。 Without Airflow.", ("不经 Airflow。", "Without Airflow.")),
        ("权限 0600。 the key, 0600", ("权限 0600。", "the key, 0600")),
        ("部门代号 the partner's id", ("部门代号", "the partner's id")),
        ("一个 JSON 对象 one JSON object", ("一个 JSON 对象", "one JSON object")),
        ("见“校验”。 as it says under 校验", ("见“校验”。", "as it says under 校验")),
        ("Collect.", ("Collect.",)),
    ],
)
def test_english_begins_behind_the_last_chinese(text: str, both: tuple[str, ...]) -> None:
    assert languages(text) == both


def test_a_shell_completes_with_sentences_of_one_line() -> None:
    asked = {"_EXCHANGE_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "exchange batch "}
    told = CliRunner().invoke(commands, [], env=asked, prog_name="exchange").output
    assert '"collect":"各部门目录收件一次，列出待办理的批次。 Look once' in told


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


def complaints(path: Path) -> Iterator[str]:
    """What a module says of a command line that is wrong."""
    for block in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(body := getattr(block, "body", None), list):
            continue
        for before, raised in zip([None, *body], body, strict=False):
            if isinstance(raised, ast.Raise) and "BadParameter" in ast.unparse(raised):
                said = [before, raised] if isinstance(before, ast.Assign) else [raised]
                parts = [each.value for node in said for each in ast.walk(node) if isinstance(each, ast.Constant)]
                yield "".join(each for each in parts if isinstance(each, str))


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - FOR_DEVELOPERS))
def test_every_complaint_about_a_command_line_begins_in_chinese_with_english_beside(name: str) -> None:
    told = [*complaints(Path(exchange.cli.__path__[0], f"{name}.py"))]
    assert [text for text in told if not re.match(r"[^ ]*[\u4e00-\u9fff].* [A-Za-z]", text)] == []
