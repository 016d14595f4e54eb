"""``exchange partner``: the agreements and the partners' servers."""

from __future__ import annotations

import typer
from rich.table import Table

from exchange.account import account
from exchange.agreements import load_agreement
from exchange.cli.outcome import HALTED, err, out, outcome
from exchange.errors import ExchangeError, Halt
from exchange.office import Office
from exchange.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def check() -> None:
    """Read every agreement; say for each that it holds, or file, field and what would be right."""
    with outcome():
        failed = False
        table = Table("partner", "agreement", "level", "cycles", "in force until")
        for path in sorted(Settings.load().agreements.glob("*.toml")):
            try:
                agreement = load_agreement(path)
            except Halt as error:
                err.print(str(error), markup=False)
                failed = True
                continue
            table.add_row(
                f"{agreement.partner} {agreement.zh}",
                agreement.number,
                agreement.level,
                ", ".join(agreement.cycles),
                str(agreement.in_force_until),
            )
        out.print(table)
        if failed:
            raise typer.Exit(HALTED)


@app.command()
def connect(partner: str = typer.Argument(help="The partner's id")) -> None:
    """Log in to the partner's server with the pinned host key and count what lies in its folder."""
    with outcome(), Office.open(account()) as office:
        try:
            with office.folder(office.agreement(partner)) as folder:
                out.print(f"{partner}: connected, {len(folder.list_requests())} files to the office", markup=False)
        except ExchangeError:
            err.print(f"{partner}: no connection", markup=False)
            raise
