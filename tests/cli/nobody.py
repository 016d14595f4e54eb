"""``python -m tests.cli.nobody SETTINGS FILE …``: every command of ``exchange`` with arguments that could be right, as
an account that may read none of the office's files; prints a JSON list of arguments, exit code and what was printed.
Each command that takes a file is tried with each of these.

Rule: everything is imported before the account changes, as the interpreter itself may lie where that may not look.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from typer.main import get_command

import exchange
from exchange.cli.lazy import COMMANDS
from exchange.cli.main import commands

NOBODY: Final = 65534
NOT_TRIED: Final = frozenset({"demo", "office"})
"""Makes a world of its own; asks at a prompt."""
_GIVEN: Final = {
    "batch": "court.a", "batch_id": "court.a", "release": "court.a.release-1", "partner": "court", "row": "1",
    "source": "population", "cycle": "monthly", "received": "2026-11-22", "as_of": "2026-11-22",
    "begins": "2026-12-05 20:00", "ends": "2026-12-05 22:00", "number": "1", "question": "1",
}  # fmt: skip
"""Parameter → what is given; a short text to all others."""
_FILES: Final = frozenset({"file", "folder", "to", "out_file", "export", "request", "data"})


def calls(command: Any, path: tuple[str, ...], file: str) -> Iterator[list[str]]:
    """The command with all that it requires, or each of the group's."""
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from calls(each, (*path, name), file)
        return
    given = list(path)
    for each in command.params:
        if each.required:
            value = file if each.name in _FILES else _GIVEN.get(each.name, "x")
            given += [max(each.opts, key=len), value] if each.opts[0].startswith("-") else [value]
    yield given


def as_nobody(arguments: list[str]) -> tuple[int, str]:
    """How it ends in a process of that account."""
    ours, its = os.pipe()
    if not (process := os.fork()):
        for stream in (1, 2):
            os.dup2(its, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.chdir("/")
        code: Any = 0
        try:
            commands(arguments, prog_name="exchange")
        except SystemExit as end:
            code = end.code or 0
        except BaseException as error:  # what would be a trace on somebody's screen
            sys.stderr.write(f"Traceback {error!r}\n")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
    os.close(its)
    with os.fdopen(ours, "rb") as read:
        printed = read.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), printed


def main(settings: str, *files: str) -> None:
    for module in pkgutil.walk_packages(exchange.__path__, "exchange."):
        if ".migrations" not in module.name:
            with suppress(ImportError):
                import_module(module.name)
    for name in ("msoffcrypto.format.ooxml", "rich.status", "rich.markup", "getpass", "_strptime"):
        import_module(name)
    os.environ |= {"EXCHANGE_CONFIG": settings, "HOME": "/nonexistent", "COLUMNS": "200"}
    found = []
    for name in COMMANDS.keys() - NOT_TRIED:
        group = get_command(import_module(f"exchange.cli.{name}").commands)
        tried = {tuple(each): each for file in files for each in calls(group, (name,), file)}
        found += [(each, *as_nobody(each)) for each in tried.values()]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
