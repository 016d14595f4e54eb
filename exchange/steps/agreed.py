"""The version of the agreement under which a batch was accepted.

Rules
- At acceptance the agreement's bytes and its certificates go into the archive, their hashes into the ledger. Every
  later step, supplement and second look uses that version; what the file says today decides about later batches only.
- Server, host key and certificates are those of today (``agreements.OF_TODAY``): a key that was revoked gets no result,
  a server that moved is found.
- A version of before the catalogue of legal bases is read with today's bases (``agreements/older_form.py``).
- The assessment of the effect on personal information is asked for at acceptance: one that ends, or a version of before
  that names none, stops no batch that was accepted.
- Test or live is what the version says under which the batch was accepted, whatever the agreement becomes; the register
  says the same, or nothing is answered. A live agreement needs a certificate of conformance or a leader's exemption;
  a certificate lets those purposes be live that it names, and a purpose that was added later waits for the next one.
- A batch that was accepted before versions were kept goes on with the agreement of today.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from exchange.agreements.agreement import (
    OF_TODAY,
    Agreement,
    agreement_bytes,
    check_assessed,
    parse_agreement,
    with_certificates,
)
from exchange.agreements.older_form import parse_kept
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.register import Attested, FileRecord, Role
from exchange.wire.conformance import Certificate
from exchange.wire.manifest import parse


def read_version(app: App, partner: str) -> tuple[Agreement, bytes]:
    """The partner's agreement as its file says now, and the file's bytes; Halt as ``load_agreement``, and where it
    is in force without an assessment.
    """
    path = app.agreement_file(partner)
    content = agreement_bytes(path)
    agreement = with_certificates(parse_agreement(content, path), path)
    check_assessed(agreement, office_day(app.now()))
    check_conforms(app, agreement)
    return agreement, content


def stage_of(agreement: Agreement) -> Literal["test"] | None:
    """What a batch bears that is accepted under this agreement: ``test``, or nothing of a live one."""
    return "test" if agreement.is_test else None


def check_conforms(app: App, agreement: Agreement) -> None:
    """Halt where the agreement is live, the partner has shown nothing and was not exempted. One of before that names no
    stage is let be, unless the partner was in its tests meanwhile: to leave the stage out again is no way round.
    """
    conformance, partner = app.register.conformance, agreement.partner
    if agreement.is_test or conformance.newest(partner) is not None:
        return
    if agreement.stage == "live" or conformance.was_tested(partner):
        msg = (
            f'{partner}: stage = "live" needs a certificate of conformance (exchange partner certify), or a'
            " leader's exemption (exchange partner exempt)"
        )
        raise Halt(msg, zh=f"{partner}：正式阶段须有合格证书或领导豁免")


def check_shown(app: App, agreement: Agreement, purpose: str) -> None:
    """Halt where the agreement is live by a certificate that does not name this purpose."""
    if purpose in unshown(app, agreement):
        msg = (
            f"{agreement.partner}: purpose {purpose} was added after its certificate of conformance and was not shown;"
            " its sets wait for the next certificate (exchange partner certify), or a leader's exemption"
            " (exchange partner exempt)"
        )
        zh = f"{agreement.partner}：用途 {purpose} 是合格证书之后增加的，未经试办；其请求待重发证书或领导豁免后办理"
        raise Halt(msg, zh=zh)


def unshown(app: App, agreement: Agreement) -> list[str]:
    """The purposes that the certificate of conformance does not name by which the agreement is live; none where it is
    live by an exemption, or as one of before.
    """
    newest = None if agreement.is_test else app.register.conformance.newest(agreement.partner)
    if newest is None or newest.sha256 is None:
        return []
    shown = {test.about for test in parse(Certificate, app.archive.read(newest.sha256)).shown}
    return [purpose.code for purpose in agreement.purposes if purpose.code not in shown]


def keep_version(app: App, agreement: Agreement, content: bytes) -> list[FileRecord]:
    """Keeps the agreement's bytes and its certificates in the archive."""
    certificates = agreement.certificates
    return [
        _kept(app, Role.AGREEMENT, f"{agreement.partner}.toml", content),
        *[
            _kept(app, role, path.name, path.read_bytes())
            for role, path in (
                (Role.AGREED_SIGNING, certificates.signing),
                (Role.AGREED_ENCRYPTION, certificates.encryption),
            )
        ],
    ]


def agreed(app: App, attested: Attested) -> Agreement:
    """The agreement as it was when the batch was accepted, with the server and the certificates of today."""
    batch = attested.batch
    today = app.agreement(batch.partner)
    version = attested.files.get(Role.AGREEMENT)
    if version is None:
        return today
    then = parse_kept(app.archive.read(version.sha256), Path(version.name), batch.purpose or "", today)
    if then.is_test != batch.is_test:
        msg = f"{batch.id} and the agreement under which it was accepted do not say the same stage; a person must look"
        raise Halt(msg)
    return then.model_copy(update={field: getattr(today, field) for field in OF_TODAY})


def _kept(app: App, role: Role, name: str, content: bytes) -> FileRecord:
    return FileRecord(role, name, app.archive.keep(content), len(content))
