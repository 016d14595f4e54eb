"""Below the board: sets that have not come, agreements and certificates, sources that are too old, witnesses.

Rules
- A file of an agreement or certificate is read again only where it changed, so that a board over hundreds of partners
  opens at once.
- Of one partner's incomplete sets those are listed that have stood longest, the others are a number: a folder full of
  them is one trouble, and hides no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.tables import NOTICES, SOURCES
from exchange.calendar.working_days import office_day
from exchange.pages.words import moment
from exchange.register import Batch
from exchange.steps.release import stuck
from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.watch.certificates import invalid_now
from exchange.watch.lacking import missing_now, unfinished_now
from exchange.watch.witnesses import each_by_itself
from exchange.wire.certificates import TOLD_DAYS, ends, read_certificates

MOST_OF_ONE: Final = 20
"""Incomplete sets of one partner that are listed."""


@dataclass(frozen=True)
class Trouble:
    """``kind``: which list it stands in; ``about``: whom or what; ``since``: a day or a moment, where one is known."""

    kind: Words
    about: str
    words: Words
    since: str = ""


Agreements = Mapping[str, tuple[str, str | None, Mapping[str, str]]]
"""Partner → its Chinese name, its level, and purpose → Chinese name."""


def agreements(app: App) -> Agreements:
    """What the pages tell of partners, from the agreements that can be read."""
    by_partner: dict[str, tuple[str, str | None, Mapping[str, str]]] = {}
    for path in app.agreement_files():
        agreement = _read(path)
        if isinstance(agreement, Agreement):
            purposes = {purpose.code: purpose.zh for purpose in agreement.purposes}
            by_partner[agreement.partner] = (agreement.zh, agreement.level, purposes)
    return by_partner


def named(known: Agreements, batch: Batch) -> tuple[str, str]:
    """A batch's partner and purpose in Chinese, their codes where no agreement tells."""
    code = batch.purpose or ""
    partner, _, purposes = known.get(batch.partner, (batch.partner, None, {}))
    return partner, purposes.get(code, code)


def troubles(app: App) -> list[Trouble]:
    """What a person should look at, by kind."""
    today = office_day(app.now())
    return [
        *_unsent(app),
        *_missing(app),
        *_unfinished(app),
        *_agreed(app, today),
        *_sources(app, today),
        *_witnesses(app),
    ]


def _unsent(app: App) -> Iterator[Trouble]:
    kind = Words("批准后未发出", "approved, not sent")
    for release in stuck(app):
        words = Words(f"{len(release.rows)} 行已可发出，超过 30 分钟未送达", "rows may leave for more than 30 minutes")
        yield Trouble(kind, release.id, words, moment(release.may_leave_since))


def _witnesses(app: App) -> Iterator[Trouble]:
    kind = Words("检查点联署", "cosigned checkpoints")
    for witness, last in each_by_itself(app):
        if isinstance(last, Halt):
            yield Trouble(kind, witness.zh, Words("联署不成立", str(last)))
        elif last.is_ahead(app.now()):
            words = Words("联署时间在将来：本机时钟被拨回", "cosigned on a day to come: this clock was put back")
            yield Trouble(kind, witness.zh, words, moment(last.at))
        elif last.days_late(app.now()) is not None:
            words = Words(f"约定 {witness.days} 天联署一次", f"every {witness.days} days were agreed")
            yield Trouble(kind, witness.zh, words, moment(last.at) if last.at else "")


def _missing(app: App) -> Iterator[Trouble]:
    kind = Words("应报未报", "has not come")
    for expected_set in missing_now(app):
        what = f"{labels.cycle(expected_set.cycle)} {expected_set.period} {expected_set.purpose}".strip()
        reminded = Words(f"{what}，已提醒 {expected_set.reminders} 次", f"{expected_set.reminders} reminders")
        yield Trouble(kind, expected_set.partner, reminded, str(expected_set.expected_by))


def _unfinished(app: App) -> Iterator[Trouble]:
    kind, listed = Words("报送不全", "incomplete set"), Counter[str]()
    for request in unfinished_now(app):
        listed[request.partner] += 1
        if listed[request.partner] <= MOST_OF_ONE and request.reason in NOTICES:
            notice = NOTICES[request.reason]
            words = Words(f"{request.stem}：{notice.zh}", notice.en)
            yield Trouble(kind, request.partner, words, moment(request.first_seen))
    for partner, number in listed.items():
        if (others := number - MOST_OF_ONE) > 0:
            yield Trouble(kind, partner, Words(f"另有 {others} 份报送不全", f"{others} more"))


