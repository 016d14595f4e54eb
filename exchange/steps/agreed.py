"""The version of the agreement under which a batch was accepted.

Rules
- At acceptance the agreement's bytes and its certificates go into the archive, their hashes into the ledger: those by
  which the set was judged; where somebody changed a certificate meanwhile, it is judged again. Every later step,
  supplement and second look uses that version; what the file says today decides about later batches only.
- Server, host key and certificates are those of today (``agreements.OF_TODAY``): nothing is encrypted to a key that was
  revoked, a server that moved is found.
- A version of before the catalogue of legal bases is read with today's bases (``agreements/older_form.py``).
- The assessment of the effect on personal information is asked for at acceptance: one that ends, or a version of before
  that names none, stops no batch that was accepted.
- Test or live is what the version says under which the batch was accepted, whatever the agreement becomes; the register
  says the same, or nothing is answered. A live agreement needs a certificate of conformance or a leader's exemption;
  a certificate lets those purposes be live that it names, and a purpose that was added later waits for the next one.
- A batch that was accepted before versions were kept goes on with the agreement of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from exchange.base.errors import Halt, Retryable
from exchange.base.toml import read_bytes
from exchange.calendar.working_days import office_day
from exchange.register import Attested, FileRecord, Role
from exchange.register.conformance import Conformed
from exchange.wire.conformance import Certificate
from exchange.wire.manifest import parse


@dataclass(frozen=True)
class Version:
    """A partner's agreement as its file says now, with the file's bytes and those of its certificates. ``conformed``:
    the certificate of conformance or exemption by which the partner is live; None of a test, and of an agreement of
    before that names no stage.
    """

    agreement: Agreement
    content: bytes
    certificates: Mapping[Role, bytes]
    conformed: Conformed | None


def read_version(app: App, partner: str) -> Version:
    """The partner's agreement as its file says now. Halt where the file cannot be read (``load_agreement``), where it
    is in force without an assessment, and where :func:`check_conforms` stops it.
    """
    path = app.agreement_file(partner)
    content = agreement_bytes(path)
    agreement = with_certificates(parse_agreement(content, path), path)
    check_assessed(agreement, office_day(app.now()))
    certificates = {role: _read(certificate) for role, certificate in _certificates(agreement).items()}
    return Version(agreement, content, certificates, check_conforms(app, agreement))


def _certificates(agreement: Agreement) -> Mapping[Role, Path]:
    pinned = agreement.certificates
    return {Role.AGREED_SIGNING: pinned.signing, Role.AGREED_ENCRYPTION: pinned.encryption}


def _read(certificate: Path) -> bytes:
    """The certificate's file; Halt where it was taken away since the agreement was read, as a revoked one is."""
    return read_bytes(certificate, f"{certificate}: no such file beside the agreement", zh="协议旁没有此证书文件")


def stage_of(agreement: Agreement) -> Literal["test"] | None:
    """The stage of batches that are accepted under this agreement: ``test``, or None of a live one."""
    return "test" if agreement.is_test else None


def check_conforms(app: App, agreement: Agreement) -> Conformed | None:
    """The certificate of conformance or exemption by which the agreement is live; None of a test. Halt where it is live
    and there is neither. An agreement of before stages existed, which names none, needs neither, unless the partner was
    in its tests meanwhile: leaving the stage out again is no way around the tests.
    """
    if agreement.is_test:
        return None
    conformance, partner = app.register.conformance, agreement.partner
    is_live = agreement.stage == "live"
    newest, tested = (conformance.newest(partner), False) if is_live else conformance.newest_or_tested(partner)
    if newest is None and (is_live or tested):
        msg = (
            f'{partner}: stage = "live" needs a certificate of conformance (exchange partner certify), or a'
            " leader's exemption (exchange partner exempt)"
        )
        raise Halt(msg, zh=f"{partner}：正式阶段须有合格证书或领导豁免")
    return newest


def check_shown(app: App, agreement: Agreement, conformed: Conformed | None, purpose: str) -> None:
    """Halt where the agreement is live by a certificate that does not name this purpose. ``conformed``: see
    :class:`Version`.
    """
    if purpose in unshown(app, agreement, conformed):
        msg = (
            f"{agreement.partner}: purpose {purpose} was added after its certificate of conformance and was not shown;"
            " its sets wait for the next certificate (exchange partner certify), or a leader's exemption"
            " (exchange partner exempt)"
        )
        zh = f"{agreement.partner}：用途 {purpose} 是合格证书之后增加的，未经试办；其请求待重发证书或领导豁免后办理"
        raise Halt(msg, zh=zh)


def unshown(app: App, agreement: Agreement, conformed: Conformed | None) -> list[str]:
    """The codes of purposes that the certificate of conformance (``conformed``) does not name, in the agreement's
    order; none where the agreement is live without a certificate.
    """
    if conformed is None or conformed.sha256 is None:
        return []
    shown = {test.about for test in parse(Certificate, app.archive.read(conformed.sha256)).shown}
    return [purpose.code for purpose in agreement.purposes if purpose.code not in shown]


def keep_version(app: App, version: Version) -> list[FileRecord]:
    """Keeps the agreement's bytes and its two certificates in the archive; their records, for the ledger. Retryable
    where a certificate is not what it was when the version was read.
    """
    kept = [_kept(app, Role.AGREEMENT, f"{version.agreement.partner}.toml", version.content)]
    for role, path in _certificates(version.agreement).items():
        content = version.certificates[role]
        if not path.is_file() or _read(path) != content:
            msg = f"{path.name} was changed while a set was judged"
            raise Retryable(msg, zh=f"判定请求期间 {path.name} 有变动")
        kept.append(_kept(app, role, path.name, content))
    return kept


def agreed(app: App, attested: Attested) -> Agreement:
    """The agreement as it was when the batch was accepted, with the server and the certificates of today. Halt where it
    and the register do not say the same stage.
    """
    batch = attested.batch
    today = app.agreement(batch.partner)
    version = attested.files.get(Role.AGREEMENT)
    if version is None:
        return today
    then = parse_kept(app.archive.read(version.sha256), Path(version.name), batch.purpose or "", today)
    if then.is_test != batch.is_test:
        msg = f"{batch.id} and the agreement under which it was accepted do not say the same stage; a person must look"
        raise Halt(msg, zh=f"{batch.id} 与其受理时的协议所载阶段（测试或正式）不符，请查明")
    return then.model_copy(update={field: getattr(today, field) for field in OF_TODAY})


def _kept(app: App, role: Role, name: str, content: bytes) -> FileRecord:
    return FileRecord(role, name, app.archive.keep(content), len(content))
