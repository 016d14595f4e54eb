"""Retention: what is kept of ended batches is destroyed when its time is over, and nothing else is.

Rules
- Kinds and days stand in the settings; an agreement may say otherwise for its partner. Days count from the office's day
  on which the batch ended.
- Register first, file second, register again: killed at any point, the next run goes on. A file is moved aside before
  it is deleted, and moved back where somebody asked for the same bytes meanwhile (it is younger than ``SETTLED``).
- What lies in the archive and is named by no batch (of steps that were killed, copies of notices), and what was left in
  the working folders and the cache, goes after the days of ``work``. What was derived from an original goes before it.
- Backups are not reached from here; they must follow (``docs/operations.md``).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from exchange.errors import Halt
from exchange.office import Office
from exchange.register import Role
from exchange.register.retention import WORK, KeptFile
from exchange.working_days import office_day

log = logging.getLogger(__name__)

KINDS: Final[Mapping[str, str]] = {Role.DATA: "originals", Role.RESULT_DATA: "results"}
"""Role → kind; every other file of a batch is one of its ``RECORDS``."""

RECORDS: Final = "records"

SETTLED: Final = timedelta(days=1)
"""Longer than any step takes from laying a file into the archive to registering it."""

_AT_ONCE: Final = 500


def kind_of(role: str) -> str:
    return KINDS.get(role.partition("-")[0], RECORDS)


def due(office: Office) -> list[tuple[KeptFile, str]]:
    """The files whose time is over and that nothing protects, each with its kind."""
    days = {partner: _days(office, partner) for partner in _partners(office)}
    today, default = office_day(office.now()), _days(office, None)
    shortest = min(number for each in (default, *days.values()) if each for number in each.values())
    found = []
    for file in office.register.retention.kept(office.now() - timedelta(days=shortest)):
        kind, kept_for = kind_of(file.role), days.get(file.partner, default)
        if kept_for and (today - office_day(file.ended_at)).days > kept_for[kind]:
            found.append((replace(file, policy=f"{kept_for[kind]} days"), kind))
    return found


def run(office: Office) -> Counter[str]:
    """Destroys what is due; how many files, by kind."""
    retention = office.register.retention
    retention.intend(due(office), office.now())
    _intend_nameless(office)
    destroyed: Counter[str] = Counter()
    for number, digest, kind in retention.intended():
        with retention.destroying(number, office.now()) as destruction:
            if destruction.allowed:
                office.cache.remove(digest)
                destruction.done = office.archive.destroy(digest, _settled(office))
                destroyed[kind] += destruction.done
            else:
                office.archive.put_back(digest)
    destroyed[WORK] += _left_in_work(office)
    log.info("destroyed: %s", dict(destroyed))
    return destroyed


def hold(office: Office, batch_id: str, reason: str) -> bool:
    """Holds a batch; whether it was not held before. A file that was about to be deleted is put back."""
    held = office.register.retention.hold(batch_id, reason, office.now())
    for file in office.register.files(batch_id):
        office.archive.put_back(file.sha256)
    return held


def _partners(office: Office) -> list[str]:
    return [path.stem for path in office.agreement_files()]


def _days(office: Office, partner: str | None) -> dict[str, int] | None:
    """Kind → days; of a partner whose agreement cannot be read nothing is destroyed (None): it may say more."""
    own = office.settings.retention
    agreed = None
    if partner is not None:
        try:
            agreed = office.agreement(partner).retention
        except Halt as error:
            log.warning("partner %s: nothing of it is destroyed: %s", partner, error)
            return None
    named = {kind: f"{kind}_days" for kind in (*KINDS.values(), RECORDS)}
    return {kind: getattr(agreed, name, None) or getattr(own, name) for kind, name in named.items()}


def _settled(office: Office) -> datetime:
    return office.now() - SETTLED


def _intend_nameless(office: Office) -> None:
    """What lies in the archive and is named by no batch will be destroyed, too."""
    days = office.settings.retention.work_days
    digests = office.archive.digests(office.now() - timedelta(days=days))
    while several := list(islice(digests, _AT_ONCE)):
        office.register.retention.intend_nameless(several, f"{days} days", office.now())


def _left_in_work(office: Office) -> int:
    """Removes what fetching and writing left behind where they were cut off."""
    days = office.settings.retention.work_days
    since, removed = (office.now() - timedelta(days=days)).timestamp(), 0
    home, archive = office.settings.home, office.archive.folder
    left = [*home.glob("incoming/*"), *home.glob("outgoing/*"), *home.glob("cache/*"), *archive.glob("??/.writing-*")]
    for path in sorted(path for path in left if path.is_file() and path.stat().st_mtime < since):
        office.register.retention.left_in_work(path.name, f"{days} days", office.now())
        path.unlink()
        removed += 1
    return removed
