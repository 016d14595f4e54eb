"""A table of ``schemas/`` that was changed wrongly is named with its entry, and ends a command without a stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.base import tables
from exchange.base.errors import Halt
from exchange.cli import lazy
from exchange.cli.main import commands
from exchange.cli.outcome import HALTED

WORDS = 'zh = "请"\nen = "do"\n'
SOUND = f'[[refusal]]\ncode = "one"\n{WORDS}[[refusal]]\ncode = "two"\n{WORDS}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tables, "SCHEMAS", tmp_path)
    tables._load.cache_clear()
    yield tmp_path
    tables._load.cache_clear()


def entries(folder: Path, content: str) -> list[str]:
    (folder / "refusals.toml").write_text(content, encoding="utf-8")
    return list(tables._entries(tables.Sentence, "refusals.toml", "refusal"))


def test_a_sound_table_is_read_in_its_order(folder: Path) -> None:
    assert entries(folder, SOUND) == ["one", "two"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "two"', 'kode = "two"', "number 2.*kode"),
        ('code = "two"', 'code = "two"\nnote = "more"', "number 2.*note"),
        ('code = "two"', "", "number 2.*code"),
        ('code = "two"', 'code = "one"', "stands twice: one"),
        ('code = "two"', "code = two", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(Halt, match=rf"schemas/refusals\.toml: .*{said}"):
        entries(folder, SOUND.replace(old, new))


def test_a_command_that_cannot_read_a_table_says_so_without_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        msg = "schemas/refusals.toml: stands twice: one"
        raise Halt(msg)

    monkeypatch.setattr(lazy, "import_module", broken)
    ended = CliRunner().invoke(commands, ["due", "monthly", "2026-11-23"])
    assert ended.exit_code == HALTED
    assert "refusals.toml" in ended.output
