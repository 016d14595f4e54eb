"""``exchange``: the map of the command line."""

from __future__ import annotations

import logging
from importlib.metadata import version

import typer
from rich.logging import RichHandler

from exchange.base import silence
from exchange.cli.lazy import LazyGroup
from exchange.cli.log_lines import ContextFormatter
from exchange.cli.outcome import err, out

commands = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="户籍信息核查交换。设置：EXCHANGE_CONFIG 所指的文件。"
    "退出状态：0 完成，1 不予受理或查出问题，2 命令有误，70 须人工处理，75 稍后再试。\n\n"
    "Verification exchange of the household register. Settings: the file named by EXCHANGE_CONFIG. "
    "Exit codes: 0 done, 1 refused or found, 2 wrong command line, 70 a person must look, 75 try again.",
)


def _tell_version(asked: bool) -> None:
    if asked:
        out.print(version("household-exchange"), markup=False)
        raise typer.Exit


@commands.callback()
def main(
    *,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="说明正在做什么。 Say what is being done."),
    _version: bool = typer.Option(
        False, "--version", help="本程序的版本。 Which version this is.", callback=_tell_version, is_eager=True
    ),
) -> None:
    """Set up logging to standard error; nothing else speaks."""
    silence.install()
    level = logging.INFO if verbose else logging.WARNING
    handler = RichHandler(console=err, show_path=False)
    handler.setFormatter(ContextFormatter("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
