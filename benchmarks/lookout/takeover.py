"""Two lookouts, each with half of the partners; one is killed: ``python -m benchmarks.lookout.takeover``.

Drops a set for each partner of the killed one at the moment of its death, and says when each was claimed by the other.
Environment: as of the package, with 40 partners on 4 servers where nothing is said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.lookout.world import ManyPartners
from exchange.intake.shares import Share

_SECONDS: Final = 75.0
_SETTLED: Final = 20.0


def main() -> None:
    partners, servers = int(os.environ.get("PARTNERS", "40")), int(os.environ.get("SERVERS", "4"))
    many = ManyPartners(Path(os.environ.get("WORLD", "var/bench-lookout")), partners, partners, servers, 0)
    program = [sys.executable, str(Path(__file__).parent / "on_duty.py"), str(many.world.config), str(_SECONDS)]
    try:
        many.clear()
        both = [subprocess.Popen([*program, str(number), "2"], stdout=subprocess.PIPE, text=True) for number in (0, 1)]
        time.sleep(_SETTLED)
        theirs = [name for name in many.names if Share(0, 2).number_of(name) == 1]
        sets = {name: many.prepare(name, time.time_ns()) for name in theirs}
        both[1].kill()
        died = time.time()
        for name, files in sets.items():
            many.drop(name, files)
        claimed = sorted(float(line.split()[1]) - died for line in both[0].communicate()[0].splitlines())
        both[1].communicate()
        print(
            f"{len(theirs)} of {partners} partners were watched by the one that was killed; {len(claimed)} sets found, "
            f"the first after {claimed[0]:.1f} s, the last after {claimed[-1]:.1f} s"
        )
    finally:
        many.stop()


if __name__ == "__main__":
    main()
