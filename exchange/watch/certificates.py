"""Watch until when certificates are valid: the partners' own and the office's.

Rules
- So many days before the end as ``schemas/certificates.toml`` says, once each: the partner gets a signed notice, the
  office an alert. After a standstill the nearest one alone.
- Where a file holds two, the later end counts, if the new one begins before the old one ends: the change is made ready.
- From the last of these days on it is a trouble at each look, until the new one is there; so is one that is not valid
  yet.
- The notice is sent before the alert is written down: a round that is cut off sends the same notice again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from cryptography import x509

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App
from exchange.base.errors import ExchangeError
from exchange.base.tables import NOTICES
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.register import Alert, NewAlert
from exchange.steps.agreed import stage_of
from exchange.steps.notice import send_notice
from exchange.wire.certificates import TOLD_DAYS, begun, ends, read_certificates, valid
from exchange.wire.manifest import Notice

log = logging.getLogger(__name__)
ENDS, ENDED = "certificate_ends", "certificate_ended"
OFFICE = "office"
"""In an alert about a certificate of the office's own, who it is about."""


@dataclass
class CertificatesSeen:
    """What was found: new alerts, and what is wrong, a sentence each."""

    alerts: list[Alert] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def watch_certificates(app: App) -> CertificatesSeen:
    """One look at all certificates."""
    seen = CertificatesSeen()
    for path in app.agreement_files():
        try:
            agreement = load_agreement(path)
            pinned = agreement.certificates
            for use, file in (("signing", pinned.signing), ("encryption", pinned.encryption)):
                _watch(app, agreement, use, file, seen)
        except ExchangeError as error:
            log.error("partner %s: %s: %s", path.stem, type(error).__name__, error)
            seen.troubles.append(f"{path.stem}: {error}")
    keys = app.settings.keys
    for use, file in (("signing", keys.signing_certificate), ("decryption", keys.decryption_certificate)):
        try:
            _watch(app, None, use, file, seen)
        except ExchangeError as error:
            seen.troubles.append(f"{OFFICE}: {error}")
    return seen


def invalid_now(certificates: list[x509.Certificate], now: datetime) -> str | None:
    """A sentence that none of them is valid now, and since or until when; None where one is."""
    if valid(certificates, now):
        return None
    if begun(certificates, now):
        return f"has ended; its last day was {office_day(ends(certificates, now))}"
    return f"is not valid before {office_day(min(certificate.not_valid_before_utc for certificate in certificates))}"


def _watch(app: App, agreement: Agreement | None, use: str, path: Path, seen: CertificatesSeen) -> None:
    """Tells of one certificate's end; ``agreement``: whose it is, None of the office's own."""
    certificates, now = read_certificates(path), app.now()
    end = ends(certificates, now)
    last_day = office_day(end)
    left = (last_day - office_day(now)).days
    ended = now > end
    owner = agreement.partner if agreement else OFFICE
    invalid = invalid_now(certificates, now)
    if invalid or left <= TOLD_DAYS[-1]:
        seen.troubles.append(f"{owner}: the {use} certificate {invalid or f'ends on {last_day}'}")
    reached = [days for days in TOLD_DAYS if left <= days]
    if not reached:
        return
    code, days = (ENDED, 0) if ended else (ENDS, reached[-1])
    alert = NewAlert(owner, f"{owner}.certificate.{use}", code, days, last_day, last_day - timedelta(days=days))
    if any(_is_about(known, alert) for known in app.register.alerts.find(partner=owner)):
        return
    if agreement is not None:
        _tell(app, agreement, alert)
    if (added := app.register.alerts.add(alert, app.now())) is not None:
        log.warning("%s: the %s certificate ends on %s", owner, use, last_day)
        seen.alerts.append(added)


def _is_about(known: Alert, alert: NewAlert) -> bool:
    names = ("subject", "code", "days", "due_on")
    return all(getattr(known, name) == getattr(alert, name) for name in names)


def _tell(app: App, agreement: Agreement, alert: NewAlert) -> None:
    words = NOTICES[alert.code]
    about = f"{alert.subject}.{alert.due_on}.{alert.days}"
    notice = Notice(
        partner=agreement.partner,
        about=about,
        code=words.code,
        zh=words.zh,
        en=words.en,
        seen_since=datetime.combine(alert.true_on, time.min, OFFICE_ZONE),
        ends_on=alert.due_on,
        stage=stage_of(agreement),
    )
    with app.folder(agreement) as folder:
        send_notice(app, folder, notice, f"{about}.notice.json")
