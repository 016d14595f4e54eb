"""``exchange deadline``: what ``deadline_watch`` does each hour, by hand, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from exchange.account import account
from exchange.cli.outcome import HALTED, err, out, outcome
from exchange.office import Office
from exchange.register import Alert
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.due import recompute as recompute_all
from exchange.watch.message import words
from exchange.working_days import OFFICE_ZONE

app = typer.Typer(no_args_is_help=True)
_MINUTE = "%Y-%m-%d %H:%M"


@app.command()
def watch() -> None:
    """Look at the due days of all open batches; write down and print what has become true since the last look."""
    with outcome(), Office.open(account()) as office:
        _print(watch_deadlines(office))


@app.command()
def recompute() -> None:
    """Count all open batches' due days again; where one changed, register it and send the partner another receipt."""
    with outcome(), Office.open(account()) as office:
        found = recompute_all(office)
        for batch in found.changed:
            out.print(f"{batch}: due {office.register.batch(batch).due_on}", markup=False)
        for batch in found.told:
            out.print(f"{batch}: the partner has another receipt", markup=False)
        for trouble in found.troubles:
            err.print(f"A person must look: {trouble}", markup=False)
        if found.troubles:
            raise typer.Exit(HALTED)


@app.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="Only this partner's")] = None,
    *,
    untold: Annotated[bool, typer.Option("--untold", help="Only those about which no message went out")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 50,
) -> None:
    """The alerts in the register, the newest first."""
    with outcome(), Office.open(account()) as office:
        _print(office.register.alerts.find(partner=partner, untold=untold, limit=limit))


def _print(alerts: Sequence[Alert]) -> None:
    table = Table("批次或期间 subject", "提醒 alert", "时限 due", "应于 since", "发现 noticed", "已发送 told")
    for each in alerts:
        moments = [
            "" if moment is None else moment.astimezone(OFFICE_ZONE).strftime(_MINUTE)
            for moment in (each.noticed_at, each.told_at)
        ]
        sentence = " ".join(words(each.code, each.days))
        table.add_row(each.subject, sentence, str(each.due_on), str(each.true_on), *moments)
    out.print(table if table.row_count else "没有提醒。 No alerts.")
