"""The receipt (回执): the office's first, signed answer to a set.

Rules
- It says nothing that the register does not say. The first is made and told in the transaction in which the set is
  accepted or refused, of what was found there to be as the ledger says, while nobody else changes it.
- It is made once, kept in the archive, and every later sending sends the same bytes. It bears the name of the partner's
  manifest; where the batch is not the one that this name first stood for (a batch id used again), the name says so.
- When the due day of an open batch is not what the last receipt said (a calendar became known, the clock was paused or
  started, an objection got more time), another receipt takes its place: ``<batch>.receipt-2.json``, then 3, 4… The
  register knows it before it is sent, and how far the partner has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.tables import refused_words
from exchange.calendar.deadlines import later_items
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register import Attested, Batch, FileRecord, Role, State, file_of, numbered
from exchange.register.register import ReceiptOf
from exchange.steps.agreed import agreed
from exchange.steps.bases import NOT_IN_FORCE, named
from exchange.wire.envelope import sign
from exchange.wire.manifest import (
    REQUEST_SUFFIX,
    SIGNATURE_SUFFIX,
    Basis,
    DueDay,
    File,
    Receipt,
    Refusal,
    parse,
    write,
)
from exchange.wire.transport import Folder


def stem_of(batch_id: str, files: Mapping[str, FileRecord]) -> str:
    """The partner's manifest's file name without its ending; ``files``: the batch's, by role."""
    return file_of(batch_id, files, Role.MANIFEST).name.removesuffix(REQUEST_SUFFIX)


def _answer_stem(attested: Attested) -> str:
    """What the names of all receipts of this batch begin with."""
    batch_id = attested.batch.id
    stem = stem_of(batch_id, attested.files)
    return stem if batch_id == stem else f"{stem}.{batch_id.rpartition('.')[2]}"


def has_receipt(app: App, batch: Batch) -> bool:
    """Whether the receipt is made already."""
    return app.register.find_file(batch.id, Role.RECEIPT_SIGNATURE) is not None


def is_past(app: App, batch_id: str) -> bool:
    """Whether a receipt of the batch, or its signature, was destroyed when its time was over: none is sent again."""
    gone = {role.partition("-")[0] for role in app.register.retention.destroyed(batch_id)}
    return not gone.isdisjoint({Role.RECEIPT, Role.RECEIPT_SIGNATURE})


def send_receipt(app: App, attested: Attested, folder: Folder, *, where_missing: bool = False) -> Attested:
    """Puts the batch's receipt, and those that replaced it, into the partner's folder; with ``where_missing`` only
    those that do not lie there as they were sent. ``attested``: the batch, read just now (``App.attested``); returned
    with its receipt.
    """
    if Role.RECEIPT_SIGNATURE not in attested.files:
        attested = _with_receipt(app, attested, 1)
    for number in range(1, attested.batch.receipts_sent + 1):
        _put(app, attested, folder, number, where_missing=where_missing)
    return attested


def needs_another(app: App, batch: Batch, files: Mapping[str, FileRecord]) -> bool:
    """Whether the partner's last receipt does not say the due day that holds now, or one is made and not sent yet.
    ``files``: the batch's receipts and their signatures, by role.
    """
    last = _last_made(files)
    return bool(last) and (last > batch.receipts_sent or _told(app, files, last) != _tells(batch))


def send_another(app: App, batch: Batch, folder: Folder) -> int:
    """Makes the receipt that tells how the batch stands, unless the last one does, and sends what the partner lacks;
    the last one's number. It is made while nobody else changes the batch: of a batch that is refused meanwhile the last
    receipt says so, whoever makes one.
    """
    app.register.record_made(batch.id, _another(app))
    attested = app.attested(batch.id)
    last = _last_made(attested.files)
    for number in range(attested.batch.receipts_sent + 1, last + 1):
        _put(app, attested, folder, number)
    app.register.clock.renewed(batch.id, last)
    return last


def _another(app: App) -> ReceiptOf:
    """For the register, as :func:`first_receipt`: nothing where the last receipt tells how the batch stands."""

    def made(batch: Batch, files: Mapping[str, FileRecord]) -> list[FileRecord]:
        last = _last_made(files)
        if last and _told(app, files, last) == _tells(batch):
            return []
        return _made(app, Attested(batch, files, {}, held=False), last + 1)

    return made


def send_refusal(app: App, batch: Batch, folder: Folder) -> None:
    """Tells the partner that a batch, accepted before, was refused after all; once, however often it is run."""
    send_another(app, batch, folder)


def _put(app: App, attested: Attested, folder: Folder, number: int, *, where_missing: bool = False) -> None:
    """The signature first."""
    files = [attested.file(numbered(role, number)) for role in (Role.RECEIPT_SIGNATURE, Role.RECEIPT)]
    if where_missing and all(folder.is_there(kept.name, kept.size, kept.sha256) for kept in files):
        return
    folder.deliver_together([(kept.name, app.archive.verified_path(kept.sha256), kept.sha256) for kept in files])


