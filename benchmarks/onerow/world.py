"""The office that is measured: one large answered batch, and many small ones in which nothing can leave.

Rule: the small batches hold what a minute has to look past: rows with an officer, rows that were decided and wait for
the others, and rows whose source is not there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

import polars as pl

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.partner import Request
from exchange.demo.play import demo_partner, to_csv
from exchange.demo.province.claims import make_claims
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, SEED, World
from exchange.files import write_atomically
from exchange.office import Office
from exchange.register import Decision, ReviewFilter
from exchange.working_days import office_day

BASIS: Final = "最高人民法院、公安部关于建立快速查询信息共享及网络执行查控协作工作机制的意见"
LARGE_ITEMS: Final = ("id_number", "name", "sex", "birth_date")
SMALL_ITEMS: Final = ("id_number", "name", "criminal_record")
SMALL_ROWS: Final = 100
_NOBODY: Final = pl.Series([], dtype=pl.String)
_MISSING: Final = "drug_control"


def made(world: World, people: int, rows: int, batches: int, say: Callable[[str], None]) -> str:
    """The large batch's id, once the world holds all this; made where it does not, which takes minutes."""
    stamp, what = world.root / "onerow.json", [people, rows, batches]
    (world.root / "office" / "home" / "snapshots" / _MISSING / "current").unlink(missing_ok=True)
    if stamp.is_file() and json.loads(stamp.read_bytes())["what"] == what:
        return str(json.loads(stamp.read_bytes())["large"])
    province = pl.concat(make_people(SEED, people))
    with Office.open("benchmark", world.config) as office:
        say(f"a batch of {rows:,} rows")
        large = _answered(office, world, LARGE_ITEMS, make_claims(province, _NOBODY, LARGE_ITEMS, rows, SEED).rows)
        say(f"{batches} batches of {SMALL_ROWS} rows")
        claims = make_claims(province, _NOBODY, SMALL_ITEMS, SMALL_ROWS, SEED, approved=True).rows
        for _ in range(batches):
            _decide_one(office, _answered(office, world, SMALL_ITEMS, claims))
    write_atomically(stamp, json.dumps({"what": what, "large": large}).encode())
    return large


def _answered(office: Office, world: World, items: tuple[str, ...], claims: pl.DataFrame) -> str:
    court = demo_partner(world, PARTNERS[0])
    batch, day = f"{court.id}.o{time.time_ns() // 1_000_000}", str(office_day(office.now()))
    request = Request(batch, "ad_hoc", day, "case_handling", BASIS, items, claims.height, to_csv(claims))
    court.drop(court.make_set(request))
    sweep(office)
    pipeline.run(office, batch)
    return batch


def _decide_one(office: Office, batch: str) -> None:
    """An officer decided the first row of those that are in the queue; the others wait."""
    first = office.register.reviews.find(ReviewFilter(batch=batch, limit=1))[0]
    decision = Decision(first.row, first.version, {"identity": "consistent"}, "archive")
    office.register.reviews.decide(batch, [decision])
