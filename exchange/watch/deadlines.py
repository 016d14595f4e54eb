"""Watch the due days of open batches: each warning, alarm and breach is recorded once, as an alert.

Rules
- A batch that was claimed and is not judged yet has no due day in the register, and its time runs all the same: it is
  watched by the cycle that its manifest states, and as due at once where no manifest can be read.
- A batch that came within the last minutes is left alone; most are answered within a minute.
- Once the first result lies there, what is open is watched by the deadline of its items where that is later.
- Test batches are not watched.
- A breach is written down also where the batch was closed, or its first result delivered, before anybody looked
  (``calendar/missed.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from exchange.app import App
from exchange.base.errors import Halt, Refused
from exchange.base.files import Archive
from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.due_warnings import LATE, DueWarning, not_yet_sent, reached
from exchange.calendar.working_days import Due, due_after, office_day
from exchange.register import Alert, Batch, NewAlert, State, Stop
from exchange.register.clock import clock_pauses, paused_since, present_due, present_last
from exchange.wire.manifest import RequestManifest, parse

log = logging.getLogger(__name__)


def watch_deadlines(app: App) -> list[Alert]:
    """Records all alerts about due days that now apply; returns the new ones."""
    now, policy = app.now(), app.settings.policy
    settled = now - timedelta(minutes=policy.watch_after_minutes)
    watched = [
        (batch, stops)
        for batch, stops in app.register.clock.open_batches()
        if batch.received_at <= settled and not batch.is_test
    ]
    sent = app.register.alerts.sent(batch.id for batch, _ in watched)
    written = []
    for batch, stops in watched:
        due = due_of(app, batch, stops)
        since, today = paused_since(stops), office_day(now)
        holds = reached(due, today, half=policy.warn_half, days=policy.warn_days, paused_since=since)
        written += _write(app, batch, due.day, not_yet_sent(holds, sent.get(batch.id, {})), now)
    for batch, day in app.register.alerts.missed(LATE):
        written += _write(app, batch, day, [DueWarning(LATE, 0, day + timedelta(days=1))], now)
    return written


def _write(app: App, batch: Batch, due: date, news: list[DueWarning], now: datetime) -> list[Alert]:
    if not news:
        return []
    alerts = [NewAlert(batch.partner, batch.id, alert.code, alert.days, due, alert.true_on) for alert in news]
    added = app.register.alerts.of_batch(batch.id, alerts, now)
    for alert in added:
        log.warning("%s: %s, due %s, since %s", alert.subject, alert.code, alert.due_on, alert.true_on)
    return added


def dues_of(app: App, batches: Iterable[tuple[Batch, Sequence[Stop]]]) -> list[tuple[Batch, Due]]:
    """When each of these is due. Days are counted once for all batches that came on one day, have the same time and
    were never paused: of thousands that are open, most.
    """
    known: dict[object, Due] = {}
    dues = []
    for batch, stops in batches:
        key = None if stops or batch.state is State.CLAIMED else _counted_by(batch)
        if key is None or key not in known:
            due = due_of(app, batch, list(stops))
            if key is not None:
                known[key] = due
        else:
            due = known[key]
        dues.append((batch, due))
    return dues


def pauses_of(batches: Iterable[tuple[Batch, Sequence[Stop]]]) -> dict[str, date]:
    """Batch → since which day its clock is paused, of those whose clock is."""
    since = ((batch.id, paused_since(stops)) for batch, stops in batches)
    return {batch_id: day for batch_id, day in since if day is not None}


def _counted_by(batch: Batch) -> object:
    """What the due day depends on, of a batch that was judged and whose clock was never paused."""
    last = (batch.items, batch.due_last is not None) if batch.state in (State.DELIVERED, State.CLOSED) else None
    return office_day(batch.received_at), batch.due_working_days, batch.cycle, last


def due_of(app: App, batch: Batch, stops: list[Stop]) -> Due:
    """When the batch is due, also where it is not judged yet."""
    if batch.state in (State.DELIVERED, State.CLOSED):
        return present_last(batch, stops, app.office_days) or present_due(batch, stops, app.office_days)
    if batch.state is not State.CLAIMED:
        return present_due(batch, stops, app.office_days)
    try:
        cycle = _cycle_of(app.archive.folder, batch.manifest_sha256)
    except (Refused, Halt):  # none that can be read, or the kept one is lost, which whoever works on the batch says
        cycle = "ad_hoc"
    days = WORKING_DAYS.get(cycle, 0)
    return due_after(days, office_day(batch.received_at), app.office_days, clock_pauses(stops))


@lru_cache(maxsize=8192)
def _cycle_of(archive: Path, manifest_sha256: str) -> str:
    """What a manifest states, read once: the bytes of a hash never change, and hundreds may wait to be judged. Refused
    where it is none, Halt where it is not kept any more.
    """
    return parse(RequestManifest, Archive(archive).read(manifest_sha256)).cycle
