"""Watch the due days of open batches: what has become true is written down as an alert, once.

Rules
- A batch that was claimed and is not judged yet has no due day in the register, and its time runs all the same: it is
  watched by the cycle that its manifest states, and as due at once where no manifest can be read.
- A batch that came a moment ago is let be; most are answered within a minute.
- A breach is written down also where the batch was closed before anybody looked.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from exchange.deadlines import LATE, Reached, reached, unsaid
from exchange.errors import Refused
from exchange.manifest import RequestManifest, parse
from exchange.office import Office
from exchange.register import Alert, Batch, NewAlert, State, Stop
from exchange.register.clock import present_due, standings
from exchange.working_days import WORKING_DAYS, Due, due_after, office_day

log = logging.getLogger(__name__)


def watch_deadlines(office: Office) -> list[Alert]:
    """Writes down everything about due days that has become true since; what is new."""
    now, policy = office.now(), office.settings.policy
    settled = now - timedelta(minutes=policy.watch_after_minutes)
    watched = [(batch, stops) for batch, stops in office.register.clock.open_batches() if batch.received_at <= settled]
    said = office.register.alerts.said(batch.id for batch, _ in watched)
    found = []
    for batch, stops in watched:
        due = due_of(office, batch, stops)
        since = office_day(stops[-1].stopped_at) if batch.clock_stands else None
        holds = reached(due, office_day(now), half=policy.warn_half, days=policy.warn_days, standing_since=since)
        found += _write(office, batch, due, unsaid(holds, said.get(batch.id, {})), now)
    for batch in office.register.alerts.closed_late(LATE):
        due = due_of(office, batch, office.register.clock.stops(batch.id))
        day = batch.due_on or due.day  # as it was when it was closed
        late = Reached(LATE, 0, day + timedelta(days=1))
        found += _write(office, batch, Due(day, due.provisional, due.working_days), [late], now)
    return found


def _write(office: Office, batch: Batch, due: Due, news: list[Reached], now: datetime) -> list[Alert]:
    if not news:
        return []
    alerts = [NewAlert(batch.partner, batch.id, each.code, each.days, due.day, each.true_on) for each in news]
    added = office.register.alerts.of_batch(batch.id, alerts, now)
    for each in added:
        log.warning("%s: %s, due %s, since %s", each.subject, each.code, each.due_on, each.true_on)
    return added


def due_of(office: Office, batch: Batch, stops: list[Stop]) -> Due:
    """When the batch is due, also where it is not judged yet."""
    if batch.state is not State.CLAIMED:
        return present_due(batch, stops, office.office_days)
    try:
        cycle = parse(RequestManifest, office.archive.read(batch.manifest_sha256)).cycle
    except Refused:
        cycle = "ad_hoc"
    days = WORKING_DAYS.get(cycle, 0)
    return due_after(days, office_day(batch.received_at), office.office_days, standings(stops))
