"""The note of a run in Airflow: whose batch, what for, which cycle, how many rows and when due, in one line.

Rules
- Codes, counts and days alone. What a manifest says before it is trusted is told as codes that the office's own tables
  and the partner's agreement know, and as numbers.
- It helps people who look at a list of runs; a run also starts without it.
"""

from __future__ import annotations

from exchange.app import App
from exchange.base.errors import ExchangeError, Refused
from exchange.register import Batch, State
from exchange.supervision import labels
from exchange.watch.deadlines import due_of


def run_note(app: App, batch_id: str) -> str | None:
    """The note; None where the register cannot be read now."""
    try:
        batch = app.register.batch(batch_id)
        return " · ".join([*_request_words(app, batch), *_due(app, batch)])
    except ExchangeError:
        return None


def _due(app: App, batch: Batch) -> list[str]:
    if batch.due_on is None and batch.state is not State.CLAIMED:
        return []
    due = due_of(app, batch, app.register.clock.stops(batch.id))
    return [f"时限 due {due.day}{'（暂定）' if due.provisional else ''}"]


def _request_words(app: App, batch: Batch) -> list[str]:
    cycle, purpose, rows = batch.cycle, batch.purpose, batch.rows_in
    if batch.state is State.CLAIMED:
        try:
            manifest = app.manifest(batch)
        except Refused:
            return [_partner(app, batch.partner, None)[0]]
        cycle, purpose, rows = manifest.cycle, manifest.purpose, manifest.rows
    partner, what = _partner(app, batch.partner, purpose)
    parts = [partner, what, str(labels.cycle(cycle)) if cycle in labels.cycles() else ""]
    return [part for part in parts if part] + ([] if rows is None else [f"{rows:,} 行 rows"])


def _partner(app: App, partner: str, purpose: str | None) -> tuple[str, str]:
    """The partner's name and the purpose's, in Chinese; a purpose that the agreement does not know is not told."""
    try:
        agreement = app.agreement(partner)
    except ExchangeError:
        return partner, ""
    return agreement.zh, next(
        (known_purpose.zh for known_purpose in agreement.purposes if known_purpose.code == purpose), ""
    )
