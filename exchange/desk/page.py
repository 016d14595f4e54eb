"""The desk of one partner: the built page with the agreement and the office's tables in it.

Rules
- The page is built once (``make desk``) and carried as it is; made for a partner it differs in two data blocks only,
  which no browser runs, so that the hashes in its content security policy stay right.
- What the page is told: the agreement's terms, the certificates of both sides, the host key. No secret, nobody's data.
- The same agreement and certificates give the same page.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import LETTER_ITEMS, Purpose
from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.calendar.deadlines import OBJECTION, WORKING_DAYS
from exchange.desk.tables import desk_tables
from exchange.settings_sections import Keys
from exchange.wire.certificates import read_certificates

TEMPLATE: Final = ROOT / "desk" / "built" / "desk.html"
FORMAT: Final = "exchange-desk/1"
_EMPTY: Final = '<script type="application/json" id="{name}">null</script>'
_FILLED: Final = '<script type="application/json" id="{name}">{content}</script>'


def make_desk(agreement: Agreement, keys: Keys, oldest_period_days: int, telephone: str | None = None) -> bytes:
    """The page's bytes, UTF-8; Halt where the built page or a certificate is missing."""
    try:
        page = TEMPLATE.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"{TEMPLATE}: the built desk is not there; `make desk` builds it"
        raise Halt(msg, zh=f"没有制作好的 {TEMPLATE}，请执行 make desk") from None
    packed = base64.b64encode(zlib.compress(_json(desk_tables()).encode(), 9)).decode()
    office_facts = {"oldest_period_days": oldest_period_days, "telephone": telephone}
    page = _put(page, "agreement", _json(terms(agreement, keys) | office_facts))
    return _put(page, "tables", json.dumps(packed)).encode()


def terms(agreement: Agreement, keys: Keys) -> dict[str, Any]:
    """What the page knows of the agreement."""
    pinned, sftp = agreement.certificates, agreement.sftp.of_partner
    return {
        "format": FORMAT,
        "partner": agreement.partner,
        "zh": agreement.zh,
        "number": agreement.number,
        "stage": agreement.stage,
        "in_force_from": agreement.in_force_from.isoformat(),
        "in_force_until": agreement.in_force_until.isoformat(),
        "cycles": [cycle for cycle in WORKING_DAYS if cycle in (*agreement.cycles, OBJECTION)],
        "purposes": [_purpose(purpose) for purpose in agreement.purposes],
        "limits": agreement.limits.model_dump(),
        "require_encryption": agreement.require_encryption,
        "result": agreement.result.model_dump(),
        "office": {
            "signing": _pems(keys.signing_certificate),
            "encryption": _pems(keys.decryption_certificate),
        },
        "certificates": {"signing": _pems(pinned.signing), "encryption": _pems(pinned.encryption)},
        "sftp": {
            "host": sftp.host,
            "port": sftp.port,
            "username": sftp.username,
            "host_key": sftp.host_key,
            "fingerprint": host_key_fingerprint(sftp.host_key),
            "to_office": sftp.requests,
            "from_office": sftp.results,
        },
    }


def _purpose(purpose: Purpose) -> dict[str, Any]:
    return {
        "code": purpose.code,
        "zh": purpose.zh,
        "legal_basis": purpose.cited,
        "items": list(purpose.items),
        "letter_items": sorted(LETTER_ITEMS.intersection(purpose.items)),
        "unregistered_by": purpose.unregistered_by,
    }


def _pems(path: Path) -> list[str]:
    return [certificate.public_bytes(Encoding.PEM).decode() for certificate in read_certificates(path)]


def host_key_fingerprint(host_key: str) -> str:
    """As ``ssh-keygen -l`` and WinSCP show it: SHA-256 of the key, in base64 without its padding."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _json(content: object) -> str:
    """JSON that may stand between two script tags."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _put(page: str, name: str, content: str) -> str:
    """The page with this data block filled; Halt where it has none or several."""
    empty = _EMPTY.format(name=name)
    if page.count(empty) != 1:
        msg = f"{TEMPLATE}: no page of this version; `make desk` builds it"
        raise Halt(msg, zh=f"{TEMPLATE} 不是本版本的页面，请执行 make desk")
    return page.replace(empty, _FILLED.format(name=name, content=content))
