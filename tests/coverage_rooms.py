"""Branch coverage of the rooms that decide: prints each and ends with 1 where one is below the limit.

``make coverage`` calls it with the JSON report that pytest-cov wrote. A room's figure is the share of its branches that
were taken; of all files together, not of each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOMS = ("matching", "snapshots", "calendar", "review", "register")
LIMIT = 95.0


def branches(report: Path) -> dict[str, float]:
    """Percent of the branches taken, by room; a room without any branch in the report has none taken."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    shares = {}
    for room in ROOMS:
        told = [each["summary"] for name, each in files.items() if name.startswith(f"exchange/{room}/")]
        there = sum(each["num_branches"] for each in told)
        shares[room] = 100 * sum(each["covered_branches"] for each in told) / there if there else 0.0
    return shares


def main(report: str) -> int:
    shares = branches(Path(report))
    for room, share in shares.items():
        sys.stdout.write(f"{room:10} {share:5.1f} % of its branches{'' if share >= LIMIT else f', below {LIMIT} %'}\n")
    return int(min(shares.values()) < LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
