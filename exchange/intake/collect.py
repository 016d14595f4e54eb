"""Collect: one poll of all partners' folders; complete sets are claimed, and results that were taken are noticed.

Rules
- What one look into one folder does: ``scan.py``. Whatever goes wrong in one partner's look is that partner's trouble:
  it is named, the others go on.
- Agreements that name one folder are named, each time: what else lies there (status, notices) is of all of them.
- The caller is told of a batch as soon as it is claimed, while other folders are still being scanned.
- Partners who share a login are looked at over one connection. Whose server was not reached for some minutes is tried
  once, beside the others, so that a dead one makes no poll longer than its minute.
- The register is asked once of whom it knows something incomplete, a set that waits, or a result that was not taken; of
  all others it is not asked one by one.
- While a lookout is on duty, small ad hoc sets are handed to it (``owed.py``).
- What the register says is owed and has not moved for ten minutes (``unmoved.py``) is named each ten minutes, so that a
  run is started where there is none: after a restore Airflow knows no run of what was accepted behind its own copy.
  Whoever starts them leaves runs that are at work, and those that failed: these wait for a person.
- Nothing is taken in while the archive's disk is not there: what was kept in its place would be gone with it.
- The ledger's checkpoint is kept with each look, so that a database that was put back is found within a minute, also
  where nothing was sent meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue
from typing import Final, Self

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.agreements.folders import shared_folders
from exchange.app import App, account_of
from exchange.base.duty import COLLECT, RUNS, Duties, look_at
from exchange.base.errors import ExchangeError
from exchange.intake.anothers import NamedFolders
from exchange.intake.lanes import Lane, lane_of
from exchange.intake.owed import OwedRuns, lookout_on_duty
from exchange.intake.scan import FolderScan, as_trouble
from exchange.register import BatchFilter
from exchange.register.unmoved import unmoved
from exchange.steps.pickup import ACKNOWLEDGEMENT_SUFFIX, notice_pickups
from exchange.wire.connection import Login
from exchange.wire.pool import pooled

log = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 8
"""Connections at a time to servers that were reached lately, and as many beside them to the others."""

MAX_SHARING: Final = 10
"""Folders that one connection looks into, one after another, where partners share a login: with fifty a round waits for
fifty answers, seconds where the machine or the way is slow.
"""

UNMOVED: Final = timedelta(minutes=10)
"""A batch that has not moved for so long is asked about; and so long it takes until it is asked about again."""

_ANSWERED_RUNS: Final = 20
"""Runs of answered sets that are started in one poll where no lookout does: as many as one starts in a minute."""

_TRIES: Final = 3
_REACHED_LATELY: Final = timedelta(minutes=5)
"""A server not reached for so long is tried once and beside the others: a poll is to end within its minute."""


@dataclass
class PollResult:
    """The outcome of one poll. ``waiting``: batch → lane, of all claimed batches that no lookout sees to, those of
    earlier polls too, the oldest first; ``unmoved``: likewise, of batches that have not moved for ten minutes and may
    have no run; ``troubles``: a sentence for each partner whose folder could not be scanned and each batch whose
    manifest is lost.
    """

    waiting: dict[str, Lane] = field(default_factory=dict)
    unmoved: dict[str, Lane] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def poll(app: App, start: Callable[[str, Lane], object] = lambda _batch, _lane: None) -> PollResult:
    """Scans every partner's folder once. ``start`` is called in this thread with each batch as soon as it is claimed,
    and returns whether the batch has a run; it is not called for batches that are handed to a lookout. Halt where the
    archive's disk is not there.
    """
    app.check_archive()
    result, claimed = PollResult(), SimpleQueue[str | None]()
    owed = OwedRuns.of_home(app.settings.home)
    known, agreements = _Known.of(app), list(_agreements(app, result.troubles))
    result.troubles += [f"{partner}: {shared}" for partner, shared in shared_folders(agreements).items()]
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as workers, ThreadPoolExecutor(MAX_IN_FLIGHT) as beside:
        looks = [
            workers.submit(_poll_sharing, app, known, sharing, _TRIES, claimed)
            if reached
            else beside.submit(_poll_sharing, app, known, sharing, 1, claimed)
            for sharing, reached in _sharing(app, agreements)
        ]
        for _ in looks:
            while (batch_id := claimed.get()) is not None:  # None: one of the scans has ended
                with as_trouble(result.troubles, batch_id):
                    lane = lane_of(app, batch_id)
                    if not _handed_over(app, owed, batch_id, lane):
                        start(batch_id, lane)
        for scan in looks:
            result.troubles += scan.result()
    for batch_id in _to_start(app, owed, start):
        with as_trouble(result.troubles, batch_id):
            lane = lane_of(app, batch_id)
            if not _handed_over(app, owed, batch_id, lane):
                result.waiting[batch_id] = lane
    for batch_id in _unmoved(app, owed):
        with as_trouble(result.troubles, batch_id):
            result.unmoved[batch_id] = lane_of(app, batch_id)
    with as_trouble(result.troubles, "register"):
        app.keep_checkpoint()
    result.troubles = list(dict.fromkeys(result.troubles))
    Duties.of_home(app.settings.home).done(COLLECT, f"{len(result.troubles)}")
    return result


def _handed_over(app: App, owed: OwedRuns, batch_id: str, lane: Lane) -> bool:
    """Whether a lookout is on duty that will see to this batch."""
    if lane is not Lane.IMMEDIATE or not lookout_on_duty(app):
        return False
    try:
        owed.hand_over(batch_id)
    except ExchangeError as error:
        log.warning("%s: has a run of its own: %s", batch_id, error)
        return False
    return True


def _to_start(app: App, owed: OwedRuns, start: Callable[[str, Lane], object]) -> list[str]:
    """The claimed batches whose runs no lookout will start. Where none is on duty the runs that it still owes are
    started here, of answered sets ``_ANSWERED_RUNS`` in a poll; a run is owed until ``start`` returns that it is there.
    """
    if lookout_on_duty(app):
        noted = set(owed.all())
        return [batch_id for batch_id in app.register.waiting() if batch_id not in noted]
    waiting = app.register.waiting()
    for batch_id in [*owed.unanswered(), *owed.answered(most=_ANSWERED_RUNS)]:
        if start(batch_id, Lane.IMMEDIATE):
            owed.paid(batch_id)
    return waiting


def _unmoved(app: App, owed: OwedRuns) -> list[str]:
    """What has not moved for ``UNMOVED`` and no lookout sees to; empty where that was asked less long ago."""
    duties = Duties.of_home(app.settings.home)
    asked, now = duties.last(RUNS), app.now()
    if asked is not None and timedelta() <= now - asked.at < UNMOVED:
        return []
    seen_to = set(owed.all()) if lookout_on_duty(app) else set[str]()
    unmoved_batches = [batch_id for batch_id in unmoved(app.register.engine, now, UNMOVED) if batch_id not in seen_to]
    duties.done(RUNS, f"{len(unmoved_batches)}")
    return unmoved_batches


@dataclass(frozen=True)
class _Known:
    """The partners of whom the register knows something incomplete, or a result that was not taken, and the batches
    that were claimed and not judged yet, when a poll begins: of all others it need not be asked one by one. What comes
    meanwhile is the next poll's. Without claimed ones of which the archive has lost something: where their sets lie
    there still, they are read again, and kept. ``named``: likewise of the folders that agreements name.
    """

    unfinished: frozenset[str]
    uncollected: frozenset[str]
    waiting: frozenset[str]
    named: NamedFolders

    @classmethod
    def of(cls, app: App) -> Self:
        register = app.register
        kept = register.waiting_files().items()
        waiting = frozenset(batch_id for batch_id, digests in kept if all(map(app.archive.has, digests)))
        return cls(register.unfinished.partners(), register.pickups.partners(), waiting, NamedFolders(app))


def _agreements(app: App, troubles: list[str]) -> Generator[Agreement]:
    """The agreements that can be read; the others become troubles, and so does it where there is none and once was."""
    files = app.agreement_files()
    if not files and app.register.batches(BatchFilter(limit=1)):
        troubles.append(
            f"no agreement lies in {app.settings.agreements}, of which the register knows; is its disk there?"
        )
    for path in files:
        with as_trouble(troubles, path.stem):
            yield load_agreement(path)


def _sharing(app: App, agreements: Sequence[Agreement]) -> Generator[tuple[Sequence[Agreement], bool]]:
    """Groups of agreements that share a login, as many as one connection serves; with each whether one of them was
    reached in the last minutes.
    """
    duties, by_login = Duties.of_home(app.settings.home), dict[Login, list[Agreement]]()
    for agreement in agreements:
        by_login.setdefault(account_of(agreement).login, []).append(agreement)
    for login in by_login.values():
        signs = [duties.last(look_at(other.partner)) for other in login]
        reached = any(sign is not None and sign.is_of_late(app.now(), _REACHED_LATELY) for sign in signs)
        for first in range(0, len(login), MAX_SHARING):
            yield login[first : first + MAX_SHARING], reached


def _poll_sharing(
    app: App, known: _Known, sharing: Sequence[Agreement], tries: int, claimed: SimpleQueue[str | None]
) -> list[str]:
    """Claims what is complete in these partners' folders, over one connection while that stands; what went wrong, a
    sentence each. ``claimed`` gets the batches, and None at the end. Where one cannot connect, none of the others can.
    """
    troubles: list[str] = []
    try:
        with pooled():
            for number, agreement in enumerate(sharing, 1):
                if not _poll_partner(app, known, agreement, tries, claimed.put, troubles):
                    others = [other.partner for other in sharing[number:]]
                    troubles += [f"{partner}: not reached, as {agreement.partner}" for partner in others]
                    break
    finally:
        claimed.put(None)
    return troubles


def _poll_partner(
    app: App, known: _Known, agreement: Agreement, tries: int, tell: Callable[[str], None], troubles: list[str]
) -> bool:
    """One look into one partner's folder; whether its server was reached."""
    reached, partner = False, agreement.partner
    with as_trouble(troubles, partner), app.folder(agreement, tries) as folder, folder.one_look():
        reached = True
        remembered = partner in known.unfinished
        scan = FolderScan(app, agreement, folder, tell, remembered=remembered, waiting=known.waiting, named=known.named)
        scan.all_sets()
        troubles += scan.troubles
        if partner in known.uncollected or any(name.endswith(ACKNOWLEDGEMENT_SUFFIX) for name in scan.files):
            troubles += notice_pickups(app, partner, folder, scan.files)
        Duties.of_home(app.settings.home).done(look_at(partner))
    return reached
