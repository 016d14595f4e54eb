"""Watch until when the partners' agreements rest on an assessment of the effect on personal information.

Rules
- As many days before the end as for a certificate (``schemas/certificates.toml``), once each, the office gets an
  alert; after a standstill only that of the nearest of these days. The partner is told nothing: the assessment is the
  office's own affair.
- It is a trouble at each look from the last of these days on, and where an agreement in force names none.
- An agreement that is not in force needs none any more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date, timedelta

from exchange.agreements.agreement import Agreement, check_assessed, load_agreement
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.register import Alert, NewAlert
from exchange.wire.certificates import TOLD_DAYS

log = logging.getLogger(__name__)
ENDS, ENDED = "assessment_ends", "assessment_ended"


@dataclass
class AssessmentsSeen:
    """What was found: new alerts, and what is wrong, a sentence each."""

    alerts: list[Alert] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def watch_assessments(app: App) -> AssessmentsSeen:
    """One look at all agreements; files that cannot be read are told of by ``watch_certificates``."""
    seen, today = AssessmentsSeen(), office_day(app.now())
    for path in app.agreement_files():
        try:
            agreement = load_agreement(path)
        except Halt:
            continue
        try:
            check_assessed(agreement, today)
        except Halt as lacking:
            seen.troubles.append(str(lacking))
        if (alert := _alert(agreement, today)) is not None:
            _tell(app, agreement, alert, today, seen)
    return seen


def _alert(agreement: Agreement, today: date) -> NewAlert | None:
    """What is to be told of the agreement's assessment today, whether or not it was told before."""
    assessment = agreement.assessment
    if assessment is None or not agreement.in_force_from <= today <= agreement.in_force_until:
        return None
    left = (assessment.ends_on - today).days
    reached = [days for days in TOLD_DAYS if left <= days]
    if not reached:
        return None
    code, days = (ENDED, 0) if left < 0 else (ENDS, reached[-1])
    since = assessment.ends_on - timedelta(days=days)
    return NewAlert(agreement.partner, f"{agreement.partner}.assessment", code, days, assessment.ends_on, since)


def _tell(app: App, agreement: Agreement, alert: NewAlert, today: date, seen: AssessmentsSeen) -> None:
    if (alert.due_on - today).days <= TOLD_DAYS[-1]:
        how = "has ended: nothing more is accepted" if alert.code == ENDED else f"ends on {alert.due_on}"
        seen.troubles.append(f"{agreement.partner}: the assessment {how}")
    if (added := app.register.alerts.add(alert, app.now())) is not None:
        log.warning("%s: the assessment ends on %s", agreement.partner, alert.due_on)
        seen.alerts.append(added)
