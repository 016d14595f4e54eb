"""The province, written as the office's own systems would export it: a folder of CSV parts for each source and day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from exchange.base.files import make_folder
from exchange.base.tables import OFFENCE_SOURCES, SOURCES, absent_columns, export_columns
from exchange.demo.province.events import make_events
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.snapshots.build import COMPLETE


def write_exports(folder: Path, seed: int, people: int, as_of: date) -> None:
    """Writes ``<folder>/<source>/<as_of>/part-NNN.csv`` for every source. Chunk by chunk: the memory that it takes does
    not grow with the province.
    """
    folders = {source: make_folder(folder / source / str(as_of)) for source in SOURCES}
    columns = [name for name in export_columns("offences") if name not in absent_columns("offences")]
    for number, chunk in enumerate(make_people(seed, people)):
        part = f"part-{number:03}.csv"
        _write(chunk.drop("oddity"), folders["population"] / part)
        _write(make_events(chunk), folders["household_events"] / part)
        offences = make_offences(seed, number, chunk).with_columns(id_number="written_number")
        for source in OFFENCE_SOURCES:
            held = offences.filter(pl.col("sources").list.contains(source))
            _write(held.select(columns), folders[source] / part)
    for path in folders.values():
        (path / COMPLETE).touch()


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.touch(mode=0o600)
    frame.write_csv(path)
