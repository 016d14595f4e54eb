"""``python -m benchmarks.pages``: each page over a register of so many batches: time, processor, statements, SQL.

Rules
- The pages' own server and a real PostgreSQL, asked over HTTP by one reader, once to warm up and then some times over.
- A figure is the median; ``sql`` is what the statements took as the pages' process saw it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import httpx
import typer
from sqlalchemy import Engine, event, text

from benchmarks.pages.filling import fill
from benchmarks.pages.serving import served
from exchange.app import App
from exchange.demo.partner import Request as PartnerRequest
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.register import BatchFilter
from exchange.register.database import open_engine

PAGES: Final = (
    ("supervisor", "/board?page=1"), ("supervisor", "/supervision"), ("supervisor", "/supervision/csv/months.csv"),
    ("officer", "/review"), ("leader", "/approval"), ("supervisor", "/metrics"),
)  # fmt: skip


@dataclass
class Statements:
    """What the pages' process asked of the database since it was last cleared."""

    seconds: list[float] = field(default_factory=list)

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)

    def _begin(self, connection: Any, *_: object) -> None:
        connection.info["bench"] = time.perf_counter()

    def _end(self, connection: Any, *_: object) -> None:
        self.seconds.append(time.perf_counter() - connection.info["bench"])


def main(
    ended: Annotated[int, typer.Option(help="ended batches in the register")] = 20_000,
    still_open: Annotated[int, typer.Option(help="open ones beside them")] = 5_000,
    times: Annotated[int, typer.Option(help="how often each page is asked for")] = 7,
    world: Annotated[Path, typer.Option(help="an empty folder, or one that was kept")] = Path("var/bench/pages"),
    keep: Annotated[bool, typer.Option(help="leave the register for another run")] = False,
) -> None:
    """Prints a line for each page."""
    place = World(world.resolve())
    try:
        place.build(lambda _: None, people=3000)
        with App.open("bench", place.config) as app, served(app) as url:
            if not app.register.batches(BatchFilter(limit=1)):
                owner = open_engine(place.postgres.url("exchange"), place.postgres.password_file)
                fill(owner, ended, still_open, a_manifest(place, app))
                owner.dispose()
            with app.register.engine.connect() as connection:
                lines = connection.scalar(text("SELECT count(*) FROM ledger"))
            print(f"{ended:,} ended and {still_open:,} open batches, {lines:,} lines of the ledger")
            statements = Statements()
            statements.listen(app.register.engine)
            with httpx.Client(base_url=url, trust_env=False, timeout=300) as client:
                for login, path in PAGES:
                    measure(client, statements, login, path, times)
    finally:
        place.stop_servers()
        if not keep:
            place.postgres.remove()


def measure(client: httpx.Client, statements: Statements, login: str, path: str, times: int) -> None:
    found = []
    for _ in range(times + 1):
        statements.seconds.clear()
        began, used = time.perf_counter(), time.process_time()
        answer = client.get(path, headers={"x-login": login}).raise_for_status()
        took = time.perf_counter() - began, time.process_time() - used, sum(statements.seconds)
        found.append([each * 1000 for each in took])
    whole, processor, sql = (median(each) for each in zip(*found[1:], strict=True))
    first, size = found[0][0], len(answer.content) / 1024
    print(
        f"{path:30} {whole:7.0f} ms (first {first:6.0f}), processor {processor:6.0f} ms, "
        f"{len(statements.seconds):3} statements {sql:6.0f} ms, {size:6.0f} KiB",
        flush=True,
    )


def a_manifest(world: World, app: App) -> str:
    """A sound manifest in the archive; its SHA-256."""
    request = PartnerRequest(
        f"{PARTNERS[0].id}.bench", "ad_hoc", "2026-11-23", "case_handling", "case_handling_286", ("name",), 1, b"\n"
    )
    files = demo_partner(world, PARTNERS[0]).make_set(request)
    (content,) = (each for name, each in files.items() if name.endswith(".request.json"))
    return app.archive.keep(content)


if __name__ == "__main__":
    typer.run(main)
