"""An office with its register, its partner's SFTP server and the benchmark's snapshots; and claimed batches.

Rule: every batch is encrypted anew, so that nothing of an earlier one is there already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import province
from benchmarks.measure import Failed
from exchange.app import App
from exchange.base.files import make_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import REGISTER_ITEMS, demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll

BASIS: Final = "刑事诉讼法第二百八十六条"


@contextmanager
def running(place: province.World, say: Callable[[str], None]) -> Iterator[World]:
    """The office's world, its servers running; made where it is not there yet."""
    world = World(place.folder / "office")
    for link, target in (("exports", place.exports), ("home/snapshots", place.snapshots.folder)):
        path = world.root / "office" / link
        make_folder(path.parent)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
    try:
        world.build(say, place.people)
        let_all_leave(world.config)
        yield world
    finally:
        world.stop_servers()


def let_all_leave(config: Path) -> None:
    """Requests drawn by chance hold what the guard waits for; here nobody is there to look."""
    settings = config.read_text(encoding="utf-8")
    if "guard_holds" not in settings:
        settings = settings.replace("[policy]\n", "[policy]\nguard_holds = false\n")
        write_atomically(config, settings.encode())


@dataclass(frozen=True)
class Batch:
    """A claimed batch of the court; ``original`` is the encrypted data file as it was dropped."""

    id: str
    court: DemoPartner
    original: Path


def claimed(world: World, asked: Path, rows: int) -> Batch:
    """The partner has dropped a new set with this request, and the collector has found it."""
    court = demo_partner(world, PARTNERS[0])
    batch = f"{court.id}.b{time.time_ns() // 1_000_000}"
    with App.open("benchmark", world.config) as app:
        day = str(office_day(app.now()))
        request = Request(batch, "ad_hoc", day, "case_handling", BASIS, REGISTER_ITEMS, rows, asked.read_bytes())
        dropped = court.make_set(request)
        court.drop(dropped)
        if batch not in poll(app).waiting:
            msg = f"{batch} was not claimed"
            raise Failed(msg)
    name = next(name for name in dropped if name.endswith(".p7m"))
    return Batch(batch, court, court.keys / "desk" / batch / name)
