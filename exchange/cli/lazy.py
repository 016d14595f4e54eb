"""Commands that are imported when they are run: ``--help`` reads their names and sentences from a table.

Rules
- A command stands in the module of its name in this package, which holds it as ``commands``.
- The sentence that the map shows stands in the table: asking the module for it would import what the command needs
  (0.1 s beside 2.4 s).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from exchange.cli.outcome import outcome

COMMANDS: Final[Mapping[str, str]] = {
    "request": "Check a request file as the intake would; nothing is taken.",
    "batch": "Collect request sets and run batches without Airflow.",
    "register": "The register of all batches: list, show, verify.",
    "witness": "For another organ: cosign the checkpoints of an office's register.",
    "review": "Rows that need an officer: list, show, decide, work lists.",
    "objection": "A second look at a row, opened in the stead of the person asked about.",
    "guard": "Results held against fishing: list, release, refuse.",
    "told": "Who was told about a person: ask, confirm, withhold, rekey.",
    "clock": "Stop and start the clock of a batch, with who and why.",
    "deadline": "Due days: watch, count again, list the alerts.",
    "release": "Supplementary results, after the first: propose, approve, send.",
    "report": "The monthly report, for the office and for outside.",
    "office": "Set up a new office: keys, settings, databases.",
    "backup": "Encrypted backups of what cannot be made again: make, list, verify.",
    "restore": "Bring an office back from a backup: files, databases.",
    "health": "Say what is wrong with this installation: database, disk, snapshots, duties, clock.",
    "metrics": "Print this installation's figures in Prometheus' text format.",
    "retention": "Destroy what is past its retention period; hold a batch.",
    "province": "The invented province of the test lane: make, install.",
    "snapshot": "Build, list and prune snapshots of the sources.",
    "partner": "Check agreements, try a server, write a template.",
    "notice": "Tell all partners of maintenance, in their status files.",
    "keys": "Make and show the office's keys and certificates.",
    "schemas": "Write or check the files generated from the code.",
    "demo": "A whole world on this machine: run, up, down.",
    "expected": "The sets that agreements expect, and those that have not come.",
    "supervise": "What is late, due today or at risk, whom it waits for, and which files are missing.",
    "due": "Print when a request of a cycle is due, and which working days were counted.",
}


class LazyCommand(TyperCommand):
    """Stands for a command until it is run: then its module is imported and the command itself takes the arguments."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which is what typer invokes and completes."""
        with outcome():  # an import reads the tables of schemas/, where one may have been changed wrongly
            group: typer.Typer = import_module(f"exchange.cli.{self.name}").commands
        command = get_command(group)
        command.name = self.name
        if isinstance(command, TyperGroup):
            command.help = self.help
        return command.make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """The commands of :data:`COMMANDS`, in the table's order."""

    def __init__(self, **settings: Any) -> None:
        commands = {name: LazyCommand(name, help=sentence) for name, sentence in COMMANDS.items()}
        super().__init__(**settings | {"commands": commands})
