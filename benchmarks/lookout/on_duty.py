"""One lookout on duty: ``python benchmarks/lookout/on_duty.py CONFIG SECONDS``; the package comes from ``PYTHONPATH``.

Prints each batch with the time at which it was claimed; trouble goes to the standard error.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

from exchange.app import App
from exchange.intake.lookout import monitor


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="trouble: %(message)s")
    with App.open("bench", Path(sys.argv[1])) as app:
        for batch, _ in monitor(app, float(sys.argv[2])):
            print(batch, time.time(), flush=True)
    os._exit(0)  # without waiting for what hundreds of connections still say


if __name__ == "__main__":
    main()
