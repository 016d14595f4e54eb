"""What a round tells of itself, and how it is kept: a line of JSON, so that runs of many seeds add up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Story:
    """``points``: where somebody was killed, as *duty: place #number*; ``kills``: these and those by the clock;
    ``recovered``: seconds of each thing that was done again behind the trouble, until it was done.
    """

    seed: int = 0
    began: str = ""
    harm: str = ""
    done: str = ""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0
    kills: int = 0
    points: list[str] = field(default_factory=list)
    races: int = 0
    recovered: list[float] = field(default_factory=list)

    def line(self) -> str:
        rounded = {"seconds": round(self.seconds, 2), "recovered": [round(each, 2) for each in self.recovered]}
        return json.dumps(asdict(self) | rounded, ensure_ascii=False)


def told(files: Iterable[Path]) -> Iterator[Story]:
    """All rounds of these files; a line that a killed campaign left half is none."""
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                read: dict[str, Any] = json.loads(line)
                yield Story(**read)
