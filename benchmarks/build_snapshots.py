"""Snapshots as the nightly run builds them: ``python -m benchmarks.build_snapshots EXPORTS TO DAY SOURCE …``."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots


def main(exports: str, folder: str, day: str, *sources: str) -> None:
    """Tells of each source its rows and the size of its snapshot in bytes."""
    told = {}
    for source in sources:
        version = build(Snapshots(Path(folder)), source, Path(exports) / source / day, date.fromisoformat(day))
        size = sum(path.stat().st_size for path in version.folder.iterdir())
        told[source] = {"rows": version.record().rows, "bytes": size}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
