"""Watch the sets that agreements expect: one that has not come is registered, reported to the office, and the partner
reminded.

Rules
- First the folders are looked into, so that what lies there already is not said to be missing; what is claimed and not
  judged yet has come as far as its manifest says so.
- Missing is registered once for partner, cycle, period and purpose; one alert tells the office.
- The partner gets a signed notice, and another one each so many days, so often as the office's settings say; what
  comes, or is no longer expected, ends it. After a standstill there is one notice, not several.
- Nothing is expected of a partner in the test stage.
- A partner whose server or agreement is in trouble does not hold up the others.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.agreements.expected import Missing, matching, missing
from exchange.app import App
from exchange.base.errors import ExchangeError, Refused
from exchange.base.tables import NOTICES
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.intake.collect import poll
from exchange.register import Alert, BatchFilter, MissingSet, NewAlert, State
from exchange.steps.notice import send_notice
from exchange.wire.manifest import Notice

log = logging.getLogger(__name__)
CODE = "missing"
REMINDER = "set_expected"


@dataclass
class CyclesSeen:
    """``reminded``: (partner, set) of each reminder."""

    alerts: list[Alert] = field(default_factory=list)
    reminded: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def watch_cycles(app: App) -> CyclesSeen:
    """One look at all agreements."""
    poll(app)
    seen = CyclesSeen()
    for path in app.agreement_files():
        try:
            _watch_partner(app, path, seen)
        except ExchangeError as error:
            log.error("partner %s: %s: %s", path.stem, type(error).__name__, error)
            seen.troubles.append(f"{path.stem}: {error}")
    return seen


def _watch_partner(app: App, path: Path, seen: CyclesSeen) -> None:
    agreement = load_agreement(path)
    if agreement.is_test:
        return
    partner, now = agreement.partner, app.now()
    accepted = app.register.missing.came(partner)
    lacking = missing(agreement, office_day(now), {*accepted, *_claimed(app, partner)}, app.office_days)
    for line in app.register.missing.find(partner=partner):
        if there := matching(line.cycle, line.period, line.purpose, accepted):
            app.register.missing.arrived(partner, line.key, min(accepted[arrival] for arrival in there))
    to_remind = []
    for expected_set in lacking:
        known = app.register.missing.notice(partner, expected_set.key, expected_set.expected_by, now)
        if (alert := _alert(app, partner, known, expected_set)) is not None:
            seen.alerts.append(alert)
        if _reminder_is_due(app, known):
            to_remind.append((expected_set, known))
    if to_remind:
        _remind(app, agreement, to_remind, seen)


def _claimed(app: App, partner: str) -> set[tuple[str, str, str]]:
    """What the manifests of sets that are not judged yet say they are."""
    sets = set()
    for batch in app.register.batches(BatchFilter(partner, State.CLAIMED, limit=1000)):
        try:
            manifest = app.manifest(batch)
        except Refused:
            continue
        sets.add((manifest.cycle, manifest.period, manifest.purpose))
    return sets


def _alert(app: App, partner: str, known: MissingSet, expected_set: Missing) -> Alert | None:
    """The alert about it, where nobody wrote it down before."""
    day = known.expected_by
    alert = NewAlert(partner, f"{partner}.{expected_set.name}", CODE, 0, day, day + timedelta(days=1))
    added = app.register.alerts.add(alert, app.now())
    if added is not None:
        log.warning("partner %s: %s was expected by %s and has not come", partner, expected_set.name, day)
    return added


def _reminder_is_due(app: App, known: MissingSet) -> bool:
    policy = app.settings.policy
    if known.reminders >= policy.remind_at_most:
        return False
    if known.reminded_at is None:
        return True
    return (office_day(app.now()) - office_day(known.reminded_at)).days >= policy.remind_every_days


def _remind(app: App, agreement: Agreement, lacking: list[tuple[Missing, MissingSet]], seen: CyclesSeen) -> None:
    partner = agreement.partner
    with app.folder(agreement) as folder:
        for expected_set, known in lacking:
            number = known.reminders + 1
            about = f"{partner}.expected.{expected_set.name}"
            name = f"{about}.notice.json" if number == 1 else f"{about}.notice-{number}.json"
            send_notice(app, folder, _notice(partner, about, known, number), name)
            app.register.missing.reminded(partner, expected_set.key, number, app.now())
            seen.reminded.append(about)
            log.info("partner %s: reminded of %s", partner, expected_set.name)


def _notice(partner: str, about: str, known: MissingSet, number: int) -> Notice:
    words = NOTICES[REMINDER]
    return Notice(
        partner=partner,
        about=about,
        code=words.code,
        zh=words.zh,
        en=words.en,
        seen_since=known.noticed_at.astimezone(OFFICE_ZONE),
        cycle=known.cycle,
        period=known.period,
        purpose=known.purpose or None,
        expected_by=known.expected_by,
        reminder=number,
    )
