"""An agreement as it was kept with a batch before offences were asked about on the catalogue of legal bases.

Rule: what was agreed stands still, but for the legal basis of the batch's purpose where that asks about offences:
words, and a list of kinds of record, are no basis any more. The articles that today's file names for the same purpose
take their place; where it names none, nothing of the batch is answered until it does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exchange.agreements.agreement import Agreement, parse_agreement
from exchange.agreements.sections import LETTER_ITEMS
from exchange.base.errors import Halt


def parse_kept(content: bytes, path: Path, purpose: str, today: Agreement) -> Agreement:
    """The agreement in these bytes, for a batch of this purpose; Halt where it does not fit."""
    if _is_of_today(content):
        return parse_agreement(content, path)
    fields = tomllib.loads(content.decode("utf-8"))
    asked = next((entry for entry in fields["purposes"] if entry["code"] == purpose), None)
    if asked is not None and _rests_on_words(asked):
        now = today.purpose(purpose)
        asked.pop("offence_kinds", None)
        asked.pop("legal_basis", None)
        asked["legal_bases"] = () if now is None else now.legal_bases
    fields |= {"purposes": [] if asked is None else [asked], "expected": [], "kind": today.kind}
    try:
        return Agreement.model_validate(fields)
    except ValidationError:
        msg = (
            f"{path}: was agreed before legal bases were a catalogue; name those of purpose {purpose} in today's file"
            " (legal_bases), then go on"
        )
        raise Halt(
            msg, zh=f"{path} 签订时尚无法律依据目录：请在现行协议中为用途 {purpose} 写明 legal_bases，再继续"
        ) from None


@lru_cache(maxsize=128)
def _is_of_today(content: bytes) -> bool:
    """Whether no purpose asks about offences on words."""
    return not any(map(_rests_on_words, tomllib.loads(content.decode("utf-8"))["purposes"]))


def _rests_on_words(purpose: Mapping[str, Any]) -> bool:
    return "legal_bases" not in purpose and not LETTER_ITEMS.isdisjoint(purpose["items"])
