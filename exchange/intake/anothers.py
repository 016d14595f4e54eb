"""Whose files and folders they are, where agreements name one folder, or one inside another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from exchange.agreements.agreement import Agreement
from exchange.agreements.folders import named_places, readable, requests_place
from exchange.app import App
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
        for host, port, username, folder in named_places(readable(self.app.agreement_files())):
            by_account[host, port, username].add(folder)
        return dict(by_account)


def _shares(app: App, agreement: Agreement, owner: str) -> bool:
    path = app.agreement_file(owner)
    other = next(readable([path]), None) if _PARTNER.fullmatch(owner) and path.exists() else None
    return other is not None and requests_place(other) == requests_place(agreement)
