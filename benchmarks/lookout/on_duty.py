"""One lookout on duty: ``python benchmarks/lookout/on_duty.py CONFIG SECONDS [NUMBER OF]``; the package comes from
``PYTHONPATH``. ``NUMBER OF``: its share, counted from 0.

Prints each batch with the time at which it was claimed; trouble goes to the standard error.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from exchange.app import App
from exchange.intake.lookout import monitor


def _share(numbers: list[str]) -> dict[str, Any]:
    if not numbers:
        return {}
    from exchange.intake.shares import Share  # noqa: PLC0415  (an earlier checkout has none)

    return {"share": Share(*map(int, numbers))}


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="trouble: %(message)s")
    with App.open("bench", Path(sys.argv[1])) as app:
        for batch, _ in monitor(app, float(sys.argv[2]), **_share(sys.argv[3:])):
            print(batch, time.time(), flush=True)
    os._exit(0)  # without waiting for what hundreds of connections still say


if __name__ == "__main__":
    main()