def _agreed(app: App, today: date) -> Iterator[Trouble]:
    kind = Words("协议与证书", "agreement, certificates")
    for path in app.agreement_files():
        agreement = _read(path)
        if not isinstance(agreement, Agreement):
            yield Trouble(kind, path.stem, Words("协议文件有误", agreement))
            continue
        if not agreement.in_force(today):
            days = f"{agreement.in_force_from} – {agreement.in_force_until}"
            yield Trouble(kind, agreement.partner, Words(f"协议不在有效期 {days}", "not in force"))
        elif agreement.assessment is None:
            yield Trouble(kind, agreement.partner, Words("协议未写明个人信息保护影响评估", "names no assessment"))
        if (assessed := agreement.assessment) and (left := (assessed.ends_on - today).days) <= TOLD_DAYS[0]:
            words = Words(f"个人信息保护影响评估有效至 {assessed.ends_on}", f"assessment, ends in {left} days")
            yield Trouble(kind, agreement.partner, words)
    for owner, _, use, file in _certificate_files(app):
        yield from _certificate(app, owner, use, file)


def last_days(app: App) -> Iterator[tuple[date, str, str]]:
    """Until when the certificates of each file hold, the office's own and the partners': the day, whose, and for what;
    not of those that cannot be read.
    """
    for _, named, use, path in _certificate_files(app):
        with suppress(Halt):
            yield office_day(ends(_certificates(path), app.now())), named, use


def _certificate_files(app: App) -> Iterator[tuple[str, str, str, Path]]:
    """(whose certificate, as it is listed; whose, in Chinese; for what; the file)."""
    for path in app.agreement_files():
        agreement = _read(path)
        if isinstance(agreement, Agreement):
            for use in ("signing", "encryption"):
                yield agreement.partner, agreement.zh, use, getattr(agreement.certificates, use)
    keys, ours = app.settings.keys, "本机关 the office"
    yield ours, ours, "signing", keys.signing_certificate
    yield ours, ours, "decryption", keys.decryption_certificate


def _certificate(app: App, owner: str, use: str, path: Path) -> Iterator[Trouble]:
    """What is to be done about the certificates in a file, of which two are there during a change."""
    kind, now = Words("协议与证书", "agreement, certificates"), app.now()
    try:
        certificates = _certificates(path)
    except Halt as error:
        yield Trouble(kind, owner, Words(f"证书 {use} 无法读取", str(error)))
        return
    last_day = office_day(ends(certificates, now))
    left = (last_day - office_day(now)).days
    if (invalid := invalid_now(certificates, now)) is not None:
        yield Trouble(kind, owner, Words(f"证书 {use} 现不在有效期内", invalid))
    elif left <= TOLD_DAYS[0]:
        yield Trouble(kind, owner, Words(f"证书 {use} 将于 {last_day} 到期", f"ends in {left} days"))


def _sources(app: App, today: date) -> Iterator[Trouble]:
    kind = Words("数据源", "source")
    for source in SOURCES.values():
        current = app.snapshots.current(source.code)
        if current is None:
            yield Trouble(kind, source.zh, Words("没有快照", "no snapshot"))
        elif (age := (today - current.as_of).days) > source.max_age_days:
            words = Words(f"已 {age} 天，限 {source.max_age_days} 天", f"{age} days old, limit {source.max_age_days}")
            yield Trouble(kind, source.zh, words, str(current.as_of))


def _read(path: Path) -> Agreement | str:
    """The agreement, or what is wrong with it."""
    try:
        return _read_at(path, path.stat().st_mtime_ns)
    except Halt as error:
        return str(error)
    except OSError:
        return "cannot be read"


def _certificates(path: Path) -> list[x509.Certificate]:
    """Halt where they cannot be read."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _certificates_at(path, changed)


@lru_cache(maxsize=8192)
def _certificates_at(path: Path, changed: int) -> list[x509.Certificate]:  # noqa: ARG001  (as below)
    return read_certificates(path)


@lru_cache(maxsize=4096)
def _read_at(path: Path, changed: int) -> Agreement:  # noqa: ARG001  (the key by which a changed file is read anew)
    return load_agreement(path)
