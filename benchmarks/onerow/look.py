"""What one process measures: ``python look.py CONFIG BATCH REPEATS``, with the checkout to be measured on PYTHONPATH.

It knows no more of the project than both commits have, and is run as a file, so that the other checkout's code answers.
Last line: seconds of the first opening and of the later ones, of minutes, and how many rows were decided in a minute.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl

from exchange import pipeline
from exchange.matching.decide import decide
from exchange.office import Office
from exchange.register import ReviewFilter
from exchange.review.sight import see
from exchange.steps import answers


def main(config: str, batch: str, repeats: str) -> None:
    decided = 0

    def counted(table: pl.DataFrame, *arguments: object, **named: object) -> pl.DataFrame:
        nonlocal decided
        decided += table.height
        return decide(table, *arguments, **named)  # type: ignore[arg-type]

    vars(answers)["decide"] = counted
    with Office.open("benchmark", Path(config)) as office:
        pipeline.propose_all(office)  # what can leave has left; from here on nothing changes
        decided, minutes = 0, []
        for _ in range(int(repeats)):
            began = time.perf_counter()
            pipeline.propose_all(office)
            minutes.append(time.perf_counter() - began)
        in_minutes, decided, opened = decided // int(repeats), 0, []
        reviews = office.register.reviews.find(ReviewFilter(batch=batch, limit=int(repeats) + 1))
        for review in reviews:
            began = time.perf_counter()
            see(office, batch, [review])
            opened.append(time.perf_counter() - began)
    per_row = decided // len(opened)
    print(json.dumps({"opened": opened, "minutes": minutes, "in_minute": in_minutes, "for_row": per_row}))


if __name__ == "__main__":
    main(*sys.argv[1:])
