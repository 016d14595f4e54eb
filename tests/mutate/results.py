"""What became of each change, kept from run to run: of a module as it is, by the code with all of its changes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from exchange.base.paths import ROOT
from tests.mutate.changes import Change, Changed

FOLDER: Final = ROOT / "var" / "mutate-results"
_KEPT_EACH: Final = 10.0
"""Seconds; a run that is broken off loses no more."""


@dataclass(frozen=True)
class Verdict:
    """``by``: the test that noticed it; ``seconds``: of processor time."""

    how: Literal["untried", "killed", "survived", "not called", "left behind"]
    by: str = ""
    seconds: float = 0.0


class Results:
    """The verdicts of some modules; several threads put them."""

    def __init__(self, files: Sequence[Changed]) -> None:
        self.files = files
        self.verdicts: dict[str, Verdict] = {}
        self._lock, self._kept_at = Lock(), time.monotonic()
        for each in files:
            self.verdicts |= _known(each)

    def of(self, change: Change) -> Verdict:
        return self.verdicts.get(change.id, Verdict("untried"))

    def put(self, change: Change, verdict: Verdict) -> None:
        with self._lock:
            self.verdicts[change.id] = verdict
            if time.monotonic() - self._kept_at > _KEPT_EACH:
                self._keep()

    def keep(self) -> None:
        with self._lock:
            self._keep()

    def _keep(self) -> None:
        self._kept_at = time.monotonic()
        for each in self.files:
            found = {change.id: asdict(self.of(change)) for change in each.changes if change.id in self.verdicts}
            content = json.dumps({"code": _hash(each), "verdicts": found}, indent=1)
            _file(each).with_suffix(".part").write_text(content, encoding="utf-8")
            _file(each).with_suffix(".part").replace(_file(each))


def _file(each: Changed) -> Path:
    return FOLDER / f"{each.module}.json"


def _hash(each: Changed) -> str:
    return sha256(each.code.encode()).hexdigest()


def _known(each: Changed) -> dict[str, Verdict]:
    try:
        kept = json.loads(_file(each).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {id_: Verdict(**verdict) for id_, verdict in kept["verdicts"].items()} if kept["code"] == _hash(each) else {}
