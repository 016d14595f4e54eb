"""``python -m benchmarks.releases``: a minute of ``releases`` over delivered batches with open rows, nothing changed.

Rules
- Real batches of a demo office, each with rows that wait for an officer or the leader. The first look proposes what can
  be proposed and is nobody's figure; in those that are timed nothing may be decided.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final
from unittest.mock import patch

import typer

from benchmarks.adhoc.sets import ITEMS, Desk
from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.demo.world import SEED, World
from exchange.intake.collect import poll
from exchange.steps.answers import BatchContext

_BASIS: Final = "刑事诉讼法第二百八十六条"


def main(
    batches: Annotated[int, typer.Option(help="delivered batches with open rows")] = 200,
    rows: Annotated[int, typer.Option(help="of each batch")] = 200,
    times: Annotated[int, typer.Option(help="minutes that are timed")] = 9,
    world: Annotated[Path, typer.Option(help="an empty folder, or one that was kept")] = Path("var/bench/releases"),
) -> None:
    """Prints one line."""
    place = World(world.resolve())
    try:
        place.build(lambda what: print(f"… {what}", flush=True))
        with App.open("benchmark", place.config) as app:
            _deliver(app, Desk(place), batches - len(app.register.with_open_rows()), rows)
            pipeline.propose_all(app)
            decided: list[Any] = []
            first_and_now = BatchContext.first_and_now

            def counted(context: BatchContext, rows: Any) -> Any:
                decided.append(rows)
                return first_and_now(context, rows)

            with patch.object(BatchContext, "first_and_now", counted):
                seconds = [_minute(app) for _ in range(times)]
            there = len(app.register.with_open_rows())
            print(f"{there} batches: median {median(seconds):.2f} s, decided in {len(decided)} of them", flush=True)
    finally:
        place.stop_servers()


def _deliver(app: App, desk: Desk, many: int, rows: int) -> None:
    """So many batches more, with the dirt that people produce."""
    for number in range(max(0, many)):
        claims = make_claims(desk.people, desk.offenders, ITEMS, rows, SEED + number)
        batch = f"{desk.court.id}.open-{desk.mark}-{number}"
        data = to_csv(claims.rows)
        desk.court.drop(
            desk.court.make_set(Request(batch, "ad_hoc", str(desk.today), "case_handling", _BASIS, ITEMS, rows, data))
        )
        poll(app)
        pipeline.run(app, batch)


def _minute(app: App) -> float:
    """Seconds of one look."""
    began = time.perf_counter()
    pipeline.propose_all(app)
    return time.perf_counter() - began


if __name__ == "__main__":
    typer.run(main)
