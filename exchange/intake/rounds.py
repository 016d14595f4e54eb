"""Rounds: one connection that looks into the folders of all partners who share a login, in turn.

Rules
- A partner with a login of its own has a connection of its own. Of those who share one, so many share a connection as
  one can look into without being late; each connection is a thread's, and a dead server holds up nobody else.
- A connection is tried again with growing pauses. Each look has one time limit in all. A folder in trouble of its own
  leaves the others and goes on over a connection of its own, and so does an agreement that cannot be read.
- A set is read again only when its files are listed otherwise than before (names, sizes, times): a folder in which
  nothing moves costs one question a look (``movement.py``). What was claimed before the process began and still lies
  there to be fetched is not read either: after a burst each new lookout would read all of it.
- One partner's many sets hold up no other's: after half a second of claiming it is the next folder's turn.
- An agreement is read anew with each connection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Final

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App, account_of
from exchange.base.duty import Duties, look_at
from exchange.base.errors import ExchangeError, without_values
from exchange.intake.collect import MAX_SHARING
from exchange.intake.lanes import AD_HOC, Lane, lane_by
from exchange.intake.movement import Movement
from exchange.intake.scan import FolderScan
from exchange.wire.connection import Login
from exchange.wire.transport import Folder, RemoteFile

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_SIGN_SECONDS: Final = 20.0
_CLAIMING_SECONDS: Final = 0.5
"""So long one folder's sets are claimed in one turn."""

_TOGETHER_SECONDS: Final = 0.05
"""Folders whose time comes within so long are looked into at once."""

ClaimedBatch = tuple[str, Lane]
"""A batch that was claimed, and its lane."""


class Watch:
    """Some partners' folders are watched, until ``over`` is set; what is claimed is put into ``claimed``. ``watched``:
    all folders that this process watches, of which there may be several such.
    """

    def __init__(self, app: App, claimed: SimpleQueue[ClaimedBatch], watched: Watched) -> None:
        self.app = app
        self.claimed = claimed
        self.watched = watched
        self.over = Event()

    def begin(self, paths: Iterable[Path]) -> None:
        """Reads these agreements and starts a thread for each connection."""
        by_login: dict[Login, list[tuple[Path, Agreement]]] = {}
        for path in paths:
            try:
                with without_values():
                    agreement = load_agreement(path)
            except ExchangeError:
                self.apart(path)  # which says why, each time that it is tried
                continue
            if AD_HOC in agreement.cycles:
                by_login.setdefault(account_of(agreement).login, []).append((path, agreement))
        for read in by_login.values():
            for first in range(0, len(read), MAX_SHARING):
                part = read[first : first + MAX_SHARING]
                self._start([path for path, _ in part], [agreement for _, agreement in part])

    def apart(self, path: Path) -> None:
        """Watches one partner's folder over a connection of its own."""
        self._start([path], [])

    def _start(self, paths: list[Path], agreements: list[Agreement]) -> None:
        Thread(target=_Rounds(self, paths, agreements).run, name=paths[0].stem, daemon=True).start()


class Watched:
    """How many folders this process looks into."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.number = 0

    def add(self, number: int) -> None:
        with self._lock:
            self.number += number


class _Place:
    """One partner's folder over one connection."""

    def __init__(self, path: Path, agreement: Agreement) -> None:
        self.path = path
        self.agreement = agreement
        self.account = account_of(agreement)
        self.movement = Movement(time.monotonic())
        self.seen: dict[str, list[RemoteFile]] | None = None
        self.next_look = self.next_sign = 0.0


