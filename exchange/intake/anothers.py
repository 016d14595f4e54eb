"""Whose files and folders they are, where agreements name one folder, or one inside another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exchange.agreements.agreement import Agreement, agreement_bytes, parse_agreement
from exchange.agreements.folders import places, requests_place
from exchange.app import App
from exchange.base.errors import Halt
from exchange.wire.connection import SftpAccount
from exchange.wire.manifest import PARTNER_PATTERN

_PARTNER: Final = re.compile(PARTNER_PATTERN)


def anothers(app: App, agreement: Agreement, names: Iterable[str]) -> set[str]:
    """The names of files in the requests folder that bear the id of another partner, whose agreement names the same
    folder. Where that agreement cannot be read nobody knows what it names, and they are this one's.
    """
    foreign = [(name, owner) for name in names if (owner := name.partition(".")[0]) != agreement.partner]
    sharing = {owner for owner in {owner for _, owner in foreign} if _shares(app, agreement, owner)}
    return {name for name, owner in foreign if owner in sharing}


def named_folders(app: App, account: SftpAccount) -> set[str]:
    """The folders at this account that agreements name, for requests or for results."""
    agreements = filter(None, map(_read, app.agreement_files()))
    at = (account.host.lower(), account.port, account.username)
    return {folder for agreement in agreements for *where, folder in places(agreement) if (*where,) == at}


def _shares(app: App, agreement: Agreement, owner: str) -> bool:
    path = app.agreement_file(owner)
    other = _read(path) if _PARTNER.fullmatch(owner) and path.exists() else None
    return other is not None and requests_place(other) == requests_place(agreement)


def _read(path: Path) -> Agreement | None:
    """None where it cannot be read."""
    try:
        return parse_agreement(agreement_bytes(path), path)
    except Halt:
        return None
