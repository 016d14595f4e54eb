"""``exchange register``: list, show, verify, migrate."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exchange.account import account
from exchange.cli.outcome import out, outcome
from exchange.office import Office
from exchange.register import Batch, BatchFilter, State
from exchange.tables import NOTICES
from exchange.working_days import OFFICE_ZONE

app = typer.Typer(no_args_is_help=True)
_MOMENT = "%Y-%m-%d %H:%M:%S"


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
        batch.received_at.astimezone(OFFICE_ZONE).strftime(_MOMENT),
        due_words(batch),
        batch.refusal_code or "",
    )


def due_words(batch: Batch) -> str:
    """The present due day, whether it is provisional or not known, and the first one where it was another."""
    if batch.due_on is None:
        return ""
    if batch.clock_stands:
        return f"pending: the clock stands (first {batch.due_original})"
    first = f" (first {batch.due_original})" if batch.due_original != batch.due_on else ""
    return f"{batch.due_on}{' provisional' if batch.due_provisional else ''}{first}"


@app.command()
def show(batch_id: str) -> None:
    """Everything that the register knows of one batch."""
    with outcome(), Office.open(account()) as office:
        register = office.register
        batch = register.batch(batch_id)
        facts = Table(show_header=False)
        for name in ("id", "partner", "state", "cycle", "period", "purpose", "legal_basis", "letter", "handler"):
            facts.add_row(name, str(getattr(batch, name) or ""))
        facts.add_row("items", ", ".join(batch.items))
        facts.add_row("rows", "" if batch.rows_in is None else str(batch.rows_in))
        facts.add_row("due", due_words(batch))
        facts.add_row("came", (batch.arrival or "").replace("_", " "))
        place = [str(part) for part in (batch.refusal_row, batch.refusal_column) if part is not None]
        facts.add_row("refused for", " ".join([batch.refusal_code or "", *place]))
        steps = Table("when", "from", "to", "by", title="steps")
        for step in register.steps(batch_id):
            moment = step.at.astimezone(OFFICE_ZONE).strftime(_MOMENT)
            steps.add_row(moment, step.from_state or "", step.to_state, step.actor)
        files = Table("role", "name", "bytes", "sha256", title="files")
        for file in register.files(batch_id):
            files.add_row(file.role, file.name, str(file.size), file.sha256)
        snapshots = Table("source", "as of", "version", title="snapshots")
        for source, (version, as_of) in sorted(register.snapshots_of(batch_id).items()):
            snapshots.add_row(source, str(as_of), version)
        answers = Table("item", "answer", "rows", title="answers")
        for item, tally in register.answer_counts(batch_id).items():
            for code, count in sorted(tally.items()):
                answers.add_row(item, code, str(count))
        for table in (facts, steps, files, snapshots, answers):
            if table.row_count:
                out.print(table)


@app.command()
def incomplete() -> None:
    """The sets that lack something and were left alone, and whether the partner was told."""
    with outcome(), Office.open(account()) as office:
        table = Table("partner", "set", "lacks", "unmoved since", "partner told")
        for each in office.register.unfinished():
            moments = [
                "" if moment is None else moment.astimezone(OFFICE_ZONE).strftime(_MOMENT)
                for moment in (each.first_seen, each.noticed_at)
            ]
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
