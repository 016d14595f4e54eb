"""Branch coverage of the rooms that decide: ``make coverage``.

    python -m tests.coverage_rooms                  what pytest is to be told: which rooms, which tests
    python -m tests.coverage_rooms COVERAGE.json    each room's share; 1 where one is below the limit

Rules
- A room's figure is the share of its branches that were taken, of all its files together; the branches that were not
  are listed, so that whoever is below the limit sees where.
- Beside a room's own tests run those of the steps and pages that lead to what it does; a test that adds no branch to
  these is left to ``make test``, so that the whole takes minutes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOMS: Final = ("matching", "snapshots", "calendar", "review", "register")
LIMIT: Final = 95.0

OWN: Final = (*(f"tests/{room}" for room in ROOMS), "tests/spec")
"""Rules' cases are in ``tests/spec``."""

OTHERS: Final = (
    "tests/pages/test_alike.py",  # review/alike.py; what is proposed for rows (review/case.py)
    "tests/pages/test_returned.py",  # register/returned.py
    "tests/pages/test_suspicions.py",  # review/second_eyes.py: more time
    "tests/pages/test_two_officers.py",  # review/second_eyes.py: undoing
    "tests/steps/test_second_look.py",  # review/second_eyes.py: objections; review/case.py: rows of one
)
"""Each with what of the rooms it leads to, that no test of their own does."""


@dataclass(frozen=True)
class Room:
    """``missed``: file, and the lines from and to which no test went (to 0 or less: the end of a block)."""

    name: str
    taken: int
    there: int
    missed: tuple[tuple[str, int, int], ...]

    @property
    def share(self) -> float:
        """Percent; a room without any branch in the report has none taken."""
        return 100 * self.taken / self.there if self.there else 0.0


def arguments() -> list[str]:
    """What pytest is to be told."""
    rooms = [word for room in ROOMS for word in ("--cov", f"exchange/{room}")]
    return [*rooms, "--cov-branch", *OWN, *OTHERS]


def rooms(report: Mapping[str, Any]) -> Iterator[Room]:
    """What pytest-cov's JSON report says of each."""
    for name in ROOMS:
        files = {path: each for path, each in report["files"].items() if path.startswith(f"exchange/{name}/")}
        told = [each["summary"] for each in files.values()]
        missed = [(path, *branch) for path, each in sorted(files.items()) for branch in each["missing_branches"]]
        taken, there = (sum(each[what] for each in told) for what in ("covered_branches", "num_branches"))
        yield Room(name, taken, there, tuple(missed))


def main(report: str) -> int:
    found = list(rooms(json.loads(Path(report).read_text(encoding="utf-8"))))
    for room in found:
        for path, begin, end in room.missed:
            sys.stdout.write(f"{path}:{begin} -> {end if end > 0 else 'end'}\n")
    for room in found:
        low = "" if room.share >= LIMIT else f", below {LIMIT} %"
        sys.stdout.write(f"{room.name:10} {room.share:5.1f} % of its branches ({room.taken} of {room.there}){low}\n")
    return int(min(room.share for room in found) < LIMIT)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1]))
    sys.stdout.write(" ".join(arguments()))
