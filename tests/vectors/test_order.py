"""Of a request with two faults the office tells the one that stands first in ``vectors/README.md``."""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import combinations
from typing import Any, Final

import pytest

from exchange.agreements.agreement import Agreement
from exchange.base.errors import Refused
from exchange.base.paths import ROOT
from exchange.base.tables import REFUSALS
from exchange.steps.trust import agreed_manifest
from tests.vectors.test_vectors import lines

SOUND: Final = next(line for line in lines("requests.jsonl") if line["expect"] == {"outcome": "accepted"})
ORDER: Final = re.findall(
    r"`([a-z_]+)`",
    re.findall(r"^- \*\*Order\*\*.*", (ROOT / "vectors" / "README.md").read_text("utf-8"), re.MULTILINE)[0],
)
BEFORE: Final = ("certificate_expired", "signature_invalid")
"""Of the signature, which is looked at before anything of the manifest is."""

FAULTS: Final[dict[str, dict[str, Any]]] = {
    "manifest_format": {"handler": ""},
    "manifest_partner": {"partner": "court-other"},
    "manifest_name": {"batch": "court-example.2", "data.name": "court-example.2.csv"},
    "ask_civil_affairs": {"items": ["marital_status"]},
    "data_name": {"data.name": "court-example.1.pdf"},
    "data_not_encrypted": {"agreement.require_encryption": True},
    "data_too_large": {"data.size": 1_000_001},
    "agreement_not_in_force": {"agreement.in_force_until": "2026-11-22"},
    "cycle_not_agreed": {"cycle": "quarterly", "period": "2026-Q4"},
    "period_format": {"period": "2026-11"},
    "purpose_not_agreed": {"purpose": "curiosity"},
    "legal_basis_not_agreed": {"legal_basis": "刑事诉讼法"},
    "item_unknown": {"items": ["shoe_size"]},
    "item_not_agreed": {"items": ["ethnicity"]},
    "item_not_alone": {
        "items": ["unregistered", "sex"],
        "purpose": "settling_abroad",
        "legal_basis": "公证法第二十九条（示例）",
    },
    "letter_missing": {"items": ["criminal_record"], "letter": None},
    "rows_too_many": {"rows": 1001},
}
"""Code → what is changed of a sound request, or of the agreement, for it alone."""

PAIRS: Final = [(one, other) for one, other in combinations(FAULTS, 2) if not FAULTS[one].keys() & FAULTS[other].keys()]


def test_the_order_is_the_one_that_is_published() -> None:
    assert [code for code in ORDER if code in REFUSALS] == [*BEFORE, *FAULTS]


@pytest.mark.parametrize("codes", [*((code,) for code in FAULTS), *PAIRS], ids="+".join)
def test_the_first_is_told(codes: tuple[str, ...]) -> None:
    changes = {path: value for code in codes for path, value in FAULTS[code].items()}
    request: dict[str, Any] = json.loads(json.dumps({"manifest": SOUND["manifest"], "agreement": SOUND["agreement"]}))
    for path, value in changes.items():
        *into, name = (path if path.startswith("agreement.") else f"manifest.{path}").split(".")
        place = request
        for each in into:
            place = place[each]
        place[name] = value
    agreement = Agreement.model_validate(
        request["agreement"]
        | {
            "sftp": {"host": "127.0.0.1", "username": "partner", "host_key": "ssh-ed25519 AAAA"},
            "certificates": {"signing": "none.pem", "encryption": "none.pem"},
            "contact": {"name": "经办人（虚构）", "telephone": "0"},
        }
    )
    content = json.dumps(request["manifest"], ensure_ascii=False).encode()
    with pytest.raises(Refused) as refused:
        agreed_manifest(agreement, content, "court-example.1", datetime.fromisoformat(SOUND["received"]))
    assert refused.value.code == codes[0]