def _last_made(files: Mapping[str, FileRecord]) -> int:
    """The number of the last receipt that is made and signed; 0 where there is none."""
    number = 0
    while numbered(Role.RECEIPT_SIGNATURE, number + 1) in files:
        number += 1
    return number


def _told(app: App, files: Mapping[str, FileRecord], number: int) -> tuple[str, DueDay | None]:
    """The outcome that the n-th receipt says, and the due day."""
    receipt = parse(Receipt, app.archive.read(files[numbered(Role.RECEIPT, number)].sha256))
    return receipt.outcome, receipt.due


def _tells(batch: Batch) -> tuple[str, DueDay | None]:
    """What a receipt made now would say."""
    return ("refused", None) if batch.state is State.REFUSED else ("accepted", due_day(batch))


def first_receipt(app: App) -> ReceiptOf:
    """For the register, which calls it in the transaction that accepts or refuses a set: makes and keeps the receipt
    and its signature.
    """

    def made(batch: Batch, files: Mapping[str, FileRecord]) -> list[FileRecord]:
        return _made(app, Attested(batch, files, {}, held=False), 1)

    return made


def _with_receipt(app: App, attested: Attested, number: int) -> Attested:
    """The batch with its n-th receipt. Receipt and signature are written to the ledger together; where another process
    makes the same receipt at this moment, the one that was written first is sent.
    """
    recorded = app.register.record_files(attested.batch.id, _made(app, attested, number))
    app.keep_checkpoint()
    return replace(attested, files={**attested.files, **{file.role: file for file in recorded}})


def _made(app: App, attested: Attested, number: int) -> list[FileRecord]:
    """Makes and keeps the n-th receipt and its signature. One that an earlier version of this software recorded without
    a signature is signed.
    """
    role = numbered(Role.RECEIPT, number)
    begun = attested.files.get(role)
    if begun is None:
        content = write(_receipt(app, attested, number))
        begun = _kept_as(app, role, f"{_answer_stem(attested)}.{role}.json", content)
    signature = sign(app.archive.read(begun.sha256), app.signing)
    return [begun, _kept_as(app, numbered(Role.RECEIPT_SIGNATURE, number), begun.name + SIGNATURE_SUFFIX, signature)]


def _kept_as(app: App, role: str, name: str, content: bytes) -> FileRecord:
    return FileRecord(role, name, app.archive.keep(content), len(content))


def _receipt(app: App, attested: Attested, number: int) -> Receipt:
    batch = attested.batch
    kept = [attested.files.get(role) for role in (Role.MANIFEST, Role.SIGNATURE, Role.DATA)]
    files = [File(name=file.name, size=file.size, sha256=file.sha256) for file in kept if file is not None]
    refusal = None
    if batch.state is State.REFUSED and batch.refusal_code is not None:
        words = refused_words(batch.refusal_code, batch.refusal_row)
        refusal = Refusal(code=words.code, zh=words.zh, en=words.en, row=batch.refusal_row, column=batch.refusal_column)
    return Receipt(
        stage="test" if batch.is_test else None,
        batch=batch.id,
        partner=batch.partner,
        number=number if number > 1 else None,
        outcome="refused" if refusal else "accepted",
        received_at=batch.received_at.astimezone(OFFICE_ZONE),
        files=files,
        rows=batch.rows_in,
        due=due_day(batch) if batch.state is not State.REFUSED else None,
        legal_bases=_bases(app, attested),
        refusal=refusal,
        register_=app.keep_checkpoint(),
    )


def _later(batch: Batch) -> list[str]:
    return sorted(later_items(batch.cycle or "", batch.items))


def _bases(app: App, attested: Attested) -> list[Basis] | None:
    """The legal bases that the receipt names: of an accepted batch, and of one that is refused because of them. Of
    other refused ones none: nothing that they say is believed.
    """
    batch = attested.batch
    if batch.state is State.REFUSED and batch.refusal_code != NOT_IN_FORCE:
        return None
    manifest = app.manifest(batch)
    return named(agreed(app, attested), manifest.purpose)


def due_day(batch: Batch) -> DueDay:
    """The due day of an accepted batch; Halt where the register has none."""
    if batch.due_on is None:
        msg = f"{batch.id} was accepted without a due day"
        raise Halt(msg)
    return DueDay(
        day=batch.due_on,
        items=None if batch.due_last is None else dict.fromkeys(_later(batch), batch.due_last),
        provisional=batch.due_provisional,
        original=batch.due_original if batch.due_original != batch.due_on else None,
        clock_stands=True if batch.clock_stands else None,
    )
