"""``python -m benchmarks.pages.beside CONFIG BATCH …``: what works beside the pages while they are measured: collects
the sets that lie in the partners' folders, then runs these batches, one after the other.

Rule: it gives way as every task outside of the immediate lane does (``dags/household/tasks.py``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from exchange import pipeline
from exchange.app import App
from exchange.intake.collect import poll

GIVING_WAY = 10


def main(config: str, *batches: str) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, GIVING_WAY)
    with App.open("beside", Path(config)) as app:
        poll(app)
        for each in batches:
            pipeline.run(app, each)


if __name__ == "__main__":
    main(*sys.argv[1:])
