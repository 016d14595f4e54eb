"""The drill in containers: a backup while batches run, everything of the office gone, restored from the backup and what
an administrator keeps apart; as docs/operations.md has it, by ``make containers-test``.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from exchange.demo.partner import DemoPartner
from exchange.demo.servers.processes import wait_for
from tests.docker.containers import KEPT, OFFICE, SECONDS, Containers, ask, came, needs_engine, patient

pytestmark = [needs_engine, patient]
APART = ("plan.toml", "postgres-password", "webserver_config.py")
"""What of ``secrets`` an administrator made, and keeps elsewhere."""
OWNERS = KEPT.replace("exchange_backup@postgres/exchange", "exchange@postgres/exchange").replace(
    "exchange_backup@postgres/airflow", "airflow@postgres/airflow"
)
ASK = """
import json
from exchange.app import App
with App.open("test") as app:
    for name in app.register.engine.connect().exec_driver_sql("SELECT id FROM batch").scalars():
        batch = app.register.batch(name)
        print("BATCH", json.dumps([name, batch.state.value, str(batch.received_at), str(batch.due_on)]))
"""


class Load:
    """Sets that are dropped one after another for as long as the block takes, and one more; their files."""

    def __init__(self, partner: DemoPartner) -> None:
        self.partner, self.over, self.dropped = partner, Event(), dict[str, dict[str, bytes]]()
        self.thread = Thread(target=self._run)

    def __enter__(self) -> dict[str, dict[str, bytes]]:
        self.thread.start()
        return self.dropped

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        while True:
            request = ask(self.partner, f"load-{len(self.dropped)}")
            files = self.partner.make_set(request)
            self.partner.drop(files)
            self.dropped[request.batch] = files
            if self.over.wait(3):
                return


def register(place: Containers) -> dict[str, list[Any]]:
    """Batch → its state, when it was received, when it is due, as the register in the containers says."""
    said = place.tool("python", "-c", ASK)
    lines = [json.loads(line.removeprefix("BATCH ")) for line in said.splitlines() if line.startswith("BATCH ")]
    return {name: rest for name, *rest in lines}


Known = dict[str, list[Any]]
Sent = dict[str, dict[str, bytes]]


@dataclass
class Clock:
    """When the backup began, when all was destroyed; what the drill prints of it is measured, not judged."""

    backup: float = 0.0
    destroyed: float = 0.0

    def say(self, what: str, since: float) -> None:
        sys.stdout.write(f"\nthe drill: {what} after {monotonic() - since:.0f} s\n")


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def before(installed: Containers, court: DemoPartner, clock: Clock) -> tuple[Known, Sent]:
    """The register when all is destroyed, with what came behind the backup; and the sets that were sent."""
    installed.without_standing_approval(court)
    installed.keep()
    waits = ask(court, "waits-for-a-leader", ("id_number", "name", "criminal_record"))
    court.drop(court.make_set(waits))
    assert came(court, f"{waits.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]
    with Load(court) as dropped:
        assert wait_for(lambda: len(dropped) > 2, SECONDS)
        clock.backup = monotonic()
        installed.compose("run", "--rm", "backup")
        clock.say("the backup under load was whole", clock.backup)
    lost = ask(court, "after-the-backup")
    dropped[lost.batch] = court.make_set(lost)
    court.drop(dropped[lost.batch])
    assert came(court, f"{lost.batch}.receipt.json")
    assert came(court, f"{lost.batch}.result.json")
    known = register(installed)
    clock.say("all is destroyed, so much is lost (RPO)", clock.backup)
    destroy(installed)
    clock.destroyed = monotonic()
    return known, dropped


def destroy(place: Containers) -> None:
    """All that containers wrote. What stays: backups, the recovery key, partners' folders, what is kept apart."""
    place.compose("down", "--volumes", "--timeout", "20")
    kept = {name: (place.folder / "secrets" / name).read_text("utf-8") for name in APART}
    for name in ("office", "secrets"):
        shutil.rmtree(place.folder / name)
        place.make_folder(name, 0o700, OFFICE)
    for name, text in kept.items():
        place.write(f"secrets/{name}", text)


def test_the_drill(installed: Containers, court: DemoPartner, before: tuple[Known, Sent], clock: Clock) -> None:
    folder, (known, sent) = installed.folder, before
    installed.start_database()
    assert "restored" in installed.restore("files", "/backup", "/office")
    installed.write("secrets/airflow.env", (folder / "office/elsewhere/secrets/airflow.env").read_text("utf-8"))
    installed.compose("run", "--rm", "init")
    both = "".join((folder / "secrets" / name).read_text("utf-8") for name in ("pgpass-owner", "pgpass"))
    installed.write("secrets/pgpass-restore", both)
    owner = (folder / "office/owner.toml").read_text("utf-8") + OWNERS.replace("pgpass-backup", "pgpass-restore")
    installed.write("office/owner.toml", owner)
    assert "restored" in installed.restore("databases", "/backup", config="/office/owner.toml")
    installed.compose("run", "--rm", "init")
    assert "unaltered" in installed.tool("exchange", "register", "verify", "--deep")
    clock.say("restored and verified", clock.destroyed)
    restored = register(installed)
    assert restored, "the backup's batches"
    for name, (_, received, due) in restored.items():
        assert known[name][1] == received, "the first day of receipt"
        assert due in (known[name][2], "None"), "the due day, where the set was judged by then"
    lost = f"{court.id}.after-the-backup"
    assert lost not in restored

    installed.compose("up", "--detach")
    installed.approve(f"{court.id}.waits-for-a-leader.release-1")
    assert came(court, f"{court.id}.waits-for-a-leader.result-2.json")
    clock.say("an open batch was answered (RTO)", clock.destroyed)
    for name, files in sent.items():
        if name not in restored or restored[name][0] == "claimed":  # came, or was fetched, behind the backup
            court.drop(files)  # sent again, as it was

    def are_closed() -> bool:
        now = register(installed)
        return sent.keys() <= now.keys() and {state for state, *_ in now.values()} == {"closed"}

    assert wait_for(are_closed, 3 * SECONDS), installed.compose("logs", "scheduler", code=None)[-5000:]
    ended = register(installed)
    for name in ended.keys() & known.keys():
        assert known[name][1] == ended[name][1], "one that was sent again keeps its first day, too"
        assert known[name][2] in (ended[name][2], "None")
    assert "unaltered" in installed.tool("exchange", "register", "verify", "--deep")
