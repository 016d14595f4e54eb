"""Rounds: one connection that looks into the folders of all partners who share a login, in turn.

Rules
- A partner with a login of its own has a connection of its own. Of those who share one, so many share a connection as
  one can look into without being late; each connection is a thread's, and a dead server holds up nobody else.
- A connection is tried again with growing pauses, which begin anew once one has stood for a while: else a server that
  answers once, and then has to be given up, would be connected to each second. Each look has one time limit in all. A
  folder in trouble of its own leaves the others and goes on over a connection of its own, and so does an agreement that
  cannot be read. Once it has been in order for a while it comes back, the first time: who left them twice would hold up
  the others each time.
- While the register is away no folder is in trouble of its own: all wait for it together.
- A set is read again only when its files are listed otherwise than before (names, sizes, times): a folder in which
  nothing moves costs one question a look (``movement.py``), asked of all whose time has come in one message. What was
  claimed before the process began and still lies there to be fetched is not read either: after a burst each new
  lookout would read all of it.
- One partner's many sets hold up no other's: after half a second of claiming it is the next folder's turn.
- What is being claimed as the watch ends is told, or whoever ends would leave it to the poll; nothing more is claimed.
- A changed agreement holds at once, and so does one that was taken away, or whose certificate was: its files are looked
  at before each look and before anything is listed, and where one has changed nothing more is looked into over this
  connection. It is read anew with each connection.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Event, Lock, Thread
from typing import Final, Self

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App, account_of
from exchange.base.duty import Duties, look_at
from exchange.base.errors import ExchangeError, without_values
from exchange.intake.collect import MAX_SHARING
from exchange.intake.lanes import AD_HOC, Lane, lane_by
from exchange.intake.movement import Movement
from exchange.intake.scan import FolderScan
from exchange.register.database import check_written
from exchange.register.troubles import RegisterAway
from exchange.wire.changed import Changed, ask_changed
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

_IN_ORDER_SECONDS: Final = 30.0
"""After so long without trouble a folder that is watched apart goes back to the others, and pauses are short again."""

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
        by_login: dict[Login, list[_Place]] = {}
        for path in paths:
            try:
                with without_values():
                    place = _Place.of(path)
            except ExchangeError:
                self.apart(path)  # which says why, each time that it is tried
                continue
            if place.may_ask_ad_hoc:
                by_login.setdefault(place.account.login, []).append(place)
        for places in by_login.values():
            for first in range(0, len(places), MAX_SHARING):
                part = places[first : first + MAX_SHARING]
                self._start(_Rounds(self, [place.path for place in part], part))

    def apart(self, path: Path, home: _Rounds | None = None) -> None:
        """Watches one partner's folder over a connection of its own. ``home``: where it goes back to in the end."""
        self._start(_Rounds(self, [path], [], home))

    def _start(self, rounds: _Rounds) -> None:
        Thread(target=rounds.run, name=rounds.paths[0].stem, daemon=True).start()


class Watched:
    """How many folders this process watches, and how many sets it is claiming just now, over all connections."""

    def __init__(self) -> None:
        self._changed = Condition()
        self.number = self._claiming = 0

    def add(self, number: int) -> None:
        """So many more, or fewer."""
        with self._changed:
            self.number += number

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """A set is claimed meanwhile, unless the watch was over when the block began."""
        with self._changed:
            self._claiming += 1
        try:
            yield
        finally:
            with self._changed:
                self._claiming -= 1
                self._changed.notify_all()

    def claims_ended(self, seconds: float) -> None:
        """Once all watches are over: waits, no longer, until what is being claimed is told."""
        with self._changed:
            self._changed.wait_for(lambda: self._claiming == 0, seconds)


class _Place:
    """One partner's folder over one connection. ``stamp``: of the agreement's file, before it was read."""

    def __init__(self, path: Path, agreement: Agreement, stamp: _Stamp) -> None:
        self.path = path
        self.agreement = agreement
        self._files = [*map(str, (path, agreement.certificates.signing, agreement.certificates.encryption))]
        self._stamps = [stamp, *map(_stamp, self._files[1:])]
        self.account = account_of(agreement)
        self.movement = Movement(time.monotonic())
        self.seen: dict[str, list[RemoteFile]] | None = None
        self.next_look = self.next_sign = self.pause = 0.0

    @classmethod
    def of(cls, path: Path) -> Self:
        """As the agreement says now; Halt where it cannot be read."""
        stamp = _stamp(str(path))
        return cls(path, load_agreement(path), stamp)

    @property
    def may_ask_ad_hoc(self) -> bool:
        return AD_HOC in self.agreement.cycles

    @property
    def is_as_agreed(self) -> bool:
        """Whether the agreement's files are those that were read."""
        return [*map(_stamp, self._files)] == self._stamps


_Stamp = tuple[int, int, int] | None


def _stamp(path: str) -> _Stamp:
    """What differs once a file was written or exchanged; None where there is none."""
    try:
        now = os.stat(path)  # noqa: PTH116  (six hundred a second)
    except OSError:
        return None
    return now.st_mtime_ns, now.st_size, now.st_ino


