"""Receive: fetch the set, keep it as it came, accept or refuse it, send the receipt, remove it from the folder.

Rules
- Manifest and signature were kept by the collector when it claimed the set; the data file is fetched here and kept
  before anything reads it.
- What lies in the archive already is not fetched again where the register says that this partner sent it, nor, where it
  is at the partner's no more, where our own receipt says so (``first_day.py``): who knows the hash of somebody's file
  is answered about no file but the one that it sent.
- A data file whose hash is not the manifest's may still be on its way: the set is left alone and tried again until the
  office's patience with incomplete sets ends; then it is refused. One that this office has had and lost is not refused
  (``first_day.py``).
- The receipt is written once, with the judgement (``receipt.py``), and kept; a re-run sends the same bytes again. It is
  sent once the ledger's line about both was read.
- A letter's number and a handler's name are texts that a partner types. The register, whose lines nothing takes back,
  has them without the identity numbers that may stand in them, and without what shows nothing, which hides a number's
  digits from each other or has a text read backwards; the manifest is kept as it was signed.
- The set is removed from the partner's folder only after its receipt is there, and only what is still the set that was
  kept (``clearing.py``): under its names another one may lie by then, which nobody has seen. A server that does not
  allow that holds up no answer: each later look into the folder tries again, and has the trouble.
- Once the result is made, or a refusal's receipt is past its time, nothing is left to receive, whatever became of
  agreement and server.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from secrets import token_hex
from typing import Final

from exchange.agreements.agreement import Agreement
from exchange.agreements.expected import arrival
from exchange.app import App
from exchange.base.errors import Refused, Retryable
from exchange.base.files import make_folder
from exchange.base.invisible import as_shown
from exchange.base.timing import stage
from exchange.calendar.deadlines import later_items
from exchange.calendar.working_days import due_after, due_date, office_day
from exchange.output.typed_numbers import without_numbers
from exchange.register import Batch, FileRecord, Role, State, file_of
from exchange.register.files import has_sent
from exchange.steps.agreed import Version, check_shown, keep_version, read_version, stage_of
from exchange.steps.answers import fresh_sources
from exchange.steps.bases import check_bases
from exchange.steps.clearing import READ_TWICE, Fetched, clear_away
from exchange.steps.first_day import check_not_lost, was_received
from exchange.steps.objection import answers_are_there, check_objection
from exchange.steps.receipt import first_receipt, is_past, send_receipt, stem_of
from exchange.steps.request import check_request
from exchange.steps.trust import is_fetched, trusted_manifest
from exchange.wire.connection import Unsettled
from exchange.wire.manifest import DATA_FORMS, ENVELOPE_SUFFIX, RequestManifest, parse
from exchange.wire.transport import Folder, RemoteFile

log = logging.getLogger(__name__)

_UNANSWERED: Final = frozenset({State.CLAIMED, State.ACCEPTED, State.REFUSED})
"""States of a batch whose receipt may not lie at the partner's yet."""


def receive(app: App, batch_id: str) -> bool:
    """From claimed to accepted or refused, with the receipt delivered; whether the batch was accepted. May be run
    again.
    """
    batch, known = app.register.batch_and_files(batch_id)
    if batch.objects_to is not None and app.register.attested(batch_id).opened_here:
        return batch.state is not State.REFUSED  # it did not come from a partner, whom no receipt tells of it
    if batch.state not in _UNANSWERED:
        return True
    if batch.state is State.REFUSED and is_past(app, batch_id):
        log.info("%s: was refused, and its receipt is past its time: nothing is sent any more", batch_id)
        return False
    version = read_version(app, batch.partner)
    with app.folder(version.agreement) as folder:
        fetched = _judge(app, version, batch, known, folder) if batch.state is State.CLAIMED else None
        attested = app.attested(batch_id)
        batch = attested.batch  # another run may have taken it further meanwhile
        if batch.state in (State.ACCEPTED, State.REFUSED):
            attested = send_receipt(app, attested, folder)
            log.info("%s: the receipt is delivered, the set is kept", batch_id)
            clear_away(folder, batch_id, attested.files, fetched)
    return batch.state is not State.REFUSED


def _judge(app: App, version: Version, batch: Batch, known: Mapping[str, FileRecord], folder: Folder) -> Fetched | None:
    """Writes down which data file is kept, and whether the set is accepted, with its due day, or refused, with the
    reason. The large data file that was fetched; None where none was. ``known``: the set's files in the register.
    """
    agreement = version.agreement
    content = app.archive.read(batch.manifest_sha256)
    data, fetched = _fetch_data(app, agreement, batch, content, known, folder)
    new = [] if data is None or Role.DATA in known else [data]
    try:
        manifest = _trusted(app, version, batch, content, known, data)
        _accept(app, agreement, batch, manifest, [*new, *keep_version(app, version)])
    except Refused as refusal:
        stage = stage_of(agreement)
        app.register.refuse(
            batch.id,
            refusal.code,
            row=refusal.row,
            column=refusal.column,
            stage=stage,
            files=new,
            receipt=first_receipt(app),
        )
        log.warning("%s: %s", batch.id, refusal)
    return fetched


