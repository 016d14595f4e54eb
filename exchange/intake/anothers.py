"""Whose files they are, where several agreements name one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from exchange.agreements.agreement import Agreement, agreement_bytes, parse_agreement
from exchange.agreements.folders import requests_place
from exchange.app import App
from exchange.base.errors import Halt
from exchange.wire.manifest import PARTNER_PATTERN

_PARTNER: Final = re.compile(PARTNER_PATTERN)


def anothers(app: App, agreement: Agreement, names: Iterable[str]) -> set[str]:
    """The names of files in the requests folder that bear the id of another partner, whose agreement names the same
    folder. Where that agreement cannot be read nobody knows what it names, and they are this one's.
    """
    foreign = [(name, owner) for name in names if (owner := name.partition(".")[0]) != agreement.partner]
    sharing = {owner for owner in {owner for _, owner in foreign} if _shares(app, agreement, owner)}
    return {name for name, owner in foreign if owner in sharing}


def _shares(app: App, agreement: Agreement, owner: str) -> bool:
    path = app.agreement_file(owner)
    if not _PARTNER.fullmatch(owner) or not path.exists():
        return False
    try:
        return requests_place(parse_agreement(agreement_bytes(path), path)) == requests_place(agreement)
    except Halt:
        return False
