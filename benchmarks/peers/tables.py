"""The same register in the forms that the peers like best, written once from the office's snapshots.

Rules: the peers get every value as the snapshot has it (names in standard form, codes as numbers, days as days), so
that none of them pays for what the office's nightly build does for itself, sorted by key. One table, ``numbers``, finds
whoever bears or bore a number, so that a peer needs one join for both:

    numbers     key, alone (no other row has this key), former, person (the bearer's present key), name, sex,
                birth_date, doubt; sorted by key
    records     key, kind: what the five offence sources hold
    bearers     key (superseded), person

They lie as Parquet and in a DuckDB file; ``numbers`` also in SQLite (clustered by key) and in PostgreSQL (an index).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fixed import BEARERS, DATABASE, NUMBERS, PEERS, RECORDS, SQLITE
from benchmarks.peers.lookup.with_postgres import connect, server
from benchmarks.province import World
from exchange.base.files import make_folder
from exchange.base.tables import OFFENCE_SOURCES
from exchange.matching.lookup import Keys

LOOKED_UP: Final = ("key", "name", "sex", "birth_date", "doubt")

_PIECE: Final = 1_000_000
_ROW_GROUP: Final = 122_880  # DuckDB's own
_SCHEMA: Final = pa.schema(
    {
        "key": pa.int64(),
        "alone": pa.bool_(),
        "former": pa.bool_(),
        "person": pa.int64(),
        "name": pa.large_string(),
        "sex": pa.uint8(),
        "birth_date": pa.date32(),
        "doubt": pa.bool_(),
    }
)
_VALUES: Final = ["name", "sex", "birth_date", "doubt"]


def folder_of(world: World) -> Path:
    return world.folder / PEERS


def make_peers(world: World, say: Callable[[str], None], *, servers: bool = True) -> Path:
    """The folder with all forms, made where they are not there yet; ``servers``: those that only lookups need, too."""
    folder = make_folder(folder_of(world))
    makers: dict[str, Callable[[World, Path], None]] = {NUMBERS: _numbers, RECORDS: _records, BEARERS: _bearers}
    makers[DATABASE] = _duckdb
    if servers:
        makers[SQLITE] = _sqlite
    for name, maker in makers.items():
        if not (folder / name).exists():
            say(f"{name} for the peers, {world.people:,} people")
            written = folder / f"writing-{name}"
            written.unlink(missing_ok=True)
            maker(world, written)
            written.replace(folder / name)
    if servers:
        _postgres(world, say)
    return folder


def _numbers(world: World, path: Path) -> None:
    version = world.published("population")
    people, former = version.open("people"), version.open("former")
    persons = former.numbers(np.arange(len(former.keys)), "person")
    borne = people.take(persons, _VALUES).with_columns(
        pl.Series("key", former.keys), pl.Series("person", people.keys[persons]), pl.lit(value=True).alias("former")
    )
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for first, last in _whole_keys(people.keys):
            rows = np.arange(first, last)
            bear = pl.Series("key", people.keys[rows]), pl.Series("person", people.keys[rows])
            now = people.take(rows, _VALUES).with_columns(*bear, pl.lit(value=False).alias("former"))
            low = people.keys[first] if first else np.iinfo(np.int64).min
            high = people.keys[last] if last < len(people.keys) else np.iinfo(np.int64).max
            before = borne.filter(pl.col("key").is_between(low, high, closed="left"))
            piece = pl.concat([now, before.select(now.columns)]).sort("key", "former")
            piece = piece.select("key", pl.col("key").is_unique().alias("alone"), "former", "person", *_VALUES)
            table = piece.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_SCHEMA)
            writer.write_table(table, row_group_size=_ROW_GROUP)


def _whole_keys(keys: Keys) -> Iterator[tuple[int, int]]:
    """Pieces of the rows, in each of which all rows of a key stand together."""
    first = 0
    while first < len(keys):
        last = min(first + _PIECE, len(keys))
        while last < len(keys) and keys[last] == keys[last - 1]:
            last += 1
        yield first, last
        first = last


def _records(world: World, path: Path) -> None:
    frames = []
    for source in OFFENCE_SOURCES:
        records = world.published(source).open("records")
        kinds = records.take(np.arange(len(records.keys)), ["kind"])
        frames.append(kinds.with_columns(pl.Series("key", records.keys), pl.col("kind").cast(pl.String)))
    pl.concat(frames).select("key", "kind").sort("key").write_parquet(path)


def _bearers(world: World, path: Path) -> None:
    pl.scan_parquet(folder_of(world) / NUMBERS).filter("former").select("key", "person").sink_parquet(path)


def _duckdb(world: World, path: Path) -> None:
    folder = folder_of(world)
    with duckdb.connect(str(path)) as connection:
        for name in (NUMBERS, RECORDS, BEARERS):
            table = Path(name).stem
            connection.execute(f"CREATE TABLE {table} AS FROM read_parquet('{folder / name}')")


def _pieces(world: World) -> Iterator[pl.DataFrame]:
    """What is looked up: those who bear their number now."""
    file = pq.ParquetFile(folder_of(world) / NUMBERS)
    for batch in file.iter_batches(_PIECE, columns=[*LOOKED_UP, "former"]):
        yield (
            pl.DataFrame(batch)
            .filter(~pl.col("former"))
            .select(LOOKED_UP)
            .with_columns(pl.col("birth_date").cast(pl.String))
        )


def _sqlite(world: World, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        connection.execute(
            "CREATE TABLE numbers (key INTEGER, copy INTEGER, name TEXT, sex INTEGER, birth_date TEXT, doubt INTEGER,"
            " PRIMARY KEY (key, copy)) WITHOUT ROWID"
        )
        for piece in _pieces(world):
            rows = piece.select("key", pl.int_range(pl.len()).over("key"), *LOOKED_UP[1:]).iter_rows()
            connection.executemany("INSERT INTO numbers VALUES (?, ?, ?, ?, ?, ?)", rows)


def _postgres(world: World, say: Callable[[str], None]) -> None:
    server(world.folder).start()
    with connect(world.folder) as connection:
        if connection.execute("SELECT to_regclass('numbers')").fetchone() != (None,):
            return
        say(f"PostgreSQL for the peers, {world.people:,} people")
        columns = "key bigint, name text, sex smallint, birth_date date, doubt boolean"
        connection.execute(f"CREATE TABLE numbers ({columns})")
        with connection.cursor().copy("COPY numbers FROM STDIN (FORMAT csv)") as copy:
            for piece in _pieces(world):
                copy.write(piece.write_csv(include_header=False))
        connection.execute("CREATE INDEX ON numbers (key)")
    with connect(world.folder) as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE numbers")
