"""One batch from claimed to delivered: ``python -m benchmarks.pipeline.one CONFIG BATCH``; tells seconds by step, by
stage those of ``receive`` and ``process``, which end with the encrypted result on disk, and the processor seconds of
all three, with those of the programs that they run.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path

import great_expectations  # noqa: F401  (a worker has it before its tasks begin: docker/airflow_local_settings.py)

from exchange import pipeline
from exchange.app import App
from exchange.base.timing import measured, stage


def main(config: str, batch: str) -> None:
    gc.freeze()  # as what a worker has imported is, for good (docker/airflow_local_settings.py)
    steps = {}
    with App.open("benchmark", Path(config)) as app:
        used = sum(os.times()[:4])
        with measured() as stages:
            for name, step in (("receive", pipeline.receive), ("process", pipeline.process)):
                began = time.perf_counter()
                with stage(f"{name}, the rest"):
                    step(app, batch)
                steps[name] = time.perf_counter() - began
        began = time.perf_counter()
        pipeline.deliver(app, batch)
        steps["deliver"] = time.perf_counter() - began
        processor = sum(os.times()[:4]) - used
    print(json.dumps({"steps": steps, "stages": stages.seconds, "processor": processor}))


if __name__ == "__main__":
    main(*sys.argv[1:])
