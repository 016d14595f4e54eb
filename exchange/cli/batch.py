"""``exchange batch``: what Airflow does, by hand."""

from __future__ import annotations

import typer

from exchange import pipeline
from exchange.account import account
from exchange.cli.outcome import FOUND, HALTED, err, out, outcome
from exchange.collect import sweep
from exchange.office import Office

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def collect() -> None:
    """Look once into all partner folders; claim what is complete and print the batches that wait to be run."""
    with outcome(), Office.open(account()) as office:
        with err.status("looking into the partners' folders"):
            found = sweep(office)
        for batch_id in found.waiting:
            out.print(batch_id, markup=False)
        for trouble in found.troubles:
            err.print(f"A person must look: {trouble}", markup=False)
        if found.troubles:
            raise typer.Exit(HALTED)


@app.command()
def run(batch_id: str = typer.Argument(help="A batch that was claimed, e.g. from `exchange batch collect`")) -> None:
    """Take one batch all the way: receive, process, deliver. Running it again goes on where it stopped."""
    with outcome(), Office.open(account()) as office:
        with err.status(f"running {batch_id}"):
            accepted = pipeline.run(office, batch_id)
        state = office.register.batch(batch_id).state
        out.print(f"{batch_id}: {state.value}", markup=False)
        if not accepted:
            raise typer.Exit(FOUND)
