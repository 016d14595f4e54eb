"""Signs that a server was away a moment ago, so that not every try at it waits for it as long as the first.

    <home>/duty/away.<machine and login, hashed>      its time: when the server was last found away; its content: when
                                                      somebody last waited for it patiently, in seconds since 1970

Rules
- Whoever finds a server away leaves its sign; whoever connects takes it away.
- Who may come again (``comes_again``) does not wait patiently where somebody has just done so: it tries once, for a
  moment, and really connects where the server is back; where one did that seconds ago, in vain, it goes at once.
- Nobody can be kept away by others' short tries: where the last patient one is longer ago, whoever comes writes down
  that it is one, and waits. Of many that come at once, one does.
- Who does not come again, as the last try of a task, the poll and the lookout, always waits.
- A sign decides nothing but how long one try waits. It is of this machine's way to one login: another machine may reach
  the server, and another account of it may be let in.

Why: each of forty sets of a partner whose server said nothing waited for half a minute, again and again, in the two
places that Airflow has for large work, and nobody else's was begun meanwhile (decision 1).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from exchange.base.duty import Duties, Sign
from exchange.base.errors import Retryable
from exchange.base.files import sha256
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.transport import Folder

WAITED_LATELY: Final = timedelta(seconds=25)
"""So long after somebody waited patiently others try for a moment."""

JUST_NOW: Final = timedelta(seconds=3)
"""So long after somebody tried in vain others do not try at all."""

MOMENT_SECONDS: Final = 2.0
"""What a sound server far away takes to let somebody in at most; nearby it takes a tenth of a second."""


@dataclass(frozen=True)
class AwaySign:
    """The sign of one account's login. ``duties``: the folder of this office's signs."""

    duties: Duties
    account: SftpAccount

    @property
    def name(self) -> str:
        """Of its file."""
        return "away." + sha256("\n".join(map(str, (os.uname().nodename, *self.account.login))).encode())[:32]

    @contextmanager
    def connected(
        self, timeouts: Timeouts, connect: Callable[[Timeouts], AbstractContextManager[Folder]], *, comes_again: bool
    ) -> Iterator[Folder]:
        """The folders that ``connect`` opens within these time limits, for the length of the block; with
        ``comes_again`` as briefly as the sign lets it. Retryable where it is not tried; errors as ``connect`` raises
        them.
        """
        sign, now = self.duties.last(self.name), datetime.now(UTC)
        waited = _waited_at(sign)
        is_short = comes_again and waited is not None and abs(now - waited) <= WAITED_LATELY
        if is_short:
            timeouts = _for_a_moment(timeouts)
        elif comes_again:
            timeouts = replace(timeouts, again_within_seconds=timeouts.connect_seconds)
        if sign is not None and is_short and sign.is_of_late(now, JUST_NOW):
            msg = f"{self.account.server}: somebody tried to connect seconds ago, in vain"
            raise Retryable(msg)
        if sign is not None and not is_short:
            self._leave(now, found=sign.at)
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(connect(timeouts))
            except Retryable:
                self._leave(waited if is_short else None)
                raise
            if sign is not None:
                self.duties.withdraw(self.name)
            yield folder

    def _leave(self, waited: datetime | None, found: datetime | None = None) -> None:
        """Of whoever waited then, or else just now."""
        self.duties.done(self.name, f"{(waited or datetime.now(UTC)).timestamp():.3f}", found)


def _waited_at(sign: Sign | None) -> datetime | None:
    """When somebody last waited patiently; None where the sign does not say."""
    try:
        return None if sign is None else datetime.fromtimestamp(float(sign.summary), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _for_a_moment(timeouts: Timeouts) -> Timeouts:
    """One try to connect, of a moment in all; once connected everything has the time that it had."""
    return replace(
        timeouts,
        connect_seconds=min(timeouts.connect_seconds, MOMENT_SECONDS),
        connecting_seconds=MOMENT_SECONDS,
        tries=1,
    )
