"""``exchange``: the map of the command line."""

from __future__ import annotations

import logging
from datetime import date

import typer
from rich.logging import RichHandler

from exchange.cli import (
    batch,
    clock,
    deadline,
    demo,
    expected,
    keys,
    partner,
    register,
    release,
    report,
    retention,
    review,
    schemas,
    snapshot,
    supervise,
)
from exchange.cli.outcome import err, out, outcome
from exchange.office_days import load_office_days
from exchange.settings import Settings, are_there
from exchange.working_days import WORKING_DAYS, due_date

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Verification exchange of the household register. Settings: the file named by EXCHANGE_CONFIG. "
    "Exit codes: 0 done, 1 refused or found, 2 wrong command line, 70 a person must look, 75 try again.",
)
app.add_typer(batch.app, name="batch", help="Collect request sets and run batches without Airflow.")
app.add_typer(register.app, name="register", help="The register of all batches: list, show, verify.")
app.add_typer(review.app, name="review", help="Rows that need an officer: list, show, decide, work lists.")
app.add_typer(clock.app, name="clock", help="Stop and start the clock of a batch, with who and why.")
app.add_typer(deadline.app, name="deadline", help="Due days: watch, count again, list the alerts.")
app.add_typer(release.app, name="release", help="What leaves after the first result: propose, approve, send.")
app.add_typer(report.app, name="report", help="The monthly report, for the office and for outside.")
app.add_typer(retention.app, name="retention", help="Destroy what is past its time; hold a batch.")
app.add_typer(snapshot.app, name="snapshot", help="Build, list and prune snapshots of the sources.")
app.add_typer(partner.app, name="partner", help="Check agreements, try a server, write a template.")
app.add_typer(keys.app, name="keys", help="Make and show the office's keys and certificates.")
app.add_typer(schemas.app, name="schemas", help="Write or check the files generated from the code.")
app.add_typer(demo.app, name="demo", help="A whole world on this machine: run, up, down.")


app.command()(expected.expected)
app.command()(supervise.supervise)


@app.callback()
def main(*, verbose: bool = typer.Option(False, "--verbose", "-v", help="Say what is being done.")) -> None:
    """Set up logging to standard error."""
    level = logging.INFO if verbose else logging.WARNING
    handler = RichHandler(console=err, show_path=False)
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    logging.getLogger("paramiko").setLevel(logging.WARNING)


@app.command()
def due(
    cycle: str = typer.Argument(help=", ".join(WORKING_DAYS)),
    received: str = typer.Argument(help="Day of receipt, YYYY-MM-DD"),
) -> None:
    """Print the due day of a request of this cycle received on this day, and the days that were counted."""
    with outcome():
        if cycle not in WORKING_DAYS:
            msg = f"no such cycle; there are {', '.join(WORKING_DAYS)}"
            raise typer.BadParameter(msg)
        try:
            day = date.fromisoformat(received)
        except ValueError:
            msg = "the day of receipt is written YYYY-MM-DD"
            raise typer.BadParameter(msg) from None
        # without an installation, the due date of the law; its own days need its settings
        file = Settings.load().office_days if are_there() else None
        found = due_date(cycle, day, load_office_days(file))
        note = " (provisional)" if found.provisional else ""
        out.print(f"{found.day}  {found.working_days} working days{note}")
        for start in range(0, len(found.counted), 10):
            out.print("  counted " + " ".join(f"{each:%m-%d}" for each in found.counted[start : start + 10]))
