"""A real PostgreSQL for the register's tests: one server for the session, emptied before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from exchange.app import App
from exchange.calendar.working_days import Due
from exchange.demo.servers.postgres import Postgres
from exchange.register import FileRecord, LedgerKey, NewReview, Register, Role, open_register
from exchange.register.guard import Evidence
from exchange.register.models import Base
from exchange.wire.keys import make_register_key
from exchange.wire.manifest import DataFile, RequestManifest
from tests.once import copy_database

from .desk import Desk, settings

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
QUEUED = tuple(NewReview(row, where, ("name",)) for row, where in ((1, "220100"), (2, "220100"), (3, "222400")))
"""What of a ``prepared`` batch is for officers; two more rows wait for a source."""
EMPTIED = "; ".join(  # one way there and back
    ["SET session_replication_role = replica", *(f"DELETE FROM {table}" for table in Base.metadata.tables)]  # noqa: S608
).encode()
_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A database with the register's tables in it."""

    server: Postgres
    key: LedgerKey
    _made: dict[str, str] = field(default_factory=dict)

    def open(self, actor: str = "tests") -> Register:
        """As the role of the daily work: no test has more rights than an office."""
        return open_register(self.server.work_url(), actor, self.server.password_file, self.key)

    def open_as_owner(self) -> Register:
        return open_register(self.server.url("exchange"), "owner", self.server.password_file, self.key)

    def statement(self, *statements: str, values: Sequence[object] = ()) -> None:
        """Runs statements as PostgreSQL's superuser; ``values`` are those of the last one."""
        with self.server.connected("postgres", "exchange") as connection:
            for statement in statements[:-1]:
                connection.execute(statement.encode())
            connection.execute(statements[-1].encode(), values)

    def tamper(self, statement: str, *values: object) -> None:
        """As ``statement``, with all triggers off: what whoever owns the machine can do."""
        self.statement("SET session_replication_role = replica", statement, values=values)

    def asked(self, question: str) -> list[tuple[Any, ...]]:
        """What the superuser is answered, over the connection that stays open."""
        return self._superuser.execute(question.encode()).fetchall()

    def empty(self) -> None:
        try:
            self._superuser.execute(EMPTIED)
        except psycopg.OperationalError:  # a test stopped the server
            self.close()
            self._superuser.execute(EMPTIED)

    def made(self, name: str, make: Callable[[], str]) -> str:
        """The register as ``make`` leaves an empty one, and what it returned: made once in a process, then put back row
        for row, with the lines, hashes and signatures that were written.
        """
        tables = Base.metadata.tables
        if name not in self._made:
            assert self._superuser.execute("SELECT FROM ledger").fetchone() is None, (
                "nobody else's rows are kept with it"
            )
            self._made[name] = make()
            done = [f"CREATE SCHEMA {name}", *(f"CREATE TABLE {name}.{table} AS TABLE {table}" for table in tables)]
        else:
            done = [f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {name}.{table}" for table in tables]
        self._superuser.execute("; ".join(done).encode())
        return self._made[name]

    def close(self) -> None:
        if "_superuser" in vars(self):
            vars(self).pop("_superuser").close()

    @cached_property
    def _superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Stays open: a new one reads the server's catalogue anew, which takes many times what emptying takes."""
        return self.server.connected("postgres", "exchange")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    server, keys = Postgres(tmp_path_factory.mktemp("postgres"), lasting=False), tmp_path_factory.mktemp("keys")
    make_register_key(keys)
    try:
        copy_database(tmp_path_factory, server)
        server.start()
        with closing(Database(server, LedgerKey(keys / "register.key", keys / "register.pem"))) as made:
            yield made
    finally:
        server.remove()


@pytest.fixture
def database(migrated: Database) -> Database:
    migrated.empty()
    return migrated


@pytest.fixture(scope="session")
def connected(migrated: Database) -> Iterator[Engine]:
    """The connections of the registers below: opened once, with each statement compiled once."""
    register = migrated.open()
    yield register.engine
    register.close()


@pytest.fixture
def register(in_name_of: Callable[[str], Register]) -> Register:
    """An empty register; what listens to its engine hears nothing of the next test's."""
    return in_name_of("tests")


@pytest.fixture
def in_name_of(database: Database, connected: Engine) -> Callable[[str], Register]:
    """The same register in the name of somebody, with an engine of its own over the same connections."""
    return lambda actor: Register(connected.execution_options(), actor)


@pytest.fixture(scope="session")
def shared_register(migrated: Database) -> Iterator[Register]:
    """One register for all examples of a property, which take batch ids of their own."""
    register = migrated.open()
    yield register
    register.close()


@pytest.fixture(scope="session")
def new_batch() -> Callable[[Register], str]:
    """Claims a batch that nobody had before; its id."""

    def claim(register: Register) -> str:
        batch_id = f"bank.batch-{next(_numbers)}"
        files = [FileRecord(Role.MANIFEST, f"{batch_id}.request.json", "a" * 64, 10)]
        register.claim(batch_id, "bank", "a" * 64, files, AT)
        return batch_id

    return claim


@pytest.fixture(scope="session")
def manifest() -> RequestManifest:
    return RequestManifest(
        format="exchange-request/1",
        partner="bank",
        batch="bank.b1",
        cycle="monthly",
        period="2026-11",
        purpose="account_opening",
        legal_basis="某办法第三条",
        letter="介〔2026〕7号",
        handler="经办某",
        items=["name", "sex"],
        rows=3,
        data=DataFile(name="bank.b1.csv", size=10, sha256="b" * 64),
    )


@pytest.fixture(scope="session")
def due() -> Due:
    return Due(date(2026, 11, 30), provisional=False, working_days=5)


@pytest.fixture(scope="session")
def result_files() -> list[FileRecord]:
    roles = (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT)
    return [FileRecord(role, f"bank.b1.{role}", str(n) * 64, n) for n, role in enumerate(roles)]


@pytest.fixture
def prepared(
    register: Register,
    new_batch: Callable[[Register], str],
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> Callable[..., str]:
    """A batch whose first result lies ready, with five open rows, three of them in the queue."""

    def make(evidence: Evidence | None = None) -> str:
        batch = new_batch(register)
        register.accept(batch, manifest, due)
        counts = {"name": {"under_review": 3, "source_not_ready": 2}}
        judge = None if evidence is None else partial(replace, evidence)
        register.prepared(batch, counts, result_files, 5, QUEUED, judge=judge)
        return batch

    return make


@pytest.fixture
def delivered(database: Database, register: Register, prepared: Callable[..., str]) -> str:
    """The same, with the partner; nothing else is in the register."""

    def make() -> str:
        batch = prepared()
        register.delivered(batch)
        return batch

    return database.made("delivered", make)


@pytest.fixture
def desk(tmp_path: Path, database: Database, register: Register, due: Due) -> Desk:
    return Desk(App(settings(tmp_path, database), register), due)