class _Rounds:
    """Looks into these partners' folders, whose agreements were just read if at all, over one connection at a time.
    ``home``: to which the one that is watched apart goes back.
    """

    def __init__(self, watch: Watch, paths: list[Path], read: list[_Place], home: _Rounds | None = None) -> None:
        self.watch = watch
        self.app = watch.app
        self.paths = paths
        self.read = read
        self.home = home
        self.seen: dict[Path, dict[str, list[RemoteFile]]] = {}
        self.pause = _FIRST_PAUSE_SECONDS
        self.in_order_since = 0.0
        self.back: list[_Place] = []
        self.came_back: set[Path] = set()
        self.lock = Lock()
        self.over = False

    def run(self) -> None:
        while not self.watch.over.is_set():
            try:
                with without_values():
                    if not (places := self._agreed()):
                        if self.over:
                            return
                        continue
                    with self.app.standing_folder(places[0].agreement) as connection:
                        self._go_round(places, connection)
            except ExchangeError as error:
                self.in_order_since = 0.0
                who = self.paths[0].stem + (f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else "")
                log.warning("partner %s: %s; tried again in %.0f s", who, error, self.pause)
                self.watch.over.wait(self.pause)
                self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)

    def _agreed(self) -> list[_Place]:
        """The folders that are to be watched over this connection, as the agreements say now; the others are watched
        apart.
        """
        with self.lock:
            self.paths += [place.path for place in self.back]
            self.seen |= {place.path: place.seen for place in self.back if place.seen is not None}
            self.back.clear()
        read = self.read or [place for path in [*self.paths] if (place := self._read(path)) is not None]
        self.read = []
        places = [place for place in read if place.may_ask_ad_hoc]
        stay = [place for place in places if place.account.login == places[0].account.login]
        for place in places:
            if place not in stay:
                self.watch.apart(place.path)
            place.seen = self.seen.get(place.path)
        with self.lock:
            self.paths = [place.path for place in stay]
            self.over = not stay and not self.back
        return stay

    def _read(self, path: Path) -> _Place | None:
        try:
            with without_values():
                return _Place.of(path)
        except ExchangeError:
            if len(self.paths) == 1:
                raise
            self.paths.remove(path)
            self.watch.apart(path)
            return None

    def take_back(self, place: _Place) -> bool:
        """Takes a folder back that was watched apart; False where it came back once already, or these rounds
        are over.
        """
        with self.lock:
            if self.over or place.path in self.came_back:
                return False
            self.came_back.add(place.path)
            self.back.append(place)
            return True

    def _go_round(self, places: list[_Place], connection: Folder) -> None:
        self.watch.watched.add(len(places))
        try:
            while places and not self.back and not self.watch.over.is_set():
                soon = time.monotonic() + _TOGETHER_SECONDS
                due = [place for place in sorted(places, key=lambda other: other.next_look) if place.next_look <= soon]
                if not all(place.is_as_agreed for place in due):
                    return
                for place, changed in zip(due, ask_changed(connection, [each.account for each in due]), strict=True):
                    if not self._look(place, connection, changed):
                        places.remove(place)
                        self.watch.watched.add(-1)
                        if connection.is_cut:
                            return
                now = time.monotonic()
                for place in due:  # what was looked into together is so again
                    place.next_look = now + place.pause
                if places:
                    self.watch.over.wait(min(other.next_look for other in places) - time.monotonic())
        finally:
            self.watch.watched.add(-len(places))
            self.seen = {place.path: place.seen for place in places if place.seen is not None}

    def _look(self, place: _Place, connection: Folder, changed: Changed) -> bool:
        """One look into this folder; False where it goes on apart, or goes back."""
        try:
            with without_values():
                self._turn(place, connection.at(place.account), changed)
        except ExchangeError as error:
            if len(self.paths) == 1 or isinstance(error, RegisterAway) or self._register_is_away():
                raise
            log.warning("partner %s: %s; watched apart from now on", place.path.stem, error)
            self.paths.remove(place.path)
            self.watch.apart(place.path, self)
            return False
        now = time.monotonic()
        self.in_order_since = self.in_order_since or now
        if now - self.in_order_since < _IN_ORDER_SECONDS:
            return True
        self.pause = _FIRST_PAUSE_SECONDS
        return not self._goes_back(place)

    def _register_is_away(self) -> bool:
        try:
            with without_values():
                check_written(self.app.register.engine)
        except ExchangeError:
            return True
        return False

    def _goes_back(self, place: _Place) -> bool:
        """Whether this folder, which has been in order, is looked into by those again from whom it was apart."""
        if self.home is None or not self.home.take_back(place):
            return False
        self.paths.remove(place.path)
        return True

    def _turn(self, place: _Place, folder: Folder, changed: Changed) -> None:
        policy, movement, whole = self.app.settings.policy, place.movement, True
        with folder.one_look():
            if movement.must_list(changed.at(), time.monotonic()):
                if not place.is_as_agreed:
                    place.pause = 0.0  # it is due again, and before that its files are looked at
                    return
                asked = folder.sftp.request_number
                scan = FolderScan(self.app, place.agreement, folder)
                questions = folder.sftp.request_number - asked
                whole = self._claim(place, scan)
                names, there = frozenset(scan.files), bool(scan.sets)
                movement.listed(names, time.monotonic(), sets_there=there, questions=questions)
        now, watched = time.monotonic(), self.watch.watched.number
        if now >= place.next_sign:
            Duties.of_home(self.app.settings.home).done(look_at(place.agreement.partner))
            place.next_sign = now + _SIGN_SECONDS
        place.pause = movement.pause(now, policy.look_seconds, watched, policy.looks_per_second) if whole else 0.0

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
            with self.watch.watched.claiming(), scan.apart(stem):
                if self.watch.over.is_set():
                    return False
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
