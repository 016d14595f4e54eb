"""Airflow's components, its workers and Redis killed by SIGKILL under twenty batches each, and started again.

    python -m tests.campaign.components [--seconds N] [--seed N] [--to FILE]

Rule: nobody presses *Clear*. All batches are answered in the end, each once and rightly; the time to recovery is from
when all components run again until the last batch has ended.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.register import State
from tests.campaign.office import Office
from tests.campaign.options import kept, options, say
from tests.campaign.report import table
from tests.campaign.settings import PEOPLE, build
from tests.campaign.story import Story
from tests.campaign.trees import signalled, tree

_BATCHES: Final = 20
_WORKERS: Final = 2
_HEARTBEAT_SECONDS: Final = 60
"""After which Airflow takes a task for dead; by its own choice 300."""

_START_SECONDS: Final = 600
_END_SECONDS: Final = 1500
_ENDED: Final = (State.DELIVERED, State.CLOSED, State.REFUSED)


def main() -> int:
    asked = options("python -m tests.campaign.components").parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        world = World(Path(folder))
        try:
            build(world, workers=True)
            airflow = world.airflow(_WORKERS)
            celery = airflow.celery and replace(airflow.celery, heartbeat_seconds=_HEARTBEAT_SECONDS)
            return _campaign(world, replace(airflow, celery=celery), asked.seconds, asked.seed, asked.to)
        finally:
            world.airflow(_WORKERS).stop()
            world.stop_servers()


def _campaign(world: World, airflow: Airflow, seconds: float, seed: int, to: Path | None) -> int:
    airflow.start(_START_SECONDS)
    ends, told = time.monotonic() + seconds, list[Story]()
    with closing(Office(world, PEOPLE, random.Random(seed))) as office:  # noqa: S311  (no secret)
        names: list[str] = []
        while time.monotonic() < ends:
            names = names or office.chance.sample([*airflow.commands, "redis"], len(airflow.commands) + 1)
            told.append(_round(office, airflow, names.pop(), seed))
            kept(told[-1], to)
    say("\n".join(["", f"seed {seed}", *table(told)]))
    return min(1, sum(len(story.wrong) for story in told))


def _round(office: Office, airflow: Airflow, name: str, seed: int) -> Story:
    story = office.story = Story(
        seed, datetime.now(UTC).isoformat(timespec="seconds"), f"airflow: {_kind(name)} killed"
    )
    begun = time.monotonic()
    batches = [office.drop(office.chance.choice(["ad_hoc", "monthly"])) for _ in range(_BATCHES)]
    before, down = office.chance.uniform(0, 20), office.chance.uniform(0, 10)
    time.sleep(before)
    done = sum(_is_ended(office, batch) for batch in batches)
    signalled(tree(_pid(office.world, airflow, name)), signal.SIGKILL)
    time.sleep(down)
    airflow.start(_START_SECONDS)
    again = time.monotonic()
    wait_for(lambda: all(_is_ended(office, batch) for batch in batches), _END_SECONDS)
    story.recovered = [time.monotonic() - again]
    story.kills, story.points = 1, [f"{name}: with {done} of {_BATCHES} ended #1"]
    story.done = f"{name} killed {before:.1f} s after {_BATCHES} sets came, {done} were ended; down for {down:.1f} s"
    story.wrong = [said for batch in batches for said in office.wrong(batch)] + office.check_all()
    story.seconds = time.monotonic() - begun
    return story


def _kind(name: str) -> str:
    return name if name in COMPONENTS else name.partition("-")[0]


def _pid(world: World, airflow: Airflow, name: str) -> int:
    folder = world.redis.folder if name == "redis" else airflow.folder
    return int((folder / f"{name}.pid").read_text(encoding="ascii").split()[0])


def _is_ended(office: Office, batch: str) -> bool:
    with App.open("campaign", office.world.config) as app:
        found = app.register.find_batch(batch)
    return found is not None and found.state in _ENDED


if __name__ == "__main__":
    sys.exit(main())
