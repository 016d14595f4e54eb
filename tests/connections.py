"""The office's connections to the partners' servers, kept between the looks and steps of a file's tests: a log-in costs
both sides 20 ms of processor together, and a test that answers a batch had three and more.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from exchange.wire import transport
from exchange.wire.connection import Login, SftpAccount, Timeouts
from exchange.wire.transport import Folder, Lock

_ANSWER_SECONDS = 60.0


class Connections:
    """In place of ``transport.connect``, for whichever threads. A connection is one conversation's at a time, asked
    whether it still stands before each, and closed after any error.
    """

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[Login, Path], list[tuple[Folder, ExitStack]]] = defaultdict(list)

    @contextmanager
    def connect(
        self,
        account: SftpAccount,
        key_file: Path,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  (frozen)
        lock: Lock = nullcontext,
    ) -> Iterator[Folder]:
        idle, begun = self._idle[account.login, key_file], time.monotonic()
        kept = _standing(idle)
        with ExitStack() if kept is None else kept[1] as stack:
            if kept is None:
                endless = replace(timeouts, conversation_seconds=0)
                first = stack.enter_context(transport.connect(account, key_file, endless, lock))
            else:
                first = kept[0]
            seconds = timeouts.conversation_seconds
            with first.limit.of(seconds) if seconds else nullcontext():
                yield Folder(account, first.sftp, first.limit, timeouts.whole_seconds, lock, begun)
            idle.append((first, stack.pop_all()))

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop()[1].close()


def _standing(idle: list[tuple[Folder, ExitStack]]) -> tuple[Folder, ExitStack] | None:
    """One of these that still answers; those that do not are closed."""
    while idle:
        folder, closing = idle.pop()
        with folder.limit.of(_ANSWER_SECONDS):
            if not folder.is_cut and folder.answers():
                return folder, closing
        closing.close()
    return None
