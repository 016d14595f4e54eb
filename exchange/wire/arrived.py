"""What a server has sent and nobody has read yet, in place of paramiko's ``BufferedPipe``.

Rules
- It stays in the pieces in which it came, and is put together once, when it is read. paramiko's keeps it in one array
  and moves all that waits each time that some is taken.
- Whoever waits for many bytes is woken when they are there, not at each piece: the thread that reads from the line and
  the one that reads from here have one interpreter between them.
- Waiting ends when nothing at all has come for so long; a server that sends a byte now and then is cut by the time of
  the whole conversation (``sftp.TimeLimit``).
"""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Final

from paramiko.buffered_pipe import PipeTimeout

AT_ONCE: Final = 256 * 1024
"""Bytes that are waited for at most: an answer to a large question. A window holds several (``connection._WINDOW``), so
that a server which must wait for room never waits for whoever waits for it.
"""

_SMALL: Final = 4096


class Arrived:
    """Bytes of a channel, fed by one thread and read by another. What paramiko's has for programs that ``select`` on a
    channel is not here.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._pieces: deque[bytes | memoryview] = deque()
        self._length = 0
        self._wanted = 1
        self._closed = False

    def __len__(self) -> int:
        return self._length

    def read_ready(self) -> bool:
        """Whether anything waits."""
        return self._length > 0

    def feed(self, data: bytes) -> None:
        """What came next. Small pieces are put together: a server may send a million of them within its window."""
        with self._changed:
            if self._pieces and len(self._pieces[-1]) + len(data) <= _SMALL:
                self._pieces[-1] = b"".join((self._pieces[-1], data))
            elif data:
                self._pieces.append(data)
            self._length += len(data)
            if self._length >= self._wanted:
                self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes: what waits can still be read, and then nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def read(self, nbytes: int, timeout: float | None = None) -> bytes:
        """The next bytes, so many or as many as are waited for at once; fewer at the end, and none behind it.
        PipeTimeout when nothing came for ``timeout`` seconds.
        """
        with self._changed:
            self._wanted = min(nbytes, AT_ONCE)
            while self._length < self._wanted and not self._closed:
                before = self._length
                if not self._changed.wait(timeout) and self._length == before:
                    raise PipeTimeout
            return self._taken(min(nbytes, self._length))

    def empty(self) -> bytes:
        """All that waits."""
        with self._changed:
            return self._taken(self._length)

    def _taken(self, count: int) -> bytes:
        self._length -= count
        taken: list[bytes | memoryview] = []
        while count:
            piece = self._pieces.popleft()
            if len(piece) > count:
                whole = memoryview(piece)
                self._pieces.appendleft(whole[count:])
                piece = whole[:count]
            taken.append(piece)
            count -= len(piece)
        return taken[0] if len(taken) == 1 and isinstance(taken[0], bytes) else b"".join(taken)
