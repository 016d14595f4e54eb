"""Ordered parallel map over the parts of a batch, in threads (ADR 21 has the measurements).

Rules
- Results come in the order of the parts; an error of ``work`` is raised where its part would have come.
- Never more than ``MAX_IN_FLIGHT`` and one parts are in memory.
- Threads are enough, because Polars, pyarrow and numpy release the interpreter lock; ``work`` must not change shared
  state.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MAX_IN_FLIGHT: Final = min(len(os.sched_getaffinity(0)), 4) + 1
"""One more than cores, since each waits for the interpreter now and then; bounded for the memory that parts take."""


def map_ordered(
    work: Callable[[T], R], parts: Iterable[T], before: Callable[[], None] | None = None
) -> Iterator[tuple[T, R]]:
    """Yields each part with ``work(part)``, in order; an error of ``work`` is raised in the place of its part.
    ``before``: called once, in this thread, before others begin; not where there is no other.
    """
    parts = iter(parts)
    ahead = list(islice(parts, 2))
    if len(ahead) < 2:  # no thread for what has nothing beside it
        yield from ((part, work(part)) for part in ahead)
        return
    if before is not None:
        before()
    begun: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(MAX_IN_FLIGHT)
    try:
        for part in chain(ahead, parts):
            begun.append((part, pool.submit(work, part)))
            if len(begun) > MAX_IN_FLIGHT:
                yield _finished(begun)
        while begun:
            yield _finished(begun)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(begun: deque[tuple[T, Future[R]]]) -> tuple[T, R]:
    part, future = begun.popleft()
    return part, future.result()
