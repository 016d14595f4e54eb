"""What the documents name is there: files that they link to, commands that they give, log lines that they explain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.base.paths import ROOT
from exchange.cli.main import commands

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "vectors" / "README.md",
    ROOT / "tests" / "spec" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
SINGLE = ("due", "schemas", "health", "metrics")
"""Commands that are no group of others."""
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_file_of_the_tree_that_is_named_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:exchange|dags|docker|docs|expectations|schemas|tests)/[\w./-]*)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_make_target_that_is_named_is_one(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"^make ([a-z-]+)", "\n".join(code(document)), re.MULTILINE)
    assert set(named) <= targets


def test_every_place_of_a_word_is_there() -> None:
    """The glossary's last column: a file or folder of the package, or one of the tree."""
    lines = (ROOT / "docs" / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    places = {
        place for line in lines if line.startswith("| ") for place in re.findall(r"`([^`]+)`", line.split("|")[4])
    }
    assert len(places) > 60
    assert [
        each for each in sorted(places) if not any((top / each).exists() for top in (ROOT / "exchange", ROOT))
    ] == []


def documented_commands() -> Iterator[tuple[str, ...]]:
    """``exchange <words>`` as the documents give it: the words that name a command."""
    found = set()
    for document in DOCUMENTS:
        for line in re.findall(r"\bexchange ((?:[a-z][a-z-]* ?)+)", "\n".join(code(document))):
            found.add(tuple(line.split()[:2]))
    yield from sorted(found)


def code(document: Path) -> list[str]:
    """What stands in code spans and ``sh`` blocks."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", text)]


@pytest.mark.parametrize("words", list(documented_commands()), ids=" ".join)
def test_every_command_that_is_given_exists(words: tuple[str, ...]) -> None:
    group = words[:1] if words[0] in SINGLE else words
    assert CliRunner().invoke(commands, [*group, "--help"]).exit_code == 0


def documented_options() -> Iterator[tuple[tuple[str, ...], str]]:
    """``exchange <words> … --option``: the words that name a command, and the option."""
    found = set()
    for document in DOCUMENTS:
        for line in "\n".join(code(document)).splitlines():
            for given in re.split(r"&&|\|\|?|;|；|#|\bexec\b", line):
                words, _, rest = given.partition("exchange ")[2].partition(" -")
                options = re.findall(r"(?:^|\s)(--[a-z][a-z-]+)", f" -{rest}") if rest else []
                found |= {(tuple(re.findall(r"^(?:[a-z-]+ ?)*", words)[0].split()[:2]), each) for each in options}
    yield from sorted(found)


@pytest.mark.parametrize(("words", "option"), list(documented_options()), ids=str)
def test_every_option_that_is_given_exists(words: tuple[str, ...], option: str) -> None:
    group = words[:1] if words[0] in SINGLE else words
    help_text = CliRunner().invoke(commands, [*group, "--help"], env={"COLUMNS": "200"}).output
    assert re.search(rf"{option}\b", help_text)


def test_every_log_line_that_is_explained_can_be_logged() -> None:
    table = OPERATIONS.partition("| 日志 log |")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(quoted) > 8
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "exchange").rglob("*.py"))
    plain = re.sub(r"\{[^}]*\}", "…", source)
    parts = [part.strip(" :") for line in quoted for part in re.split(r"…|<[^>]*>|file:line", line)]
    assert [part for part in parts if len(part) > 3 and part not in plain] == []
