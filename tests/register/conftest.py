"""A real PostgreSQL for the register's tests: one server for the session, a database of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count

import psycopg
import pytest
from psycopg import sql

from exchange.demo.servers.postgres import Postgres
from exchange.manifest import DataFile, RequestManifest
from exchange.register import FileRecord, Register, Role, open_register
from exchange.working_days import Due

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A database with the register's tables in it; ``statement`` runs as PostgreSQL's superuser."""

    server: Postgres
    name: str = "exchange"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://exchange@127.0.0.1:{self.server.port}/{self.name}"

    def open(self, actor: str = "tests") -> Register:
        return open_register(self.url, actor, self.server.password_file)

    def statement(self, text: str, *values: object) -> None:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.server.port,
            user="postgres",
            dbname=self.name,
            passfile=str(self.server.password_file),
            autocommit=True,
        ) as connection:
            connection.execute(text.encode(), values)

    def copy(self) -> Database:
        """A database of its own with the same tables; nobody may be connected to this one."""
        made = replace(self, name=f"test_{next(_numbers)}")
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER exchange")
        self.statement(order.format(sql.Identifier(made.name), sql.Identifier(self.name)).as_string())
        return made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        database = Database(server)
        register = database.open()
        register.migrate()
        register.engine.dispose()
        yield database
    finally:
        server.remove()


@pytest.fixture
def database(template: Database) -> Database:
    return template.copy()


@pytest.fixture
def register(database: Database) -> Iterator[Register]:
    register = database.open()
    yield register
    register.engine.dispose()


@pytest.fixture(scope="session")
def shared_register(template: Database) -> Iterator[Register]:
    """One register for all examples of a property, which take batch ids of their own."""
    register = template.copy().open()
    yield register
    register.engine.dispose()


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
    return Due(date(2026, 11, 30), provisional=False)


@pytest.fixture(scope="session")
def result_files() -> list[FileRecord]:
    roles = (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT)
    return [FileRecord(role, f"bank.b1.{role}", str(n) * 64, n) for n, role in enumerate(roles)]
