"""Two offices that differ in nothing but the sealed records of their offence exports: what a partner, an officer and
the register see of the same request set must be the same.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import psycopg
from sqlalchemy import DateTime, select
from sqlalchemy.orm import Session

from exchange.app import App
from exchange.base.tables import OFFENCE_KINDS, OFFENCE_SOURCES, SOURCES, absent_columns, export_columns
from exchange.demo.province.offences import make_offences
from exchange.demo.world import SEED, World
from exchange.register import LedgerKey, Register, open_register
from exchange.register.models import Base
from exchange.settings import Settings
from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots

HASH = re.compile(r"[0-9a-f]{64}")
DRAWN = ("root", "signature")
"""Columns of the ledger that are made of hashes, in base64."""

_EXPORT = [name for name in export_columns("offences") if name not in absent_columns("offences")]


@dataclass(frozen=True)
class Twin:
    """One of the two: a database and a home of its own, the world's partners, keys and agreements."""

    app: App
    leader: Register


@contextmanager
def twin(
    world: World, name: str, home: Path, records: pl.DataFrame, at: datetime, people: pl.DataFrame | None = None
) -> Iterator[Twin]:
    """An office whose offence sources hold these records (columns of the export, and ``sources``); its clock is fixed.
    ``people``: its register, in the export's columns, where it is another one than the world's.
    """
    with psycopg.connect(
        host="127.0.0.1",
        port=world.postgres.port,
        user="postgres",
        dbname="postgres",
        passfile=str(world.postgres.password_file),
        autocommit=True,
    ) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER exchange".encode())
    its_own = world.postgres.url("exchange").rpartition("/")[0] + f"/{name}"
    owner = open_register(its_own, "owner", world.postgres.password_file)
    owner.migrate()
    owner.close()
    world.postgres.grant(name)
    url = world.postgres.work_url(name)
    settings = Settings.load(world.config)
    key = LedgerKey(settings.keys.register_key, settings.keys.register_public)
    officer, leader = (open_register(url, who, world.postgres.password_file, key) for who in ("officer", "leader"))
    snapshots = Snapshots(home / "snapshots")
    for source in SOURCES:
        shutil.copytree(settings.snapshots / source, home / "snapshots" / source)
    as_of = as_of_(snapshots)
    if people is not None:
        shutil.rmtree(home / "snapshots" / "population")
        export = home / "exports" / "population"
        export.mkdir(parents=True)
        people.write_csv(export / "part-000.csv")
        build(snapshots, "population", export, as_of)
    for source in OFFENCE_SOURCES:
        shutil.rmtree(home / "snapshots" / source)
        export = home / "exports" / source
        export.mkdir(parents=True)
        held = records.filter(pl.col("sources").list.contains(source))
        held.drop("sources").write_csv(export / "part-000.csv")
        build(snapshots, source, export, as_of)
    try:
        yield Twin(App(settings.model_copy(update={"home": home}), officer, lambda: at), leader)
    finally:
        for register in (officer, leader):
            register.close()


@contextmanager
def with_and_without(world: World, name: str, place: Path, records: pl.DataFrame) -> Iterator[tuple[Twin, Twin]]:
    """An office whose sources hold these records, and one whose sources hold none."""
    with App.open("test", world.config) as app:
        at = app.now()
    with (
        twin(world, f"{name}_hits", place / "hits", records, at) as first,
        twin(world, f"{name}_none", place / "none", records.clear(), at) as second,
    ):
        yield first, second


def as_of_(snapshots: Snapshots) -> date:
    current = snapshots.current("population")
    assert current is not None
    return current.as_of


def without_sealed(people: pl.DataFrame) -> pl.DataFrame:
    """The province's records that are not sealed, as the sources write them."""
    records = make_offences(SEED, 0, people).filter(~pl.col("sealed_record")).with_columns(id_number="written_number")
    return records.select(pl.col(_EXPORT).cast(pl.String).fill_null(""), "sources")


def sealed_of(people: pl.DataFrame) -> pl.DataFrame:
    """Two sealed records for each of these people: of every kind, by every number, in any of the sources, up to the
    eighteenth birthday.
    """
    kinds, sentences = [*OFFENCE_KINDS, "劳动教养"], ["", "6", "60"]
    records = []
    for place, person in enumerate(people.iter_rows(named=True)):
        eighteenth = pl.Series([date.fromisoformat(person["birth_date"])]).dt.offset_by("18y")[0]
        for turn in (place, place + 3):
            offence = eighteenth if turn % 4 == 0 else eighteenth.replace(year=eighteenth.year - 1 - turn % 4, day=1)
            record = {
                "id_number": _number(person, turn),
                "name": person["name"],
                "kind": kinds[turn % len(kinds)],
                "offence_date": str(offence),
                "decided_on": str(offence.replace(day=28)),
                "effective_on": "" if turn % 5 == 0 else "2024-03-01",
                "sentence_months": sentences[turn % 3],
                "charge": "强奸罪",
                "political_rights": "yes",
            }
            held = [source for nth, source in enumerate(OFFENCE_SOURCES) if (turn + nth) % 2 or nth == turn % 5]
            records.append(record | {"sources": held})
    return pl.DataFrame(records).select(*_EXPORT, "sources")


def _number(person: dict[str, str], turn: int) -> str:
    number, former = person["id_number"], person["former_id_number"]
    if former and turn % 2:
        return former
    return number[:6] + number[8:17] if number[6:8] == "19" and turn % 3 == 0 else number


def register_as_it_stands(register: Register) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table: without times, and with a mark for a hash, because envelopes and signatures are drawn
    anew.
    """
    found = {}
    with Session(register.engine) as session:
        for name, table in Base.metadata.tables.items():
            kept = [each for each in table.columns if not isinstance(each.type, DateTime) and each.name not in DRAWN]
            rows = session.execute(select(*kept).order_by(*table.primary_key.columns)).all()
            found[name] = [tuple(HASH.sub("#", str(value)) for value in row) for row in rows]
    return found
