"""Where the time of a step goes: named stages, measured only while somebody asks, by names and seconds alone.

Rules: a stage inside another takes its time away from the outer one, so that the seconds add up; what runs in another
thread is not seen. Where nobody asks, a stage costs a look at one variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")


@dataclass
class Stages:
    """Stage → seconds, in the order in which the stages first began."""

    seconds: dict[str, float] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _since: float = 0.0

    def _enter(self, name: str) -> None:
        self._count()
        self.seconds.setdefault(name, 0.0)
        self._open.append(name)

    def _leave(self) -> None:
        self._count()
        self._open.pop()

    def _take(self, inner: Stages) -> None:
        for name, seconds in inner.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self._since = perf_counter()

    def _count(self) -> None:
        now = perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


_asked: Final[ContextVar[Stages | None]] = ContextVar("stages", default=None)


@contextmanager
def measured() -> Iterator[Stages]:
    """Within the block every stage of this thread is measured; the block's own time between them is not. What a block
    inside another measured is the outer one's, too.
    """
    stages, outer = Stages(), _asked.get()
    before = _asked.set(stages)
    if outer is not None:
        outer._count()
    try:
        yield stages
    finally:
        _asked.reset(before)
        if outer is not None:
            outer._take(stages)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The time that the block takes counts as this stage's."""
    stages = _asked.get()
    if stages is None:
        yield
        return
    stages._enter(name)
    try:
        yield
    finally:
        stages._leave()


def in_stage(name: str, things: Iterable[T]) -> Iterator[T]:
    """Yields the things unchanged; the time that each takes to be made counts as this stage's."""
    coming = iter(things)
    while True:
        with stage(name):
            try:
                thing = next(coming)
            except StopIteration:
                return
        yield thing
