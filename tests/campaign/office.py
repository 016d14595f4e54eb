"""The office under attack, and what is known of it without asking it: what was dropped, and what must come back.

Rule: whether an answer is right is decided by what was planted and by ``openssl`` alone (``DemoPartner``), and whether
it was sent again by the partner's own folder.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
import psycopg

from exchange.app import App
from exchange.base.errors import ExchangeError, Halt
from exchange.base.tables import SOURCES
from exchange.cli.outcome import FOUND, TRY_AGAIN
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, to_csv
from exchange.demo.province.claims import Claims, make_claims
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, SEED, World
from exchange.operation.verification import verify_archive, verify_register
from exchange.register import State
from tests.campaign import tracer
from tests.campaign.gate import Gate
from tests.campaign.left import OURS, stuck, temporary
from tests.campaign.story import Story
from tests.campaign.worker import Ended, Worker

T = TypeVar("T")

ITEMS: Final = ("id_number", "name", "sex", "criminal_record")
ROWS: Final = 30
OF_COURT: Final = ("case_handling", "刑事诉讼法第二百八十六条")
"""The court's purpose and its legal basis."""

RESULT_FILES: Final = ("csv.p7m", "json", "json.p7s")
_ENDINGS: Final = ("receipt.json", "receipt.json.p7s", "result.csv.p7m", "result.json", "result.json.p7s")
_STEPS: Final = ["claimed", "accepted", "sealed", "delivered", "closed"]
_WAITING: Final = ("under_review", "awaiting_approval")
"""Answers that keep their batch open."""

_TRIES: Final = 4


