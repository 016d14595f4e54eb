"""Says to a lookout that whoever runs it stops: Airflow's scheduler with the local executor, or a Celery worker.

Rule: each of them waits for the tasks at work before it ends, also where it failed, as when the database was started
anew. Meanwhile it starts no task, and a lookout is at work for half an hour. So whoever stops says so, and the lookout
ends in a second or two; what it has claimed is done by then, or is the next run's.

So it does where the process that runs it was killed: it could start no run any more, and none would be started by
others as long as it is on duty; Airflow has given it up, and nobody can end it there.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Final, Self

_STOPPING: Final = mmap.mmap(-1, 1)
"""A byte in memory that a process shares with those forked from it."""


def stop() -> None:
    """Said to all processes that are forked from this one, now or later."""
    _STOPPING[0] = 1


def is_stopping() -> bool:
    """Whether it was said by a process that this one was forked from, or by this one."""
    return _STOPPING[0] != 0


@dataclass(frozen=True)
class Runner:
    """The process ``pid``, of which this one is a child, and which runs it."""

    pid: int

    @classmethod
    def here(cls) -> Self:
        """Of the process that asks."""
        return cls(os.getppid())

    def ends(self) -> bool:
        """Whether it stops, or is gone. To be asked in the process that :meth:`here` was asked in."""
        return is_stopping() or os.getppid() != self.pid
