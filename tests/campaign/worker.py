"""A process of ``hands.py``: asked for one duty after another, each of which it does in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from exchange.base.errors import Halt
from exchange.base.files import make_folder
from exchange.base.paths import ROOT

_SECONDS: Final = 60


@dataclass(frozen=True)
class Ended:
    """How it ended; ``point``: where it was killed, ``events`` and ``calls``: how many there were; ``seconds`` that it
    took where it was done.
    """

    code: int
    said: str
    events: int
    seconds: float
    point: str
    calls: Mapping[str, int]


@dataclass
class Worker:
    """``temporary``: its folder for temporary files, and its children's."""

    config: Path
    temporary: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        own = {"EXCHANGE_CONFIG": str(self.config), "OPENBLAS_NUM_THREADS": "1"}
        own |= {"TMPDIR": str(make_folder(self.temporary)), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.campaign.hands"],
            env={**os.environ, **own, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def ask(self, asked: Mapping[str, Any]) -> None:
        """Lets it begin; ``ended`` waits for it."""
        writes = self._process.stdin
        if writes is None or writes.closed:
            msg = "nobody works here"
            raise Halt(msg)
        writes.write(json.dumps(asked) + "\n")
        writes.flush()

    def ended(self) -> Ended:
        reads = self._process.stdout
        line = reads.readline() if reads is not None else ""
        if not line:
            del self.__dict__["_process"]  # somebody else does what is asked for next
            msg = "who works here has ended"
            raise Halt(msg)
        return Ended(**json.loads(line))

    def close(self) -> None:
        """Nobody works here any more."""
        if "_process" in self.__dict__:
            self._process.communicate(timeout=_SECONDS)
