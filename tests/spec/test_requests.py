"""The cases of ``requests.toml`` and ``elsewhere.toml``: a signed manifest, trusted or refused under an agreement.

A case changes the file's sound ``request`` (a field by its path, as ``data.name``); one with neither refusal nor column
is trusted.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict

from exchange.agreements.agreement import Agreement
from exchange.base.errors import Refused
from exchange.base.tables import ELSEWHERE, REFUSALS
from exchange.docs.specifications import FOLDER, read_specification
from exchange.steps.trust import trusted_manifest
from exchange.wire.envelope import KeyPair, sign
from exchange.wire.manifest import RequestManifest

REQUESTS: Final = read_specification(FOLDER / "requests.toml")
ELSEWHERES: Final = read_specification(FOLDER / "elsewhere.toml")


class Case(BaseModel):
    """``agreement``: fields that take the place of the file's. ``signed``: with the partner's key, another one, or so
    that the manifest was altered afterwards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    request: dict[str, Any] = {}
    without: tuple[str, ...] = ()
    signed: Literal["by_the_partner", "by_another", "then_altered"] = "by_the_partner"
    received: datetime | None = None
    agreement: dict[str, Any] = {}
    refusal: str | None = None
    column: str | None = None


CASES: Final = [
    *[(f"requests-{number}", Case(**case)) for number, case in enumerate(REQUESTS.cases, 1)],
    *[(f"elsewhere-{number}", Case(**case)) for number, case in enumerate(ELSEWHERES.cases, 1)],
]


def made(name: str) -> KeyPair:
    """A key with a certificate that is valid as long as the file says; in memory only."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    valid = REQUESTS.settings["certificate"]
    certificate = certificate.not_valid_before(valid["valid_from"]).not_valid_after(valid["valid_until"])
    return KeyPair(key, certificate.sign(key, hashes.SHA256()), (Path(), Path()))


@pytest.fixture(scope="module")
def identities() -> dict[str, KeyPair]:
    return {name: made(name) for name in ("partner", "another")}


@pytest.fixture(scope="module")
def agreement(identities: dict[str, KeyPair], tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    """The file's, with what no case is about."""
    path = tmp_path_factory.mktemp("certificates") / "partner.pem"
    path.write_bytes(identities["partner"].certificate.public_bytes(serialization.Encoding.PEM))
    rest = {
        "sftp": {"host": "127.0.0.1", "username": "partner", "host_key": "ssh-ed25519 AAAA"},
        "certificates": {"signing": path, "encryption": path},
        "contact": {"name": "经办人（虚构）", "telephone": "0"},
    }
    return Agreement(**REQUESTS.settings["agreement"], **rest)


def manifest_of(case: Case) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(json.dumps(REQUESTS.settings["request"]))
    for path, value in case.request.items():
        section, _, field = path.rpartition(".")
        (manifest[section] if section else manifest)[field] = value
    return {field: value for field, value in manifest.items() if field not in case.without}


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{n}-{c.en}".replace(" ", "_") for n, c in CASES])
def test_request(agreement: Agreement, identities: dict[str, KeyPair], case: Case) -> None:
    content = json.dumps(manifest_of(case), ensure_ascii=False).encode()
    signature = sign(content, identities["another" if case.signed == "by_another" else "partner"])
    if case.signed == "then_altered":
        content = content.replace(b'"rows": 1', b'"rows": 2')
    agreement = Agreement.model_validate(agreement.model_dump() | case.agreement)
    now = case.received or REQUESTS.settings["received"]
    name = REQUESTS.settings["request"]["batch"]
    if case.refusal is None:
        assert trusted_manifest(agreement, content, signature, name, now) == RequestManifest(**manifest_of(case))
        return
    with pytest.raises(Refused) as refused:
        trusted_manifest(agreement, content, signature, name, now)
    assert (refused.value.code, refused.value.column) == (case.refusal, case.column)


def test_everything_that_the_police_do_not_answer_has_its_case() -> None:
    asked = {item for _, case in CASES for item in case.request.get("items", ())}
    assert set(ELSEWHERE) <= asked


def test_the_files_hold_nothing_else() -> None:
    assert set(REQUESTS.settings) == {"received", "certificate", "agreement", "request"}
    assert not ELSEWHERES.settings
    assert not {**REQUESTS.tables, **ELSEWHERES.tables}
    assert {case.refusal for _, case in CASES} - {None} <= set(REFUSALS)
