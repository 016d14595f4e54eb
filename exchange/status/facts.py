"""What a partner's status file says, from the agreement and the register.

Rules
- A batch is shown only as receipts, results and notices told it before: its stage as the partner was told, its due day
  from the last receipt that was sent, its open rows from the last result. So it reveals no record of offence before a
  leader's release, nor that the guard holds a result.
- Only this partner's lines of the register. No row, no reference, no file name but those of results.
- The same facts give the same record at any time, but for ``made_at``; lists are bounded.
- What was shown of a batch is shown again until the ledger has a new line about it (``shown.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from exchange.agreements.agreement import Agreement
from exchange.agreements.expected import Missing, missing, upcoming
from exchange.app import App
from exchange.base.tables import NOTICES, REFUSALS, refused_words
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.register import State
from exchange.register.pickups import UncollectedResult
from exchange.register.standing import ToldBatch, standing_of
from exchange.status.maintenance import announced
from exchange.status.shown import Shown, ShownBatch
from exchange.wire.certificates import TOLD_DAYS, ends, read_certificates
from exchange.wire.manifest import MODELS, Receipt, Record, Refusal, parse
from exchange.wire.status import (
    BatchStatus,
    CertificateEnd,
    ExpectedSet,
    IncompleteSet,
    Maintenance,
    Stage,
    Status,
    WaitingResult,
)

SHOWN_FOR: Final = timedelta(days=30)
"""For how long finished batches and refusals are shown."""

AT_MOST: Final = 200
"""Entries of each list at most; the others are in receipts and results."""

_FILES: Final[tuple[type[Record], ...]] = (*MODELS.values(), Status)
FORMATS: Final = tuple(get_args(model.model_fields["format"].annotation)[0] for model in _FILES)
"""The ``format`` of each kind of file of the exchange."""


def status_of(app: App, agreement: Agreement) -> Status:
    """How this partner stands now, the page aside; Halt where a kept receipt or a certificate cannot be read, or a
    batch is not what the ledger says.
    """
    now, partner = app.now(), agreement.partner
    day = office_day(now)
    batches, results = _batches(app, partner, day)
    return Status(
        stage="test" if agreement.is_test else None,
        office=app.settings.office,
        partner=partner,
        zh=agreement.zh,
        made_at=now.astimezone(OFFICE_ZONE).replace(microsecond=0),
        day=day,
        batches=batches,
        results=results,
        incomplete=list(_incomplete(app, partner)),
        expected=list(_expected(app, agreement)),
        certificates=list(_certificates(app, agreement)),
        maintenance=[
            Maintenance(
                number=notice.number,
                begins_at=notice.begins_at.astimezone(OFFICE_ZONE),
                ends_at=notice.ends_at.astimezone(OFFICE_ZONE),
                zh=notice.zh,
                en=notice.en,
            )
            for notice in announced(app.settings.home, now)
        ],
        formats=list(FORMATS),
    )


def _batches(app: App, partner: str, day: date) -> tuple[list[BatchStatus], list[WaitingResult]]:
    """The partner's batches, the newest first, and the results that wait for it, the oldest first."""
    before = Shown.read(app, partner, day)
    standing = standing_of(app.register.engine, partner, app.now() - SHOWN_FOR, AT_MOST, before.known)
    batches = {told.batch.id: _batch(app, told) for told in standing.batches}
    waiting = defaultdict[str, list[WaitingResult]](list)
    for result in standing.uncollected:
        if result.batch in standing.lines:
            waiting[result.batch].append(_waiting(result))
    shown = {batch: before.batches[batch] for batch in standing.shown if batch not in standing.lines}
    for batch, line in standing.lines.items():
        shown[batch] = ShownBatch(line=line, batch=batches.get(batch), results=waiting[batch])
    if shown != before.batches:
        Shown(day=day, batches=shown).keep(app, partner)
    by_name = {(batch, result.name): result for batch, kept in shown.items() for result in kept.results}
    return (
        [status for batch in standing.told if (status := shown[batch].batch) is not None],
        [by_name[result.batch, result.data] for result in standing.uncollected],
    )


