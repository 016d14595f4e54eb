"""How a command ends: one place maps errors to exit codes and to a sentence that says what to do.

0   done
1   the request was refused, or a check found something: the output says what
2   the command line is wrong (typer's own)
70  a person must look (Halt)
75  in the way for now; run the same command again (Retryable)
130 interrupted (Ctrl-C)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console

from exchange.base.errors import ExchangeError, Halt, Refused, Retryable, without_values
from exchange.base.silence import native_code_muted
from exchange.cli.terminal import was_interrupted

FOUND: Final = 1
HALTED: Final = 70
TRY_AGAIN: Final = 75
INTERRUPTED: Final = 130

_WRONG_COMMAND_LINE: Final = typer.BadParameter.__mro__[2]
"""Of all complaints about a command line; typer does not export it."""

_PIPED_WIDTH: Final = 160


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


@contextmanager
def outcome() -> Iterator[None]:
    """Runs a command's body; an error of the exchange ends the process with its code, and without a stack. One that
    nobody foresaw is for a person, told by kind and place. People who work here are told by their names.
    """
    try:
        with native_code_muted(), without_values(typer.Exit, typer.Abort, _WRONG_COMMAND_LINE), _interruption():
            yield
    except Refused as error:
        # not above: a table that cannot be read is told as any other error
        from exchange.base.tables import REFUSALS  # noqa: PLC0415

        words = REFUSALS[error.code]
        err.print(f"不予受理 Refused: {words.code}: {words.zh} / {words.en}", markup=False)
        raise typer.Exit(FOUND) from None
    except Retryable as error:
        err.print(f"请稍后再试 Try again: {_with_names(error.in_both)}", markup=False)
        raise typer.Exit(TRY_AGAIN) from None
    except Halt as error:
        err.print(f"须人工处理 A person must look: {_with_names(error.in_both)}", markup=False)
        raise typer.Exit(HALTED) from None


@contextmanager
def _interruption() -> Iterator[None]:
    """Ends the process where Ctrl-C was pressed, whatever error a library made of it; what is done stays done."""
    try:
        yield
    except typer.Exit:
        raise
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt) and not was_interrupted():
            raise
        err.print("已中断，再执行同一命令即可 Interrupted; the same command may be run again", markup=False)
        raise typer.Exit(INTERRUPTED) from None


def _with_names(message: str) -> str:
    """The message with people's names beside their ids, where there are settings that name them."""
    from exchange.review.people import with_names  # noqa: PLC0415
    from exchange.settings import Settings  # noqa: PLC0415

    try:
        return with_names(Settings.load(), message)
    except (ExchangeError, OSError):
        return message
