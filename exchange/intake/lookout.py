"""Lookout: watches the folders of the partners that may ask ad hoc, and claims what is complete within a second.

Rules
- It claims, with the collector's own look, and nothing else: what is incomplete, sent again or taken is the poll's,
  which stands behind it each minute. Several may look at once: the register decides who has a set.
- Folders are looked into over connections that stay open, one for those who share a login (``rounds.py``).
- Several lookouts may share the partners (``shares.py``): each watches its own, and those of one that says nothing.
- It leaves signs of life (``base/duty.py``): of itself, and of each folder's last look.
- The list of agreements is read when it begins; where it changes the next one begins soon.
- It watches until its shift ends (``shifts.py``), or whoever runs it stops, or is gone (``stopping.py``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from exchange.app import App
from exchange.base.duty import LOOKOUT, Duties
from exchange.intake.rounds import ClaimedBatch, Watch, Watched
from exchange.intake.shares import WHOLE, Share, Silence
from exchange.intake.shifts import Arrangements, Shift, arrangements
from exchange.intake.stopping import Runner

log = logging.getLogger(__name__)

_SIGN_SECONDS: Final = 3.0
_TURN_SECONDS: Final = 1.0
_LAST_SECONDS: Final = 5.0
"""What is being claimed as the lookout ends may take so long; it takes some hundredths, and more at a slow server."""


def monitor(
    app: App,
    seconds: float,
    between: Callable[[], object] = lambda: None,
    share: Share = WHOLE,
    read: Arrangements | None = None,
) -> Generator[ClaimedBatch]:
    """Batches, each as soon as it is claimed, for so long or until it is to end before; the office stays open
    meanwhile. ``between``: what is to be done about each second; ``read``: the arrangements as the office was opened
    with, where that is a while ago.
    """
    app.check_archive()
    end, shift, read = time.monotonic() + seconds, Shift.lasting(seconds), read or arrangements(app)
    duties, silence = Duties.of_home(app.settings.home), Silence(share, time.monotonic())
    paths, claimed, watched = app.agreement_files(), SimpleQueue[ClaimedBatch](), Watched()
    watches, runner = dict[int, Watch](), Runner.here()
    found, sign_at = duties.last(share.sign), 0.0
    try:
        while (left := end - time.monotonic()) > 0 and not runner.ends():
            if time.monotonic() >= sign_at:
                sign = duties.last(share.sign)
                if sign != found and shift.gives_way_to(Shift.of_sign(sign)):
                    log.info("another lookout began before this one, which ends")
                    break
                before, shift = shift, shift.by_clock(end - time.monotonic())
                if (now := arrangements(app)) != read:
                    shift, read = shift.ended_soon(), now
                if shift != before:
                    log.info("settings, keys, agreements or the clock were set: ends in %.0f s", shift.left)
                end = min(end, time.monotonic() + shift.left)
                duties.done(LOOKOUT)
                duties.done(share.sign, shift.summary)
                sign_at = time.monotonic() + _SIGN_SECONDS
            signs = {other: duties.last(other.sign) for other in share.others}
            mine = {share.mine, *silence.silent(signs, time.monotonic())}
            for number in mine - watches.keys():
                watches[number] = Watch(app, claimed, watched)
                watches[number].begin(path for path in paths if share.number_of(path.stem) == number)
            for number in watches.keys() - mine:
                watches.pop(number).over.set()
            between()
            with suppress(Empty):
                yield claimed.get(timeout=min(left, _TURN_SECONDS))
    finally:
        for watch in watches.values():
            watch.over.set()
    watched.claims_ended(_LAST_SECONDS)
    with suppress(Empty):
        while True:
            yield claimed.get_nowait()