def _accept(
    app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, files: Sequence[FileRecord]
) -> None:
    """Records what is asked, under which agreement, and when it is due; Refused where the period cannot be asked for
    now (``agreements/expected.py``). ``files``: of the set and of the agreement.
    """
    received, days = office_day(batch.received_at), app.office_days
    expected = agreement.expects(manifest.cycle, manifest.purpose)
    oldest = app.settings.policy.oldest_period_days
    came = arrival(manifest.cycle, manifest.period, received, expected, days, oldest)
    due = due_date(manifest.cycle, received, days, items=manifest.items)
    last = max(later_items(manifest.cycle, manifest.items).values(), default=None)
    app.register.accept(
        batch.id,
        _as_registered(manifest, received),
        due,
        due_last=None if last is None else due_after(last, received, days),
        files=files,
        arrival=came,
        at_most=expected.sets if expected else None,
        stage=stage_of(agreement),
        receipt=first_receipt(app),
        pins=fresh_sources(app, replace(batch, items=tuple(manifest.items), stage=stage_of(agreement))),
    )
    log.info("%s: accepted, %d rows, due %s", batch.id, manifest.rows, due.day)


def _as_registered(manifest: RequestManifest, today: date) -> RequestManifest:
    """The manifest without the identity numbers in what the partner typed, and without what shows nothing."""
    letter = None if manifest.letter is None else without_numbers(as_shown(manifest.letter), today)
    handler = without_numbers(as_shown(manifest.handler), today)
    return manifest.model_copy(update={"letter": letter, "handler": handler})


def _trusted(
    app: App,
    version: Version,
    batch: Batch,
    content: bytes,
    known: Mapping[str, FileRecord],
    data: FileRecord | None,
) -> RequestManifest:
    """The manifest of a set that can be answered, of which this data file is kept; Refused with what is wrong with it.
    ``content``: the manifest's bytes; ``known``: the set's files in the register.
    """
    agreement = version.agreement
    signature = app.archive.read(file_of(batch.id, known, Role.SIGNATURE).sha256)
    manifest = trusted_manifest(agreement, content, signature, stem_of(batch.id, known), batch.received_at)
    if batch.id != manifest.batch:
        raise Refused("batch_id_reused", column="batch")
    if data is None or data.sha256 != manifest.data.sha256:
        raise Refused("data_hash", column="data.sha256")
    check_bases(agreement, manifest, office_day(batch.received_at))
    check_objection(app.register, manifest, stage_of(agreement))
    if manifest.objects_to is not None and not answers_are_there(app, manifest.objects_to):
        raise Refused("objection_past", column="objects_to")
    check_request(app, agreement, manifest, office_day(batch.received_at))
    check_shown(app, agreement, version.conformed, manifest.purpose)
    return manifest


def _fetch_data(
    app: App,
    agreement: Agreement,
    batch: Batch,
    content: bytes,
    known: Mapping[str, FileRecord],
    folder: Folder,
) -> tuple[FileRecord | None, Fetched | None]:
    """Fetches and keeps the data file that bears the name in the manifest, whatever its hash; None where there is none.
    Where an earlier try has recorded one, that one. Beside it what was fetched, where it is large.
    """
    try:
        manifest = parse(RequestManifest, content)
    except Refused:
        manifest = None
    if manifest is None or not is_fetched(manifest, agreement):  # why it is refused, trust.py says
        return known.get(Role.DATA) or _keep_unnamed(app, agreement, batch, stem_of(batch.id, known), folder), None
    data, fetched, before = manifest.data, None, None
    digest = data.sha256
    if not (app.archive.touch(digest) and has_sent(app.register.engine, digest, batch.partner)):
        # A name of its own for each try: one that was given up for dead on another machine may still be writing.
        place = make_folder(app.settings.home / "incoming") / f"{batch.manifest_sha256}.{token_hex(4)}"
        if data.size > READ_TWICE and (sign := folder.sign(data.name)) is not None:
            before = RemoteFile(data.name, *sign)
        try:
            with stage("fetch"):
                digest = folder.fetch(data.name, place, limit=agreement.limits.max_bytes, expected_size=data.size)
        except Unsettled:
            stem = stem_of(batch.id, known)
            if app.archive.touch(digest) and was_received(app, folder, batch, stem, digest):
                return FileRecord(Role.DATA, data.name, digest, data.size), None
            if _may_still_come(app, batch):
                raise
            check_not_lost(app, folder, batch, stem)
            return known.get(Role.DATA), None
        if digest != data.sha256 and _may_still_come(app, batch):
            place.unlink()
            msg = f"{batch.id}: the data file is not the one of the manifest; it may still be on its way"
            raise Retryable(msg)
        fetched = None if before is None else Fetched.of(before, place)
        app.archive.keep_file(place, digest)
    return known.get(Role.DATA) or FileRecord(Role.DATA, data.name, digest, data.size), fetched


def _keep_unnamed(app: App, agreement: Agreement, batch: Batch, stem: str, folder: Folder) -> FileRecord | None:
    """Fetches and keeps the data file with the same stem as the manifest, where the manifest names none, so that it is
    removed with the rest of the set. One beyond the agreed size stays in the folder, and gets a notice.
    """
    names = {f"{stem}.{form}{suffix}" for form in DATA_FORMS for suffix in ("", ENVELOPE_SUFFIX)}
    for file in folder.list_requests():
        if file.name not in names or file.size > agreement.limits.max_bytes:
            continue
        place = make_folder(app.settings.home / "incoming") / f"{batch.manifest_sha256}.{token_hex(4)}"
        try:
            digest = folder.fetch(file.name, place, limit=agreement.limits.max_bytes, expected_size=file.size)
        except Unsettled:
            continue  # still growing, or gone
        app.archive.keep_file(place, digest)
        return FileRecord(Role.DATA, file.name, digest, file.size)
    return None


def _may_still_come(app: App, batch: Batch) -> bool:
    return app.now() < batch.received_at + app.settings.policy.incomplete_after
