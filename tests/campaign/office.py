"""The office under attack, and what is known of it without asking it: what was dropped, and what must come back.

Rule: whether an answer is right is decided by what was planted and by ``openssl`` alone (``DemoPartner``), and whether
it was sent again by the partner's own folder.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl
import psycopg

from exchange.app import App
from exchange.base.errors import ExchangeError, Halt
from exchange.base.tables import SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, to_csv
from exchange.demo.province.claims import Claims, make_claims
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, SEED, World
from exchange.operation.verification import verify_archive, verify_register

ITEMS: Final = ("id_number", "name", "sex", "criminal_record")
ROWS: Final = 30
OF_COURT: Final = ("case_handling", "刑事诉讼法第二百八十六条")
"""The court's purpose and its legal basis."""

RESULT_FILES: Final = ("csv.p7m", "json", "json.p7s")
_ENDINGS: Final = ("receipt.json", "receipt.json.p7s", "result.csv.p7m", "result.json", "result.json.p7s")
_STEPS: Final = ["claimed", "accepted", "sealed", "delivered", "closed"]
_HANDS: Final = Path(__file__).with_name("hands.py")
_SECONDS: Final = 60


@dataclass
class Office:
    """One world for a whole campaign; ``chance`` draws everything."""

    world: World
    people: int
    chance: random.Random
    dropped: dict[str, Claims] = field(default_factory=dict)
    found: set[Path] = field(default_factory=set)
    """What lay about as something temporary before the campaign began."""
    whole: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """File in the partner's folder, of batches that ended → inode, time and hash; none of it may change again."""

    @cached_property
    def court(self) -> DemoPartner:
        return demo_partner(self.world, PARTNERS[0])

    @cached_property
    def _asked(self) -> list[Claims]:
        people = pl.concat(make_people(SEED, self.people))
        offenders = on_record(make_offences(SEED, 0, people))
        return [make_claims(people, offenders, ITEMS, ROWS, seed=seed, approved=True) for seed in range(5)]

    @property
    def results(self) -> Path:
        """The partner's folder from the office, as it lies on the disk of its server."""
        return self.court.server.home / "from-office"

    def drop(self) -> str:
        """A sound set with planted claims; its batch id."""
        batch, claims = f"{self.court.id}.campaign-{self.chance.getrandbits(64):016x}", self.chance.choice(self._asked)
        request = Request(batch, "ad_hoc", "2026-11-23", *OF_COURT, ITEMS, ROWS, to_csv(claims.rows))
        self.court.drop(self.court.make_set(request))
        self.dropped[batch] = claims
        return batch

    def run(self, batch: str, fatal: int = 0, *, duty: str = "batch", after: float = 0) -> tuple[int, str]:
        """Lets the office work (``hands.py``), by default the collector's look and the batch's run, in a process of its
        own; (exit code, what it said).
        """
        asked = json.dumps({"duty": duty, "batch": batch, "fatal": fatal, "after": after})
        reads, writes = self._hands.stdout, self._hands.stdin
        if reads is None or writes is None or not reads.readable():
            msg = "nobody works here"
            raise Halt(msg)
        writes.write(asked + "\n")
        writes.flush()
        ended = json.loads(reads.readline())
        return ended["code"], ended["said"]

    @cached_property
    def _hands(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", str(_HANDS)]
        told = os.environ | {"EXCHANGE_CONFIG": str(self.world.config), "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        """Nobody works here any more."""
        self._hands.communicate(timeout=_SECONDS)

    def connected(self, user: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return self.world.postgres.connected(user, "exchange")

    def sent(self) -> dict[str, tuple[int, int, str]]:
        """All that lies in the partner's folder: name → inode, time, hash."""
        found = {}
        for path in sorted(self.results.iterdir()):
            state = path.stat()
            found[path.name] = (state.st_ino, state.st_mtime_ns, sha256(path.read_bytes()).hexdigest())
        return found

    def verified(self, *, deep: bool = False) -> str | None:
        """What the register's own verification finds; None where nothing."""
        try:
            with App.open("campaign", self.world.config) as app:
                verify_register(app)
                if deep:
                    verify_archive(app)
                    if troubles := [said for source in SOURCES for said in app.snapshots.verify(source)]:
                        raise Halt("; ".join(troubles))
        except ExchangeError as error:
            return str(error)
        return None

    def check(self, batch: str) -> list[str]:
        """What is wrong after the batch was let run to its end: something lost, sent twice, or not what was planted."""
        return [*self._wrong(batch), *self._moved(), *self._left(), *filter(None, [self.verified()])]

    def right(self, batch: str) -> list[str]:
        """What is wrong with the result as it lies with the partner."""
        try:
            answers = self.court.result(batch).manifest["answers"]
        except ExchangeError as error:
            return [f"{batch}: {error}"]
        expected = {column: dict(tally.value_counts().iter_rows()) for column, tally in self._expected(batch).items()}
        return [f"{batch}: {name} {tally}" for name, tally in answers.items() if tally != expected[name]]

    def _expected(self, batch: str) -> dict[str, pl.Series]:
        return self.dropped[batch].expected.to_dict()

    def _wrong(self, batch: str) -> list[str]:
        with self.connected() as database:
            steps = database.execute(
                "SELECT to_state FROM ledger WHERE batch_id = %s AND from_state IS DISTINCT FROM to_state ORDER BY seq",
                [batch],
            ).fetchall()
        waits = any((tally == "under_review").any() for tally in self._expected(batch).values())
        if [state for (state,) in steps] != (_STEPS[:-1] if waits else _STEPS):  # a row in doubt keeps its batch open
            return [f"{batch}: went through {steps}"]
        names = [name for name in self.sent() if batch in name]
        if names != [f"{batch}.{ending}" for ending in _ENDINGS]:
            return [f"{batch}: with the partner lie {names}"]
        return self.right(batch)

    def _moved(self) -> list[str]:
        now = self.sent()
        moved = [f"{name} was sent twice, or is gone" for name, seen in self.whole.items() if now.get(name) != seen]
        self.whole |= {name: seen for name, seen in now.items() if name.startswith(tuple(self.dropped))}
        return moved

    def begin(self) -> None:
        """There is something to harm; and what was left lying about before is not ours."""
        self.found = self._temporary()
        self.run(self.drop())

    def _left(self) -> list[str]:
        """What is temporary where no nightly run takes it away, or lies with the partner though it was fetched."""
        return [f"{path} was left" for path in sorted(self._temporary() - self.found)]

    def _temporary(self) -> set[Path]:
        with App.open("campaign", self.world.config) as app:
            home, archive = app.settings.home, app.archive.folder
        swept = {home / "incoming", home / "outgoing", home / "cache", *archive.glob("??")}
        left = [path for place in (home, self.results) for path in place.rglob(".writing-*")]
        left = [path for path in left if path.parent not in swept] + [*self.results.glob(".*")]
        waiting = [path for path in (self.court.server.home / "to-office").iterdir() if "campaign" in path.name]
        return {*left, *waiting}
