"""``exchange register``: list, show, verify, migrate."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exchange.account import account
from exchange.cli.outcome import out, outcome
from exchange.cli.show import due_words, moment, tables
from exchange.office import Office
from exchange.register import Batch, BatchFilter, State
from exchange.tables import NOTICES

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="Only this partner's")] = None,
    state: Annotated[State | None, typer.Option(help="Only batches in this state")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 50,
) -> None:
    """The newest batches first."""
    with outcome(), Office.open(account()) as office:
        register = office.register
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


@app.command()
def show(batch_id: str) -> None:
    """Everything that the register knows of one batch."""
    with outcome(), Office.open(account()) as office:
        for table in tables(office.register, batch_id):
            if table.row_count:
                out.print(table)


@app.command()
def incomplete() -> None:
    """The sets that lack something and were left alone, and whether the partner was told."""
    with outcome(), Office.open(account()) as office:
        table = Table("partner", "set", "lacks", "unmoved since", "partner told")
        for each in office.register.unfinished():
            moments = (moment(each.first_seen), moment(each.noticed_at))
            table.add_row(each.partner, each.stem, NOTICES[each.reason].zh, *moments)
        out.print(table)


@app.command()
def verify() -> None:
    """Check the ledger from its first line to its last; note the printed hash elsewhere from time to time."""
    with outcome(), Office.open(account()) as office:
        lines, last = office.register.verify()
        out.print(f"{lines} lines, unaltered; last hash {last}")


@app.command()
def migrate() -> None:
    """Bring the register's database to this version's tables; done at installation and after an update."""
    with outcome(), Office.open(account()) as office:
        office.register.migrate()
        out.print("the register is up to date")
