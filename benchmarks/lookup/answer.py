"""The whole answer to some rows in memory, in a process that is there: ``python -m benchmarks.lookup.answer WAY WORLD
REQUEST ROWS TIMES``; WAY is ``ours`` or ``duckdb``. Tells the median in seconds, and a digest of the first answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.fixed import MATCHED, OUT, TODAY
from benchmarks.match.ours import sources
from benchmarks.peers.match import with_duckdb
from exchange.matching.decide import decide

Answer = Callable[[pl.DataFrame], list[tuple[str, ...]]]


def ours(world: Path) -> Answer:
    known = sources(world)
    return lambda rows: decide(rows, MATCHED, known, TODAY).select(OUT).rows()


def duckdb(world: Path) -> Answer:
    connection = with_duckdb.connected("file", world)

    def answer(rows: pl.DataFrame) -> list[tuple[str, ...]]:
        connection.register("asked_rows", rows.to_arrow())
        return connection.execute(with_duckdb.STATEMENT).fetchall()

    return answer


def main(way: str, world: str, request: str, rows: str, turns: str) -> None:
    claims = pl.read_csv(request, infer_schema=False, n_rows=int(rows) * int(turns)).fill_null("")
    claims = claims.with_columns(pl.lit(None, pl.String).alias("row_fault"))
    answer: Answer = {"ours": ours, "duckdb": duckdb}[way](Path(world))
    pieces = [claims[start : start + int(rows)] for start in range(0, claims.height, int(rows))]
    first = [tuple(value or "" for value in row) for row in answer(pieces[0])]
    taken = []
    for piece in pieces[1:]:
        began = time.perf_counter()
        answer(piece)
        taken.append(time.perf_counter() - began)
    print(json.dumps({"digest": sha256(repr(first).encode()).hexdigest(), "seconds": median(taken)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
