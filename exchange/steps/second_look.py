"""A second look that an officer opens on behalf of the person asked about (个人信息保护法第四十六条).

Rules
- It is an objection to one row of an answered batch, made and kept here. It has no signature, by which it is told from
  a partner's objection (``Attested.opened_here``). Its limits are those of a partner's objection, its terms those of
  the batch objected to.
- It says the row's reference, encrypted to the office, and the number of the person's letter; no word about the person.
- The partner hears nothing of it, unless another answer comes of it: then a supplementary result that names the batch
  which it corrects.
- The same row and letter are the same second look: killed anywhere, the command is run again. A set that the partner
  sent under its id is none: a person has to look.

Source: Personal Information Protection Law, art. 46 and 50: who finds that what is held about them is wrong may have it
looked into and put right; the office has a way to take such requests.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import ValidationError

from exchange.app import App
from exchange.base.errors import Halt, Refused
from exchange.base.files import sha256
from exchange.base.tables import PENDING
from exchange.calendar.deadlines import OBJECTION
from exchange.calendar.working_days import due_date, office_day
from exchange.register import Batch, FileRecord, ReleaseState, Role, State
from exchange.steps.answers import BatchContext, has_code
from exchange.steps.deliver import deliver
from exchange.steps.objection import answers_are_there
from exchange.steps.process import process
from exchange.steps.rows import REFERENCE
from exchange.wire.envelope import encrypt
from exchange.wire.manifest import ENVELOPE_SUFFIX, REQUEST_SUFFIX, DataFile, RequestManifest, parse, write

_TERMS: Final = (Role.AGREEMENT, Role.AGREED_SIGNING, Role.AGREED_ENCRYPTION)
"""The files of the agreement under which a batch was accepted."""


def open_second_look(app: App, batch_id: str, row: int, letter: str) -> str:
    """Opens a second look at one row, or continues one that was cut off; its batch id. Halt where the row was not
    answered, shares its reference with another one, its data was destroyed, or the partner has taken the id.
    ``letter``: the number of the person's letter.
    """
    first = app.attested(batch_id).batch
    opened = f"{first.partner}.second-look-{sha256(f'{batch_id} {row} {letter}'.encode())[:16]}"
    look = app.register.find_batch(opened)
    if look is None:
        look = _claimed(app, first, row, letter, opened)
    if Role.SIGNATURE in app.attested(opened).files:
        msg = f"{opened} is a set that the partner sent: ask it to take it back, or open the look under another letter"
        raise Halt(msg, zh=f"{opened} 是协作部门发来的请求：请部门撤回，或另用来信编号")
    if look.state is State.CLAIMED:
        _accept(app, first, look)
    process(app, opened)
    deliver(app, opened)
    return opened


def _claimed(app: App, first: Batch, row: int, letter: str, opened: str) -> Batch:
    """The set, made and kept, and its id taken; of two who do so at once the first one's stands."""
    reference = _reference(app, first, row)
    table = pl.DataFrame({REFERENCE: [reference]}).write_csv().encode()
    data = encrypt(table, app.decryption.certificate)
    name = f"{opened}.csv{ENVELOPE_SUFFIX}"
    digest = app.archive.keep(data)
    manifest = write(
        _manifest(app, first, letter, opened, DataFile(name=name, size=len(data), sha256=digest, encrypted=True))
    )
    kept = FileRecord(Role.MANIFEST, f"{opened}{REQUEST_SUFFIX}", app.archive.keep(manifest), len(manifest))
    files = [kept, FileRecord(Role.DATA, name, digest, len(data))]
    app.register.claim(opened, first.partner, kept.sha256, files, app.now(), stage=first.stage)
    return app.register.batch(opened)


def _reference(app: App, first: Batch, row: int) -> str:
    """The row's reference; Halt where the row cannot be looked at again."""
    if first.state not in (State.DELIVERED, State.CLOSED) or first.objects_to is not None:
        msg = f"{first.id} is no answered batch, or an objection itself"
        raise Halt(msg, zh=f"{first.id} 不是已答复的批次，或本身就是异议")
    _check_not_past(app, first)
    if not 1 <= row <= (first.rows_in or 0):
        msg = f"{first.id} has rows 1 to {first.rows_in}"
        raise Halt(msg, zh=f"{first.id} 只有第 1 至 {first.rows_in} 行")
    context = BatchContext.of(app, first)
    references = context.claims([row])[REFERENCE]
    if context.rows_of(references) != [row]:
        msg = f"{first.id} row {row}: another row bears the same reference; the partner has to ask anew"
        raise Halt(msg, zh=f"{first.id} 第 {row} 行的业务编号与别行相同，须由部门另行报送")
    releases = app.register.releases.of(first.id)
    left = any(row in release.rows for release in releases if release.state is ReleaseState.DELIVERED)
    if not left and has_code(context.first_matched([row]), PENDING)[0]:
        msg = f"{first.id} row {row} was not answered yet"
        raise Halt(msg, zh=f"{first.id} 第 {row} 行尚未答复")
    return str(references[0])


def _manifest(app: App, first: Batch, letter: str, opened: str, data: DataFile) -> RequestManifest:
    try:
        return RequestManifest(
            format="exchange-request/1",
            partner=first.partner,
            batch=opened,
            cycle=OBJECTION,
            period=str(office_day(app.now())),
            purpose=first.purpose or "",
            legal_basis=first.legal_basis or "",
            letter=letter,
            handler=app.register.actor,
            items=list(first.items),
            objects_to=first.id,
            rows=1,
            data=data,
        )
    except ValidationError:
        msg = "the number of the letter is 1 to 200 characters without control characters"
        raise Halt(msg, zh="来信编号为 1 至 200 字，不含控制字符") from None


def _accept(app: App, first: Batch, opened: Batch) -> None:
    """Writes it down as an objection under the terms of the first batch."""
    _check_not_past(app, first)
    manifest = parse(RequestManifest, app.archive.read(opened.manifest_sha256))
    due = due_date(OBJECTION, office_day(opened.received_at), app.office_days, items=manifest.items)
    files = app.attested(first.id).files
    terms = [files[role] for role in _TERMS if role in files]
    try:
        app.register.accept(opened.id, manifest, due, files=terms, stage=first.stage)
    except Refused:  # it was claimed by a run that was cut off, and the night came between
        raise _past(first) from None


def _check_not_past(app: App, first: Batch) -> None:
    if Role.DATA in app.register.retention.destroyed(first.id) or not answers_are_there(app, first.id):
        raise _past(first)


def _past(first: Batch) -> Halt:
    msg = f"{first.id}: its data, or a snapshot that answered it, is past its time and was destroyed"
    return Halt(msg, zh=f"{first.id} 的数据或答复它的快照已过保存期并销毁")
