"""Folders that several agreements name, as those do of which one was copied from the other and not changed throughout.

Rules
- A place is a folder of an account at a server, in whatever way it is written. A request folder or a result folder
  belongs to one agreement, and is not both.
- Partners who share an account and not a folder share nothing.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from exchange.agreements.agreement import Agreement, agreement_bytes, parse_agreement
from exchange.base.errors import Halt

Place = tuple[str, int, str, str]
"""Host, port, username and folder."""


def requests_place(agreement: Agreement) -> Place:
    """Where the partner puts requests."""
    return _place(agreement, agreement.sftp.requests)


def places(agreement: Agreement) -> tuple[Place, Place]:
    """Where the partner puts requests, and where the office puts results."""
    return requests_place(agreement), _place(agreement, agreement.sftp.results)


def readable(files: Iterable[Path]) -> Iterator[Agreement]:
    """The agreements of these files; one that cannot be read names no folder, and is left out."""
    for path in files:
        with suppress(Halt):
            yield parse_agreement(agreement_bytes(path), path)


def named_places(agreements: Iterable[Agreement]) -> Mapping[Place, Sequence[str]]:
    """Place → the partners whose agreements name it; one twice where it is both of its folders."""
    named = defaultdict[Place, list[str]](list)
    for agreement in agreements:
        for place in places(agreement):
            named[place].append(agreement.partner)
    return named


def shared_folders(agreements: Iterable[Agreement]) -> Mapping[str, str]:
    """Partner → a sentence that says with whom it shares which folder; without those who share none."""
    told: dict[str, str] = {}
    for (host, port, _, folder), partners in named_places(agreements).items():
        for partner in partners if len(partners) > 1 else ():
            others = ", ".join(sorted({*partners} - {partner})) or "自身的收、发 its own requests and results"
            words = f"目录与 {others} 相同，须各用各的 is the folder of {others}, too; each needs its own"
            told.setdefault(partner, f"{host}:{port} {folder} {words}")
    return told


def _place(agreement: Agreement, folder: str) -> Place:
    sftp = agreement.sftp
    return sftp.host.lower(), sftp.port, sftp.username, posixpath.normpath(folder)
