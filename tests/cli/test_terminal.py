"""Ctrl-C in a command, and a terminal whose encoding has not all characters: a sentence, an exit code, no trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import typer

from exchange.base.errors import Halt, Retryable
from exchange.cli.outcome import INTERRUPTED, outcome
from exchange.cli.terminal import was_interrupted, watch_interruptions

SENTENCE = "已中断，再执行同一命令即可 Interrupted; the same command may be run again"


def passed_on() -> None:
    """As most of Python does it."""
    signal.raise_signal(signal.SIGINT)


def turned(into: Exception) -> Callable[[], None]:
    """As pydantic does while it makes a model, or a step around it."""

    def turn() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise into from error

    return turn


def dropped() -> None:
    """As a destructor does; what was interrupted there is missing afterwards."""
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    raise AttributeError


@pytest.fixture(autouse=True)
def _a_terminal_of_its_own() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    watch_interruptions()
    yield
    signal.signal(signal.SIGINT, before)
    watch_interruptions()


@pytest.mark.parametrize(
    "work", [passed_on, turned(TypeError("x")), turned(Halt("x", zh="某事")), turned(Retryable("x")), dropped]
)
def test_an_interruption_is_told_as_one(work: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, outcome():
        work()
    assert ended.value.exit_code == INTERRUPTED
    assert " ".join(capsys.readouterr().err.split()) == SENTENCE


def test_what_was_not_interrupted_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    passed = pytest.raises(KeyboardInterrupt)
    with passed:
        signal.raise_signal(signal.SIGINT)
    watch_interruptions()  # another command
    assert not was_interrupted()
    with pytest.raises(typer.Exit) as ended, outcome():
        raise AttributeError
    assert ended.value.exit_code == 70
    assert "程序出错" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["latin-1", "gb2312"])
@pytest.mark.parametrize("arguments", [("--help",), ("due", "monthly", "2026-09-28"), ("due", "x", "y")])
def test_no_terminal_is_too_poor(arguments: tuple[str, ...], encoding: str) -> None:
    program = "from exchange.cli.main import commands; commands(prog_name='exchange')"
    environment = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, check=False
    )
    assert done.returncode == (0 if "y" not in arguments else 2)
    assert b"Traceback" not in done.stderr
    assert b"UnicodeEncodeError" not in done.stdout + done.stderr
