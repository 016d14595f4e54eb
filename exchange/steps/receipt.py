"""The receipt (回执): the office's first, signed answer to a set.

Rules: it says nothing that the register does not say; it is made once, kept in the archive, and every later sending
sends the same bytes. It bears the name of the partner's manifest; where the batch is not the one that this name first
stood for (a batch id used again), the name says so.
"""

from __future__ import annotations

from exchange.envelope import sign
from exchange.errors import Halt
from exchange.manifest import REQUEST_SUFFIX, SIGNATURE_SUFFIX, DueDay, File, Receipt, Refusal, write
from exchange.office import Office
from exchange.register import Batch, Role, State
from exchange.tables import REFUSALS
from exchange.transport import Folder
from exchange.working_days import OFFICE_ZONE

RECEIPT_SUFFIX = ".receipt.json"


def manifest_stem(office: Office, batch: Batch) -> str:
    """The partner's manifest's file name without its ending."""
    return office.register.file(batch.id, Role.MANIFEST).name.removesuffix(REQUEST_SUFFIX)


def answer_stem(office: Office, batch: Batch) -> str:
    """What the names of all answers to this batch begin with."""
    stem = manifest_stem(office, batch)
    return stem if batch.id == stem else f"{stem}.{batch.id.rpartition('.')[2]}"


def has_receipt(office: Office, batch: Batch) -> bool:
    """Whether the receipt is made already."""
    return office.register.find_file(batch.id, Role.RECEIPT_SIGNATURE) is not None


def send_receipt(office: Office, batch: Batch, folder: Folder) -> None:
    """Puts the batch's receipt and its signature into the partner's folder, the signature first."""
    name = answer_stem(office, batch) + RECEIPT_SUFFIX
    if not has_receipt(office, batch):
        _make_receipt(office, batch, name)
    for role in (Role.RECEIPT_SIGNATURE, Role.RECEIPT):
        kept = office.register.file(batch.id, role)
        folder.deliver(kept.name, office.archive.path(kept.sha256))


def _make_receipt(office: Office, batch: Batch, name: str) -> None:
    content = write(_receipt(office, batch))
    signature = sign(content, office.signing)
    digest, signature_digest = office.archive.keep(content), office.archive.keep(signature)
    office.register.record_file(batch.id, Role.RECEIPT, name, digest, len(content))
    office.register.record_file(
        batch.id, Role.RECEIPT_SIGNATURE, name + SIGNATURE_SUFFIX, signature_digest, len(signature)
    )


def _receipt(office: Office, batch: Batch) -> Receipt:
    kept = [office.register.find_file(batch.id, role) for role in (Role.MANIFEST, Role.SIGNATURE, Role.DATA)]
    files = [File(name=file.name, size=file.size, sha256=file.sha256) for file in kept if file is not None]
    refusal = None
    if batch.state is State.REFUSED and batch.refusal_code is not None:
        words = REFUSALS[batch.refusal_code]
        refusal = Refusal(code=words.code, zh=words.zh, en=words.en, row=batch.refusal_row, column=batch.refusal_column)
    return Receipt(
        batch=batch.id,
        partner=batch.partner,
        outcome="refused" if refusal else "accepted",
        received_at=batch.received_at.astimezone(OFFICE_ZONE),
        files=files,
        rows=batch.rows_in,
        due=due_day(batch) if batch.state is not State.REFUSED else None,
        refusal=refusal,
    )


def due_day(batch: Batch) -> DueDay:
    """The due day of an accepted batch; Halt where the register has none."""
    if batch.due_on is None:
        msg = f"{batch.id} was accepted without a due day"
        raise Halt(msg)
    return DueDay(day=batch.due_on, provisional=batch.due_provisional)