def _waiting(result: UncollectedResult) -> WaitingResult:
    return WaitingResult(
        batch=result.batch,
        test=True if result.is_test else None,
        name=result.data,
        since=office_day(result.since),
    )


def _batch(app: App, recent: ToldBatch) -> BatchStatus:
    batch = recent.batch
    received = batch.received_at.astimezone(OFFICE_ZONE)
    test: Literal[True] | None = True if batch.is_test else None
    if recent.receipt is None:
        return BatchStatus(batch=batch.id, test=test, stage="received", received_at=received)
    receipt = parse(Receipt, app.archive.read(recent.receipt))
    if receipt.outcome == "refused":
        refusal = _sentence(receipt.refusal)
        return BatchStatus(batch=batch.id, test=test, stage="refused", received_at=received, refusal=refusal)
    stage = _stage(recent)
    return BatchStatus(
        batch=batch.id,
        test=test,
        cycle=batch.cycle,
        period=batch.period,
        purpose=batch.purpose,
        stage=stage,
        received_at=received,
        rows=batch.rows_in,
        rows_open=batch.rows_open if stage == "answered_in_part" else None,
        due=None if stage == "answered" else receipt.due,
    )


def _stage(recent: ToldBatch) -> Stage:
    if recent.batch.state not in (State.DELIVERED, State.CLOSED):
        return "in_work"
    return "answered_in_part" if recent.batch.rows_open else "answered"


def _sentence(refusal: Refusal | None) -> Refusal | None:
    """The refusal with today's words for its code."""
    if refusal is None or refusal.code not in REFUSALS:
        return refusal
    words = refused_words(refusal.code, refusal.row)
    return refusal.model_copy(update={"zh": words.zh, "en": words.en})


def _incomplete(app: App, partner: str) -> Iterator[IncompleteSet]:
    """The sets that the last look into the partner's folder left alone as incomplete."""
    mine = [request for request in app.register.unfinished.all(partner) if request.reason in NOTICES]
    for request in sorted(mine, key=lambda request: (request.first_seen, request.stem))[:AT_MOST]:
        words = NOTICES[request.reason]
        yield IncompleteSet(
            about=request.stem,
            code=words.code,
            zh=words.zh,
            en=words.en,
            seen_since=request.first_seen.astimezone(OFFICE_ZONE).replace(microsecond=0),
        )


def _expected(app: App, agreement: Agreement) -> Iterator[ExpectedSet]:
    """What should have come, then what is expected next; nothing of a partner that is in its tests."""
    if agreement.is_test:
        return
    today, came = office_day(app.now()), app.register.missing.came(agreement.partner)
    late = missing(agreement, today, came, app.office_days)[-AT_MOST:]
    for expected_set in late:
        yield _set(agreement, expected_set, overdue=True)
    for expected_set in upcoming(agreement, today, came, app.office_days):
        yield _set(agreement, expected_set, overdue=False)


def _set(agreement: Agreement, expected_set: Missing, *, overdue: bool) -> ExpectedSet:
    purpose = agreement.purpose(expected_set.purpose)
    return ExpectedSet(
        cycle=expected_set.cycle,
        period=expected_set.period,
        purpose=expected_set.purpose or None,
        purpose_zh=None if purpose is None else purpose.zh,
        expected_by=expected_set.expected_by,
        overdue=overdue,
    )


def _certificates(app: App, agreement: Agreement) -> Iterator[CertificateEnd]:
    """The partner's two, then the office's two that the partner has."""
    pinned, keys = agreement.certificates, app.settings.keys
    paths: tuple[tuple[str, str, Path], ...] = (
        ("partner", "signing", pinned.signing),
        ("partner", "encryption", pinned.encryption),
        ("office", "signing", keys.signing_certificate),
        ("office", "encryption", keys.decryption_certificate),
    )
    now = app.now()
    for owner, use, path in paths:
        last = office_day(ends(read_certificates(path), now))
        soon = (last - office_day(now)).days <= TOLD_DAYS[0]
        yield CertificateEnd.model_validate({"whose": owner, "use": use, "ends_on": last, "soon": soon})
