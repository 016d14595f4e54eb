"""Receive: fetch the set, keep it as it came, trust it or refuse it, send the receipt, clear it away.

Rules
- Manifest and signature were kept by the collector when it claimed the set; the data file is fetched here and kept
  before anything reads it.
- A data file whose hash is not the manifest's may still be on its way: the set is left alone and tried again until the
  office's patience with incomplete sets ends; then it is refused.
- The receipt is written once, from what the register says, and kept; a re-run sends the same bytes again.
- The set is removed from the partner's folder only after its receipt is there.
"""

from __future__ import annotations

import logging
from secrets import token_hex

from exchange.agreements import Agreement
from exchange.errors import Refused, Retryable
from exchange.expected import arrival
from exchange.files import make_folder
from exchange.manifest import RequestManifest, parse
from exchange.office import Office
from exchange.register import Batch, Role, State
from exchange.stages import stage
from exchange.steps.agreed import keep_version, read_version
from exchange.steps.objection import check_objection
from exchange.steps.receipt import manifest_stem, send_receipt
from exchange.steps.request import check_request
from exchange.steps.trust import is_fetched, trusted_manifest
from exchange.transport import Folder, Unsettled
from exchange.working_days import due_date, office_day

log = logging.getLogger(__name__)


def receive(office: Office, batch_id: str) -> bool:
    """From claimed to accepted or refused, receipt delivered; whether the batch was accepted."""
    batch = office.register.batch(batch_id)
    agreement, version = read_version(office, batch.partner)
    with office.folder(agreement) as folder:
        if batch.state is State.CLAIMED:
            batch = _judge(office, agreement, version, batch, folder)
        if batch.state in (State.ACCEPTED, State.REFUSED):
            send_receipt(office, batch, folder)
            _clear_away(office, batch, folder)
            log.info("%s: the receipt is delivered, the set is kept and cleared away", batch_id)
    return batch.state is not State.REFUSED


def _judge(office: Office, agreement: Agreement, version: bytes, batch: Batch, folder: Folder) -> Batch:
    """Writes down whether the set is accepted, with its due day, or refused, with the reason."""
    try:
        manifest = _trusted(office, agreement, batch, folder)
        _accept(office, agreement, version, batch, manifest)
    except Refused as refusal:
        office.register.refuse(batch.id, refusal.code, row=refusal.row, column=refusal.column)
        log.warning("%s: %s", batch.id, refusal)
    return office.register.batch(batch.id)


def _accept(office: Office, agreement: Agreement, version: bytes, batch: Batch, manifest: RequestManifest) -> None:
    """Writes down what is asked, under which agreement, and when it is due; Refused where the period is none to ask for
    now (expected.py).
    """
    received, days = office_day(batch.received_at), office.office_days
    expected = agreement.expects(manifest.cycle, manifest.purpose)
    oldest = office.settings.policy.oldest_period_days
    came = arrival(manifest.cycle, manifest.period, received, expected, days, oldest)
    due = due_date(manifest.cycle, received, days)
    office.register.accept(
        batch.id,
        manifest,
        due,
        agreed=keep_version(office, agreement, version),
        arrival=came,
        at_most=expected.sets if expected else None,
    )
    log.info("%s: accepted, %d rows, due %s", batch.id, manifest.rows, due.day)


def _trusted(office: Office, agreement: Agreement, batch: Batch, folder: Folder) -> RequestManifest:
    """The manifest of a set that can be answered; Refused with what is wrong with it."""
    content = office.archive.read(batch.manifest_sha256)
    signature = office.archive.read(office.register.file(batch.id, Role.SIGNATURE).sha256)
    whole = _fetch_data(office, agreement, batch, content, folder)
    stem = manifest_stem(office, batch)
    manifest = trusted_manifest(agreement, content, signature, stem, office.now())
    if batch.id != manifest.batch:
        raise Refused("batch_id_reused", column="batch")
    if not whole:
        raise Refused("data_hash", column="data.sha256")
    check_objection(office.register, manifest)
    check_request(office, agreement, manifest, office_day(batch.received_at))
    return manifest


def _fetch_data(office: Office, agreement: Agreement, batch: Batch, content: bytes, folder: Folder) -> bool:
    """Keeps the data file that the manifest names; whether it is the one that the manifest means."""
    try:
        manifest = parse(RequestManifest, content)
    except Refused:
        return False  # which file it means cannot be known; why it is refused, trust.py says
    data = manifest.data
    if not is_fetched(manifest, agreement):
        return False  # likewise
    digest = data.sha256
    if not office.archive.has(digest):
        # A name of its own for each try: one that was given up for dead on another machine may still be writing.
        fetched = make_folder(office.settings.home / "incoming") / f"{batch.manifest_sha256}.{token_hex(4)}"
        try:
            with stage("fetch"):
                digest = folder.fetch(data.name, fetched, limit=agreement.limits.max_bytes, expected_size=data.size)
        except Unsettled:
            if _may_still_come(office, batch):
                raise
            return False
        if digest != data.sha256 and _may_still_come(office, batch):
            fetched.unlink()
            msg = f"{batch.id}: the data file is not the one of the manifest; it may still be on its way"
            raise Retryable(msg)
        office.archive.keep_file(fetched, digest)
    office.register.record_file(batch.id, Role.DATA, data.name, digest, data.size)
    return digest == data.sha256


def _may_still_come(office: Office, batch: Batch) -> bool:
    return office.now() < batch.received_at + office.settings.policy.incomplete_after


def _clear_away(office: Office, batch: Batch, folder: Folder) -> None:
    """Removes from the partner's folder what is kept here."""
    for role in (Role.MANIFEST, Role.SIGNATURE, Role.DATA):
        if (kept := office.register.find_file(batch.id, role)) is not None:
            folder.remove(kept.name)