class _Rounds:
    """Looks into these partners' folders, whose agreements were just read if at all, over one connection at a time."""

    def __init__(self, watch: Watch, paths: list[Path], agreements: list[Agreement]) -> None:
        self.watch = watch
        self.app = watch.app
        self.paths = paths
        self.read = agreements
        self.seen: dict[Path, dict[str, list[RemoteFile]]] = {}
        self.pause = _FIRST_PAUSE_SECONDS

    def run(self) -> None:
        while not self.watch.over.is_set():
            try:
                with without_values():
                    if not (places := self._agreed()):
                        return
                    with self.app.standing_folder(places[0].agreement) as connection:
                        self._go_round(places, connection)
            except ExchangeError as error:
                who = self.paths[0].stem + (f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else "")
                log.warning("partner %s: %s; tried again in %.0f s", who, error, self.pause)
                self.watch.over.wait(self.pause)
                self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)

    def _agreed(self) -> list[_Place]:
        """The folders that are to be watched over this connection, as the agreements say now; the others are watched
        apart.
        """
        agreements: list[Agreement | None] = [*self.read] or [self._load(path) for path in self.paths]
        self.read = []
        both = zip(self.paths, agreements, strict=True)
        places = [
            _Place(path, agreement) for path, agreement in both if agreement is not None and AD_HOC in agreement.cycles
        ]
        stay = [place for place in places if place.account.login == places[0].account.login]
        for place in places:
            if place not in stay:
                self.watch.apart(place.path)
            place.seen = self.seen.get(place.path)
        self.paths = [place.path for place in stay]
        return stay

    def _load(self, path: Path) -> Agreement | None:
        try:
            with without_values():
                return load_agreement(path)
        except ExchangeError:
            if len(self.paths) == 1:
                raise
            self.watch.apart(path)
            return None

    def _go_round(self, places: list[_Place], connection: Folder) -> None:
        self.watch.watched.add(len(places))
        try:
            while places and not self.watch.over.is_set():
                now = time.monotonic()
                for place in sorted(places, key=lambda other: other.next_look):
                    if place.next_look <= now + _TOGETHER_SECONDS and not self._look(place, connection):
                        places.remove(place)
                        self.watch.watched.add(-1)
                        if connection.is_cut:
                            return
                if places:
                    self.watch.over.wait(min(other.next_look for other in places) - time.monotonic())
        finally:
            self.watch.watched.add(-len(places))
            self.seen = {place.path: place.seen for place in places if place.seen is not None}

    def _look(self, place: _Place, connection: Folder) -> bool:
        """One look into this folder; False where it goes on apart."""
        try:
            with without_values():
                self._turn(place, connection.at(place.account))
        except ExchangeError as error:
            if len(self.paths) == 1:
                raise
            log.warning("partner %s: %s; watched apart from now on", place.path.stem, error)
            self.paths.remove(place.path)
            self.watch.apart(place.path)
            return False
        self.pause = _FIRST_PAUSE_SECONDS
        return True

    def _turn(self, place: _Place, folder: Folder) -> None:
        policy, movement, whole = self.app.settings.policy, place.movement, True
        with folder.one_look():
            if movement.must_list(folder.requests_changed(), time.monotonic()):
                scan = FolderScan(self.app, place.agreement, folder)
                whole = self._claim(place, scan)
                movement.listed(frozenset(scan.files), time.monotonic(), sets_there=bool(scan.sets))
        now, watched = time.monotonic(), self.watch.watched.number
        if now >= place.next_sign:
            Duties.of_home(self.app.settings.home).done(look_at(place.agreement.partner))
            place.next_sign = now + _SIGN_SECONDS
        pause = movement.pause(now, policy.look_seconds, watched, policy.looks_per_second) if whole else 0.0
        place.next_look = now + pause

    def _claim(self, place: _Place, scan: FolderScan) -> bool:
        """Claims what is complete, of one set at least; whether its turn was long enough for all."""
        before = self._claimed_before(scan) if place.seen is None else place.seen
        place.seen = {stem: files for stem, files in before.items() if stem in scan.sets}
        end, claimed = time.monotonic() + _CLAIMING_SECONDS, False
        for stem, files in scan.sets.items():
            if place.seen.get(stem) == files:
                continue
            if claimed and time.monotonic() >= end:
                return False
            claimed = True
            with scan.apart(stem):
                scan.claim_if_complete(stem)
                while scan.claimed:
                    batch_id = scan.claimed.pop()
                    self.watch.claimed.put((batch_id, lane_by(self.app, scan.manifests[batch_id])))
            place.seen[stem] = files
        return True

    def _claimed_before(self, scan: FolderScan) -> dict[str, list[RemoteFile]]:
        """The sets that lie here to be fetched when this process first looks: those of batches that were claimed."""
        waiting = self.app.register.waiting() if scan.sets else []
        return {batch_id: scan.sets[batch_id] for batch_id in waiting if batch_id in scan.sets}
