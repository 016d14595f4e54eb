"""One poll as ``collect`` makes it: ``python benchmarks/lookout/poll.py CONFIG``; the package comes from
``PYTHONPATH``. Prints seconds by the clock, seconds of processor time and partners in trouble; of the second poll, the
first one has everybody's status file to make.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from exchange.app import App
from exchange.intake.collect import poll
from exchange.status.publish import publish_all


def main() -> None:
    with App.open("bench", Path(sys.argv[1])) as app:
        for _ in range(2):
            begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
            troubles = poll(app).troubles
            polled = time.monotonic() - begun
            troubles += publish_all(app)
            after = resource.getrusage(resource.RUSAGE_SELF)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{polled:.1f} {time.monotonic() - begun:.1f} {spent:.1f} {len(troubles)}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
