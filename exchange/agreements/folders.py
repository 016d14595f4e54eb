"""Folders that several agreements name, as those do of which one was copied from the other and not changed throughout.

Rules
- A place is a folder of an account at a server, in whatever way it is written. A request folder or a result folder
  belongs to one agreement, and is not both.
- Partners who share an account and not a folder share nothing.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping

from exchange.agreements.agreement import Agreement

Place = tuple[str, int, str, str]
"""Host, port, username and folder."""


def requests_place(agreement: Agreement) -> Place:
    """Where the partner puts requests."""
    return _place(agreement, agreement.sftp.requests)


def places(agreement: Agreement) -> tuple[Place, Place]:
    """Where the partner puts requests, and where the office puts results."""
    return requests_place(agreement), _place(agreement, agreement.sftp.results)


def shared_folders(agreements: Iterable[Agreement]) -> Mapping[str, str]:
    """Partner → a sentence that says with whom it shares which folder; without those who share none."""
    named = defaultdict[Place, list[str]](list)
    for agreement in agreements:
        for place in places(agreement):
            named[place].append(agreement.partner)
    told: dict[str, str] = {}
    for (host, port, _, folder), partners in named.items():
        for partner in partners if len(partners) > 1 else ():
            others = ", ".join(sorted({*partners} - {partner})) or "自身的收、发 its own requests and results"
            words = f"目录与 {others} 相同，须各用各的 is the folder of {others}, too; each needs its own"
            told.setdefault(partner, f"{host}:{port} {folder} {words}")
    return told


def _place(agreement: Agreement, folder: str) -> Place:
    sftp = agreement.sftp
    return sftp.host.lower(), sftp.port, sftp.username, posixpath.normpath(folder)
