"""Certificates of conformance: what a partner must have shown in its tests before it is live, and the signed paper.

Rules
- What is to be shown is listed in ``schemas/conformance.toml``; whether it was shown is read from the register alone,
  of test batches that the partner itself sent. Nobody's statement counts.
- The certificate names, for each requirement, the batch that shows it, the day and the versions. It is archived, its
  hash goes into the ledger, and it is put into the partner's folder, signed as it is sent; made again, it is a new one
  with a new number, unless it would say the same on the same day: then the one that stands is sent again.
- "A key was changed" is shown by a set that was accepted under keys of which none had been used for an earlier accepted
  set; a new certificate of the same key does not show it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.paths import SCHEMAS
from exchange.calendar.working_days import office_day
from exchange.register import Role, State
from exchange.register.tests_of import TestBatch, test_batches
from exchange.status.facts import FORMATS
from exchange.steps.notice import send_signed
from exchange.wire.conformance import Certificate, Shown
from exchange.wire.envelope import sign
from exchange.wire.manifest import ENVELOPE_SUFFIX, write

_ANSWERED: Final = (State.DELIVERED, State.CLOSED)
_NOT_ACCEPTED: Final = (State.CLAIMED, State.REFUSED)


@dataclass(frozen=True)
class Requirement:
    """A requirement. ``about``: the purpose, where each purpose must show it; ``by``: the batch that shows it."""

    code: str
    zh: str
    en: str
    about: str | None = None
    by: str | None = None


def requirements(app: App, agreement: Agreement) -> list[Requirement]:
    """All requirements of this partner, each with the batch that shows it, or with none."""
    tests = test_batches(app.register.engine, agreement.partner)
    listed = []
    for entry in _table():
        code, words = entry["code"], (entry["zh"], entry["en"])
        abouts = [purpose.code for purpose in agreement.purposes] if entry.get("for_each") == "purpose" else [None]
        for about in abouts:
            shown = next(_SHOWN_BY[code](app, tests, about or ""), None)
            listed.append(Requirement(code, *words, about, shown))
    return listed


def certify(app: App, agreement: Agreement, needed: Sequence[Requirement]) -> str:
    """Makes, registers and sends the certificate of a partner that has shown all; returns the file's name."""
    shown = [Shown(code=test.code, about=test.about, zh=test.zh, en=test.en, batch=str(test.by)) for test in needed]
    content = write(
        Certificate(
            office=app.settings.office,
            partner=agreement.partner,
            zh=agreement.zh,
            agreement=agreement.number,
            certified_on=office_day(app.now()),
            software=_software(),
            formats=list(FORMATS),
            forms=_forms(test_batches(app.register.engine, agreement.partner)),
            shown=shown,
        )
    )
    signature, digest = sign(content, app.signing), app.archive.keep(content)
    newest = app.register.conformance.newest(agreement.partner)
    if newest is None or newest.sha256 != digest:  # else it was cut off before it was sent
        app.register.conformance.certify(agreement.partner, digest, app.now())
    name = f"{agreement.partner}.conformance.json"
    with app.folder(agreement) as folder:
        send_signed(app, folder, name, content, signature)
    return name


Shower = Callable[[App, Sequence[TestBatch], str], Iterator[str]]
"""The batches that show something, the first of them first; the text is the purpose."""


def _set_answered(_: App, tests: Sequence[TestBatch], purpose: str) -> Iterator[str]:
    for test in tests:
        batch = test.batch
        if batch.purpose == purpose and batch.objects_to is None and batch.state in _ANSWERED and 1 in test.taken:
            yield batch.id


def _refusal_understood(_: App, tests: Sequence[TestBatch], __: str) -> Iterator[str]:
    refused = False
    for test in tests:
        if refused and test.batch.state not in _NOT_ACCEPTED:
            yield test.batch.id
        refused |= test.batch.state is State.REFUSED


def _objection(_: App, tests: Sequence[TestBatch], __: str) -> Iterator[str]:
    for test in tests:
        if test.batch.objects_to is not None and test.batch.state not in _NOT_ACCEPTED:
            yield test.batch.id


def _supplement_taken(_: App, tests: Sequence[TestBatch], __: str) -> Iterator[str]:
    for test in tests:
        if any(number > 1 for number in test.taken):
            yield test.batch.id


def _key_changed(app: App, tests: Sequence[TestBatch], _: str) -> Iterator[str]:
    before: list[frozenset[bytes]] = []
    for test in tests:
        if test.signing is None or test.batch.state in _NOT_ACCEPTED:
            continue
        if app.archive.is_gone(test.signing) and Role.AGREED_SIGNING in app.register.retention.destroyed(test.batch.id):
            continue  # past its time
        certificates = x509.load_pem_x509_certificates(app.archive.read(test.signing))
        pinned = frozenset(_key_of(certificate) for certificate in certificates)
        if any(pinned.isdisjoint(earlier) for earlier in before):
            yield test.batch.id
        before.append(pinned)


def _key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


_SHOWN_BY: Final = MappingProxyType[str, Shower](
    {
        "set_answered": _set_answered,
        "refusal_understood": _refusal_understood,
        "objection": _objection,
        "supplement_taken": _supplement_taken,
        "key_changed": _key_changed,
    }
)


def _forms(tests: Sequence[TestBatch]) -> list[str]:
    """Of the data files that were answered, and the answers taken: by form, and whether they were encrypted."""
    names = [test.data for test in tests if test.data is not None and test.batch.state in _ANSWERED and test.taken]
    encrypted = {name: ENVELOPE_SUFFIX if name.endswith(ENVELOPE_SUFFIX) else "" for name in names}
    return sorted({name.removesuffix(end).rpartition(".")[2] + end for name, end in encrypted.items()})


@cache
def _table() -> list[dict[str, str]]:
    table = tomllib.loads((SCHEMAS / "conformance.toml").read_text(encoding="utf-8"))
    return [dict(entry) for entry in table["requirement"]]


def _software() -> str:
    try:
        return version("household-exchange")
    except PackageNotFoundError:
        return "unknown"
