"""Each of Airflow's processes and Redis killed under twenty batches, and started again, as a service manager does.

    python -m tests.campaign.components [--seconds N] [--seed N] [--to FILE] [--workers N] [NAME …]

Killed, by SIGKILL: the scheduler, the DAG processor, the API server, each Celery worker and Redis with
all that they started, and now and then one process alone of those that a worker has; without workers
(``--workers 0``) Airflow's own executor runs the tasks, and what is killed alone is one of the scheduler's.

Rule: nobody presses *Clear*. All batches are answered in the end, each once and rightly. The time to recovery is from
when all runs again until the last batch has ended; what it is where nothing is killed stands beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from tests.campaign.office import Office
from tests.campaign.options import kept, options, say
from tests.campaign.report import table
from tests.campaign.settings import PEOPLE, build
from tests.campaign.story import Story
from tests.campaign.trees import signalled, tree

_BATCHES: Final = 20
_LANES: Final = (("monthly", "2026-11"), ("ad_hoc", "2026-11-23"))
"""A set of the first takes three tasks, one of the second is answered by the lookout."""

_HEARTBEAT_SECONDS: Final = 60
"""After which Airflow takes a task for dead; by its own choice 300."""

_NOTHING: Final = "nothing"
_ALONE: Final = " (one process)"
_START_SECONDS: Final = 600
_END_SECONDS: Final = 1500
_ENDED: Final = ["delivered", "closed", "refused"]


@dataclass(frozen=True)
class Airflows:
    """The office, and the Airflow that lets it work."""

    office: Office
    airflow: Airflow

    @property
    def victims(self) -> list[str]:
        """Who is killed, each once; nobody first, for what all takes then."""
        celery = self.airflow.celery
        hosts = celery.names() if celery else ["scheduler"]
        killable = [*self.airflow.commands, *[f"{host}{_ALONE}" for host in hosts[:1]], *(["redis"] if celery else [])]
        return [_NOTHING, *self.office.chance.sample(killable, len(killable))]

    def round(self, victim: str, seed: int) -> Story:
        """Twenty sets come, somebody is killed meanwhile and started again; all is well in the end."""
        chance = self.office.chance
        story = self.office.story = Story(seed, datetime.now(UTC).isoformat(timespec="seconds"), f"airflow: {victim}")
        begun = time.monotonic()
        batches = [self.office.drop(*chance.choice(_LANES)) for _ in range(_BATCHES)]
        before, down = chance.uniform(0, 30), chance.uniform(0, 10)
        wait_for(lambda: self._ended(batches) == _BATCHES, before)
        done = self._ended(batches)
        if victim != _NOTHING:
            story.kills = self._killed(victim)
            time.sleep(down)
            self.airflow.start(_START_SECONDS)
        again = time.monotonic()
        wait_for(lambda: self._ended(batches) == _BATCHES, _END_SECONDS)
        story.recovered = [time.monotonic() - again]
        story.done = (
            f"{victim} killed {before:.0f} s after {_BATCHES} sets came, {done} had ended; down for {down:.0f} s"
        )
        story.wrong = [said for batch in batches for said in self.office.wrong(batch)] + self.office.check_all()
        story.seconds = time.monotonic() - begun
        return story

    def _killed(self, victim: str) -> int:
        """How many processes were."""
        name = victim.removesuffix(_ALONE)
        folder = self.office.world.redis.folder if name == "redis" else self.airflow.folder
        pids = tree(int((folder / f"{name}.pid").read_text(encoding="ascii").split()[0]))
        if victim.endswith(_ALONE):
            pids = [self.office.chance.choice(pids[1:] or pids)]
        signalled(pids, signal.SIGKILL)
        return len(pids)

    def _ended(self, batches: list[str]) -> int:
        with self.office.connected() as database:
            asked = "SELECT count(*) FROM batch WHERE id = ANY(%s) AND state = ANY(%s)"
            row = database.execute(asked, [batches, _ENDED]).fetchone()
        time.sleep(0.5)
        return int(str(row[0])) if row else 0


def main() -> int:
    parser = options("python -m tests.campaign.components")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("named", nargs="*", metavar="NAME", help="who is killed; by default each, in any order")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        world = World(Path(folder))
        os.environ["TMPDIR"] = str(make_folder(world.root / "temporary"))
        airflow = _airflow(world, asked.workers)
        try:
            build(world, workers=bool(asked.workers))
            airflow.start(_START_SECONDS)
            with airflow.api() as api:
                for dag_id in DAG_IDS:
                    api.wait_for_dag(dag_id, _START_SECONDS)
            with closing(Office(world, PEOPLE, random.Random(asked.seed))) as office:  # noqa: S311  (no secret)
                return _campaign(Airflows(office, airflow), asked)
        finally:
            airflow.stop()
            world.stop_servers()


def _airflow(world: World, workers: int) -> Airflow:
    airflow = world.airflow(workers)
    if airflow.celery is None:
        return airflow
    return replace(airflow, celery=replace(airflow.celery, heartbeat_seconds=_HEARTBEAT_SECONDS))


def _campaign(airflows: Airflows, asked: argparse.Namespace) -> int:
    ends, told, victims = time.monotonic() + asked.seconds, list[Story](), list[str]()
    while time.monotonic() < ends:
        victims = victims or [*asked.named] or airflows.victims
        told.append(airflows.round(victims.pop(0), asked.seed))
        kept(told[-1], asked.to)
    say("\n".join(["", f"seed {asked.seed}", *table(told)]))
    return min(1, sum(len(story.wrong) for story in told))


if __name__ == "__main__":
    sys.exit(main())
