"""One process of one way: ``python -m benchmarks.lookup.one WAY WORLD KEYS COUNT TIMES``; WAY is a module.

Looks up ``COUNT`` keys of the file ``KEYS`` at once, ``TIMES`` times with other keys; tells what it found the first
time, and the median of a look-up in seconds once the process is there.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from hashlib import sha256
from pathlib import Path
from statistics import median


def main(way: str, world: str, keys_file: str, count: str, turns: str) -> None:
    keys = [int(line) for line in Path(keys_file).read_text(encoding="ascii").split()]
    each, taken = int(count), []
    with importlib.import_module(way).opened(Path(world)) as find:
        found = find(keys[:each])
        for turn in range(1, int(turns)):
            asked = keys[turn * each : (turn + 1) * each]
            began = time.perf_counter()
            find(asked)
            taken.append(time.perf_counter() - began)
    told = {"found": len(found), "digest": sha256(repr(sorted(found)).encode()).hexdigest()}
    print(json.dumps(told | ({"seconds": median(taken)} if taken else {})))


if __name__ == "__main__":
    main(*sys.argv[1:])
