"""Whose files and folders they are, where agreements name one folder, or one inside another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
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


@dataclass(frozen=True)
class NamedFolders:
    """The folders that agreements name, for requests or for results; for one poll, which asks for those of many
    accounts: the agreements are read once, when they are first asked for.
    """

    app: App

    def at(self, account: SftpAccount) -> frozenset[str]:
        """Those at this account."""
        return frozenset(self._by_account.get((account.host.lower(), account.port, account.username), ()))

    @cached_property
    def _by_account(self) -> dict[tuple[str, int, str], set[str]]:
        by_account = defaultdict[tuple[str, int, str], set[str]](set)
        for agreement in filter(None, map(_read, self.app.agreement_files())):
            for host, port, username, folder in places(agreement):
                by_account[host, port, username].add(folder)
        return dict(by_account)


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
