"""A pool of connections to partners' servers: what talks to one server again and again connects once.

Rules
- A connection belongs to one login (server, host key, account): where one of these has changed, another is opened;
  partners who share all of it share connections, each with folders of its own. It is asked whether it still stands
  before it is used again, unless it was used just now and nothing was heard of its end; it is closed after any error.
- It is one conversation's at a time; whoever comes meanwhile connects anew. Each conversation has its own time limit.
- Not many are kept, and not for long: a server's connections are its own affair. As many as a burst has partners, in
  turn, and until it is a partner's turn again: to connect costs both sides more than to answer a small set.
- A pool is one thread's: what runs in other threads meanwhile connects by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from exchange.base.errors import ExchangeError
from exchange.wire.connection import Login, SftpAccount
from exchange.wire.transport import Folder

MAX_KEPT: Final = 64
KEPT_SECONDS: Final = 60.0
_JUST_NOW_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 5.0
"""A connection that has not answered by then is taken for gone, and another one opened."""


@dataclass(frozen=True)
class _Kept:
    folder: Folder
    closing: ExitStack
    since: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self.since > KEPT_SECONDS

    def stands(self) -> bool:
        if self.folder.is_cut:
            return False
        if time.monotonic() - self.since < _JUST_NOW_SECONDS:
            return True
        try:
            with self.folder.limit.of(_ANSWER_SECONDS):
                return self.folder.answers()
        except ExchangeError:
            return False


class ConnectionPool:
    """The connections that one thread's conversations use one after another."""

    def __init__(self) -> None:
        self._kept: dict[Login, _Kept] = {}

    @contextmanager
    def conversation(
        self, account: SftpAccount, seconds: float, opened: Callable[[], AbstractContextManager[Folder]]
    ) -> Iterator[Folder]:
        """The account's folders over a connection that stands, or that ``opened`` opens; Retryable when the block takes
        longer than this in all.
        """
        self.close_idle()
        kept = self._kept.pop(account.login, None)
        if kept is not None and not kept.stands():
            kept.closing.close()
            kept = None
        # What closes it is handed on as it is: put into another stack each time, it would lie too deep to be closed.
        with ExitStack() if kept is None else kept.closing as stack:
            folder = stack.enter_context(opened()) if kept is None else kept.folder.at(account)
            with folder.limit.of(seconds):
                yield folder
            self._keep(account.login, _Kept(folder, stack.pop_all(), time.monotonic()))

    def _keep(self, login: Login, kept: _Kept) -> None:
        if login in self._kept or len(self._kept) >= MAX_KEPT:
            kept.closing.close()
        else:
            self._kept[login] = kept

    def close_idle(self) -> None:
        """Closes what was not used for ``KEPT_SECONDS``."""
        for login in [login for login, kept in self._kept.items() if kept.is_over]:
            self._kept.pop(login).closing.close()

    def close(self) -> None:
        """Closes all that is kept."""
        for kept in self._kept.values():
            kept.closing.close()
        self._kept.clear()


_current: Final[ContextVar[ConnectionPool | None]] = ContextVar("connection pool", default=None)


def current_pool() -> ConnectionPool | None:
    """This thread's pool, within ``pooled``."""
    return _current.get()


@contextmanager
def pooled() -> Iterator[ConnectionPool]:
    """Conversations of this thread share connections within the block; within another such block nothing changes."""
    if (pool := _current.get()) is not None:
        yield pool
        return
    with closing(ConnectionPool()) as pool:
        token = _current.set(pool)
        try:
            yield pool
        finally:
            _current.reset(token)
