"""What the physical parts of a batch take with plain tools: each file read, hashed, decrypted, parsed, encrypted and
written once, by ``dd``, ``openssl`` and pyarrow.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.measure import Run, in_turn, middle
from benchmarks.pipeline.office import Batch
from exchange.demo.world import World

RUNS: Final = 3
_PARSE: Final = """
import json, sys, time
import pyarrow.csv
began, used = time.perf_counter(), time.process_time()
pyarrow.csv.read_csv(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - used}))
"""


def physical(world: World, batch: Batch, asked: Path, scratch: Path) -> dict[str, Run]:
    """The median by part, for a delivered batch; ``seconds`` without the start of an interpreter."""
    court = batch.court
    court.result(batch.id)  # fetches and opens it, and checks that it is the office's
    sealed = next((court.keys / "desk").glob(f"{batch.id}.result*.p7m"))
    original, answers, out = str(batch.original), str(sealed.with_suffix("")), str(scratch / "out")
    keys = ["-recip", f"{world.office_keys}/encrypt.pem", "-inkey", f"{world.office_keys}/encrypt.key"]
    opened = ["-binary", "-inform", "DER", "-in", original, "-out", out]
    closed = ["-binary", "-outform", "DER", "-in", answers, "-out", out]
    commands = {
        "reading the request": ["dd", f"if={original}", "of=/dev/null", "bs=1M", "status=none"],
        "hashing it": ["openssl", "dgst", "-sha256", original],
        "decrypting it": ["openssl", "cms", "-decrypt", *opened, *keys],
        "parsing it": [sys.executable, "-c", _PARSE, str(asked)],
        "encrypting the result": ["openssl", "cms", "-encrypt", "-aes-256-cbc", *closed, f"{court.keys}/encrypt.pem"],
        "hashing it sealed": ["openssl", "dgst", "-sha256", str(sealed)],
        "writing it": ["dd", f"if={sealed}", f"of={out}", "bs=1M", "conv=fsync", "status=none"],
    }
    found = in_turn(commands, RUNS)
    runs = {name: middle(each) for name, each in found.items()}
    return {name: replace(run, **run.told) for name, run in runs.items()}
