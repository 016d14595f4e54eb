"""Lookout: watches the folders of the partners that may ask ad hoc, and claims what is complete within a second.

Rules
- It claims, with the collector's own look, and nothing else: what is incomplete, sent again or taken is the poll's,
  which stands behind it each minute. Several may look at once: the register decides who has a set.
- One connection per partner stays open, each in a thread of its own: a dead server holds up nobody else. It is tried
  again with growing pauses. Each look has one time limit in all; what goes wrong with one set holds up no other.
- A set is read again only when its files are listed otherwise than before (names, sizes, times): a folder in which
  nothing moves costs one question a look (``movement.py``).
- It leaves signs of life (``base/duty.py``): of itself, and of each folder's last look.
- An agreement is read anew with each connection, the list of agreements with each lookout.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App
from exchange.base.duty import LOOKOUT, Duties, look_at
from exchange.base.errors import ExchangeError, without_values
from exchange.intake.collect import FolderScan
from exchange.intake.lanes import AD_HOC, Lane, lane_of
from exchange.intake.movement import Movement
from exchange.wire.transport import Folder, RemoteFile

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_SIGN_SECONDS: Final = 10.0
_TURN_SECONDS: Final = 1.0

ClaimedBatch = tuple[str, Lane]
"""A batch that was claimed, and its lane."""


def monitor(app: App, seconds: float, between: Callable[[], object] = lambda: None) -> Generator[ClaimedBatch]:
    """Batches, each as soon as it is claimed, for so long; the office stays open meanwhile. ``between``: what is to be
    done about each second.
    """
    end = time.monotonic() + seconds
    duty, duties = _Duty(app), Duties.of_home(app.settings.home)
    claims, over, sign_at = duty.found, duty.over, 0.0
    for path in app.agreement_files():
        Thread(target=_Watcher(duty, path).run, name=path.stem, daemon=True).start()
    try:
        while (left := end - time.monotonic()) > 0:
            if time.monotonic() >= sign_at:
                duties.done(LOOKOUT)
                sign_at = time.monotonic() + _SIGN_SECONDS
            between()
            with suppress(Empty):
                yield claims.get(timeout=min(left, _TURN_SECONDS))
    finally:
        over.set()
    with suppress(Empty):
        while True:
            yield claims.get_nowait()


class _Duty:
    """What the watchers of one lookout share. ``watched``: the partners whose folders are being watched."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.found: SimpleQueue[ClaimedBatch] = SimpleQueue()
        self.over = Event()
        self.watched: set[str] = set()


class _Watcher:
    """Watches one partner's folder."""

    def __init__(self, duty: _Duty, agreement_file: Path) -> None:
        self.duty = duty
        self.app = duty.app
        self.agreement_file = agreement_file
        self.over = duty.over
        self.seen: dict[str, list[RemoteFile]] = {}
        self.pause = _FIRST_PAUSE_SECONDS
        self.sign_at = 0.0

    def run(self) -> None:
        while not self.over.is_set():
            try:
                with without_values():
                    agreement = load_agreement(self.agreement_file)
                    if AD_HOC not in agreement.cycles:
                        return
                    with self.app.standing_folder(agreement) as folder:
                        self._watch(agreement, folder)
            except ExchangeError as error:
                log.warning("partner %s: %s; tried again in %.0f s", self.agreement_file.stem, error, self.pause)
                self.over.wait(self.pause)
                self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)

    def _watch(self, agreement: Agreement, folder: Folder) -> None:
        policy, movement = self.app.settings.policy, Movement(time.monotonic())
        self.duty.watched.add(agreement.partner)
        try:
            while not self.over.is_set():
                with folder.one_look():
                    if movement.must_list(folder.requests_changed(), time.monotonic()):
                        scan = FolderScan(self.app, agreement, folder)
                        self._look(scan)
                        movement.listed(frozenset(scan.files), time.monotonic(), sets_there=bool(scan.sets))
                self.pause = _FIRST_PAUSE_SECONDS
                self._give_sign(agreement)
                watched = len(self.duty.watched)
                self.over.wait(movement.pause(time.monotonic(), policy.look_seconds, watched, policy.looks_per_second))
        finally:
            self.duty.watched.discard(agreement.partner)

    def _give_sign(self, agreement: Agreement) -> None:
        if time.monotonic() >= self.sign_at:
            Duties.of_home(self.app.settings.home).done(look_at(agreement.partner))
            self.sign_at = time.monotonic() + _SIGN_SECONDS

    def _look(self, scan: FolderScan) -> None:
        self.seen = {stem: files for stem, files in self.seen.items() if stem in scan.sets}
        for stem, files in scan.sets.items():
            if self.seen.get(stem) != files:
                with scan.apart(stem):
                    scan.claim_if_complete(stem)
                    while scan.claimed:
                        batch_id = scan.claimed.pop()
                        self.duty.found.put((batch_id, lane_of(self.app, batch_id)))
                self.seen[stem] = files
