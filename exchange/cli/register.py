"""``exchange register``: list, show, verify, migrate."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.base.tables import NOTICES
from exchange.cli.outcome import out, outcome
from exchange.cli.show import due_words, moment, tables
from exchange.register import Batch, BatchFilter, State

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="Only this partner's")] = None,
    state: Annotated[State | None, typer.Option(help="Only batches in this state")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 50,
) -> None:
    """The newest batches first."""
    with outcome(), App.of_account(os_user()) as app:
        register = app.register
        table = Table("batch", "state", "cycle", "rows", "received", "due", "refused for")
        for batch in register.batches(BatchFilter(partner, state, limit)):
            table.add_row(*_line(batch))
        out.print(table)


def _line(batch: Batch) -> tuple[str, ...]:
    return (
        batch.id,
        batch.state.value,
        batch.cycle or "",
        "" if batch.rows_in is None else str(batch.rows_in),
        moment(batch.received_at),
        due_words(batch),
        batch.refusal_code or "",
    )


@commands.command()
def show(batch_id: str) -> None:
    """Everything that the register knows of one batch."""
    with outcome(), App.of_account(os_user()) as app:
        for table in tables(app.register, batch_id):
            if table.row_count:
                out.print(table)


@commands.command()
def incomplete() -> None:
    """The sets that lack something and were left alone, and whether the partner was told."""
    with outcome(), App.of_account(os_user()) as app:
        table = Table("partner", "set", "lacks", "unmoved since", "partner told")
        for each in app.register.unfinished():
            moments = (moment(each.first_seen), moment(each.noticed_at))
            table.add_row(each.partner, each.stem, NOTICES[each.reason].zh, *moments)
        out.print(table)


@commands.command()
def verify() -> None:
    """Check the ledger from its first line to its last; note the printed hash elsewhere from time to time."""
    with outcome(), App.of_account(os_user()) as app:
        lines, last = app.register.verify()
        out.print(f"{lines} lines, unaltered; last hash {last}")


@commands.command()
def migrate() -> None:
    """Bring the register's database to this version's tables; done at installation and after an update."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.migrate()
        out.print("the register is up to date")