@dataclass
class Office:
    """One world for a whole campaign; ``chance`` draws everything."""

    world: World
    people: int
    chance: random.Random
    dropped: dict[str, Claims] = field(default_factory=dict)
    found: set[Path] = field(default_factory=set)
    """What lay about as something temporary before the campaign began."""
    kills: int = 24
    """Of a round, shared among the duties of its work."""
    traces: bool = True
    """Whether somebody is killed at system calls, too: each call is stopped for it, which is dear."""
    story: Story = field(default_factory=Story)
    """Of the round that is on."""
    events: dict[str, int] = field(default_factory=dict)
    """Duty → the most audit events of a run that was not killed."""
    lasts: dict[str, float] = field(default_factory=dict)
    """Duty → the most seconds of a run that was not killed, nor traced."""
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Duty and system call → the most that a thread was seen to make of it."""
    gate: Gate | None = None
    """The door before the court's server, once it stands."""
    by_clock: Worker | None = None
    """Who works by a clock that may be wrong, once somebody does."""
    _ends: ExitStack = field(default_factory=ExitStack)
    whole: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """File in the partner's folder, of batches that ended → inode, time and hash; none of it may change again."""

    @cached_property
    def court(self) -> DemoPartner:
        return demo_partner(self.world, PARTNERS[0])

    @cached_property
    def _asked(self) -> dict[str, list[Claims]]:
        """By cycle: the court's standing approval is of sets that are ad hoc."""
        people, offenders = self.asked_about, on_record(make_offences(SEED, 0, self.asked_about))
        return {
            cycle: [make_claims(people, offenders, ITEMS, ROWS, seed=seed, approved=approved) for seed in range(5)]
            for cycle, approved in (("ad_hoc", True), ("monthly", False))
        }

    @property
    def results(self) -> Path:
        """The partner's folder from the office, as it lies on the disk of its server."""
        return self.court.server.home / "from-office"

    @cached_property
    def asked_about(self) -> pl.DataFrame:
        """All people of the world."""
        return pl.concat(make_people(SEED, self.people))

    def name(self, partner: DemoPartner) -> str:
        """A batch id that no other has."""
        return f"{partner.id}.{OURS}{self.chance.getrandbits(64):016x}"

    def drop(self, cycle: str = "ad_hoc", period: str = "2026-11-23") -> str:
        """A sound set with planted claims; its batch id."""
        batch, claims = self.name(self.court), self.chance.choice(self._asked[cycle])
        request = Request(batch, cycle, period, *OF_COURT, ITEMS, ROWS, to_csv(claims.rows))
        self.court.drop(self.court.make_set(request))
        self.dropped[batch] = claims
        return batch

    def run(self, word: str, event: int = 0, *, duty: str = "batch", after: float = 0) -> tuple[int, str]:
        """Lets the office work (``hands.py``), by default the collector's look and the batch's run, in a process of its
        own; (exit code, what it said).
        """
        ended = self.work({"duty": duty, "word": word, "event": event, "after": after})
        return ended.code, ended.said

    def work(self, asked: Mapping[str, Any], by: int = 0) -> Ended:
        """The same in the hands' own words; what is learned of a duty's length, and where it was killed, is kept."""
        self.workers[by].ask(asked)
        return self._learned(asked, self.workers[by].ended())

    def race(self, duty: str, word: str, ahead: float) -> list[Ended]:
        """Two do the same at once, the second so many seconds behind the first."""
        asked = {"duty": duty, "word": word}
        self.workers[0].ask(asked)
        time.sleep(ahead)
        self.workers[1].ask(asked)
        self.story.races += 1
        return [self._learned(asked, worker.ended()) for worker in self.workers]

    def _learned(self, asked: Mapping[str, Any], ended: Ended) -> Ended:
        duty = asked["duty"]
        if ended.code == 0:
            self.events[duty] = max(ended.events, self.events.get(duty, 0))
            if not ended.calls:
                self.lasts[duty] = max(ended.seconds, self.lasts.get(duty, 0))
        for call, number in ended.calls.items():
            self.calls[duty, call] = max(number, self.calls[duty, call])
        if ended.code == -signal.SIGKILL or ended.point:
            self.story.kills += 1
        if ended.point:
            moment = asked["event"] if asked.get("event") else asked["number"]
            self.story.points.append(f"{duty}: {ended.point} #{moment}")
        return ended

    def finish(self, word: str, duty: str = "batch") -> list[str]:
        """Does it again until it is done, as Airflow would, without its pauses; what is wrong where a retry does not
        help. How long it took is the time to recovery.
        """
        begun = time.monotonic()
        for _ in range(_TRIES):
            ended = self.work({"duty": duty, "word": word, "counted": not self._is_counted(duty)})
            code, said = ended.code, ended.said
            if (code == 0 and duty != "batch") or (code in (0, FOUND) and self.is_through(word)):
                self.story.recovered.append(time.monotonic() - begun)
                return []
            if code not in (0, FOUND, TRY_AGAIN):
                break
        return [f"{word}: {duty} not done, its last run ended with {code}: {said}"]

    def _is_counted(self, duty: str) -> bool:
        """Whether it is known which system calls the duty makes, or nobody can count them."""
        return any(known == duty for known, _ in self.calls) or not self.traces or not tracer.is_there()

    def is_through(self, batch: str) -> bool:
        """Whether the batch was answered, or refused."""
        with App.open("campaign", self.world.config) as app:
            found = app.register.find_batch(batch)
        return found is not None and found.state in (State.DELIVERED, State.CLOSED, State.REFUSED)

    @cached_property
    def workers(self) -> tuple[Worker, Worker]:
        return self.worker(), self.worker()

    def worker(self, environment: Mapping[str, str] | None = None) -> Worker:
        """Somebody more who works here."""
        made = Worker(self.world.config, self._temporary_files, environment or {})
        self._ends.callback(made.close)
        return made

    def until_the_end(self, whatever: AbstractContextManager[T]) -> T:
        """What stays as it is until the office closes."""
        return self._ends.enter_context(whatever)

    def close(self) -> None:
        """Nobody works here any more."""
        self._ends.close()

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
        return [*self.wrong(batch), *self.check_all()]

    def check_all(self) -> list[str]:
        """The same of what is not one batch's."""
        return [*self._moved(), *self._left(), *filter(None, [self.verified()])]

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

    def wrong(self, batch: str) -> list[str]:
        """What is wrong with this batch's way and its results."""
        with self.connected() as database:
            steps = database.execute(
                "SELECT to_state FROM ledger WHERE batch_id = %s AND from_state IS DISTINCT FROM to_state ORDER BY seq",
                [batch],
            ).fetchall()
        waits = any(tally.is_in(_WAITING).any() for tally in self._expected(batch).values())
        if [state for (state,) in steps] != (_STEPS[:-1] if waits else _STEPS):
            return [f"{batch}: went through {steps}"]
        names = [name for name in self.sent() if batch in name]
        if names != [f"{batch}.{ending}" for ending in _ENDINGS]:
            return [f"{batch}: with the partner lie {names}"]
        return self.right(batch)

    def _moved(self) -> list[str]:
        now = self.sent()
        moved = self.changed(now)
        self.whole |= {name: seen for name, seen in now.items() if name.startswith(tuple(self.dropped))}
        return moved

    def changed(self, now: Mapping[str, tuple[int, int, str]]) -> list[str]:
        """What is another file now, of batches that ended before; asked behind each kill, too."""
        return [f"{name} was sent twice, or is gone" for name, seen in self.whole.items() if now.get(name) != seen]

    def begin(self) -> None:
        """There is something to harm; and what was left lying about before is not ours."""
        self.found = self._temporary()
        self.finish(self.drop())

    def _left(self) -> list[str]:
        with self.connected() as database:
            held = stuck(database)
        new = self._temporary() - self.found
        self.found |= new  # told once
        return [f"{path} was left" for path in sorted(new)] + held

    def _temporary(self) -> set[Path]:
        return temporary(self.world.config, self.court, [self._temporary_files])

    @property
    def _temporary_files(self) -> Path:
        """Where those who work here have their temporary files."""
        return self.world.root / "temporary"
