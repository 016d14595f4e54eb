"""From an export to a published snapshot: read, normalise, judge, write, publish.

Rules: nothing is published that did not pass its gate; the same export gives the same version (of an offence source,
beside the same population), so that a build may be run again at any time; a source whose date is built already is not
built twice by the nightly run; the population comes first; an export of a day to come is of no day: its snapshot would
be fresh for years, and none after it would be built.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.base.errors import Halt
from exchange.base.files import disk_trouble, entries
from exchange.base.tables import SOURCES
from exchange.matching.identity import Population
from exchange.snapshots import events, offences, population
from exchange.snapshots.exports import scan_export
from exchange.snapshots.versions import LAYOUT, SnapshotRecord, Snapshots, Version
from exchange.validate.gate import judge

BUILDERS: Final = MappingProxyType({"population": population, "offences": offences, "events": events})
"""Kind of source → the module whose ``build_tables`` makes its tables."""

COMPLETE = "_SUCCESS"
"""The empty file that an exporting system writes last into its folder ``<exports>/<source>/<YYYY-MM-DD>/``."""


def build(snapshots: Snapshots, source: str, export: Path, as_of: date) -> Version:
    """Builds a source's snapshot from an export folder and publishes it. Halt where there is no such source, where the
    export's files or columns do not fit, where its counts do not pass the gate, or where a newer one is published.
    """
    if source not in SOURCES:
        msg = f"no such source: {source}; there are {', '.join(SOURCES)}"
        raise Halt(msg, zh=f"没有数据源 {source}，可选：{'、'.join(SOURCES)}")
    kind = SOURCES[source].table
    tables, counts = _tables(snapshots, kind, scan_export(export, kind), as_of)
    judge(kind, counts | {"change_share": _change(snapshots.current(source), counts["rows"])})
    record = SnapshotRecord(source=source, as_of=as_of, rows=int(counts["rows"]), files={}, counts=counts)
    version = snapshots.write(record, tables)
    snapshots.publish(version)
    return version


def _tables(
    snapshots: Snapshots, kind: str, export: pl.LazyFrame, as_of: date
) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """The source's tables and counts; offence records are held against the birth dates of the published population."""
    if kind == "offences":
        people = snapshots.current("population")
        if people is None:
            msg = "no population snapshot is published; whose records are sealed cannot be known: build it first"
            raise Halt(msg, zh="还没有人口快照，无从判断哪些记录应当封存：请先制作人口快照")
        return offences.build_tables(export, as_of, Population(people.open("people"), people.open("former")))
    tables, counts = BUILDERS[kind].build_tables(export, as_of)
    return tables, counts


def _change(current: Version | None, rows: float) -> float:
    record = current.sound_record() if current is not None else None
    if record is None or not record.rows:
        return 0.0
    return abs(rows - record.rows) / record.rows


def newest_export(exports: Path, source: str) -> tuple[Path, date] | None:
    """The newest complete export folder of a source and its date, None when there is none; Halt where it may not be
    looked into, or where a complete export is not named by its day: nobody knows whether it is the newest.
    """
    with disk_trouble(exports / source):
        folders = [folder for folder in entries(exports / source) if (folder / COMPLETE).exists()]
    return max(((folder, _day_of(folder)) for folder in folders), key=lambda export: export[1], default=None)


def _day_of(export: Path) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(export.name)
        if str(day) == export.name:  # 20261122 is a date, too
            return day
    place = f"{export.parent.name}/{export.name}"
    msg = f"the export {place} is not named by its day (YYYY-MM-DD); rename it, or move it out of this folder"
    raise Halt(msg, zh=f"导出 {place} 的文件夹名不是日期（YYYY-MM-DD）：请改名，不用的移到别处")


def check_day(source: str, as_of: date, today: date) -> None:
    """Halt where an export says that it is of a day after ``today``."""
    if as_of > today:
        msg = f"the export {source}/{as_of} is of a day that has not come (today is {today}); name it by its own day"
        zh = f"{source} 的导出 {as_of} 的日期还未到（今天是 {today}），请按实际截止日改名"
        raise Halt(msg, zh=zh)


def build_if_new(snapshots: Snapshots, exports: Path, source: str, today: date) -> Version | None:
    """What the nightly run does for one source: the new version, or None when nothing newer has come. Halt as
    :func:`build`, and where the newest export is of a day to come.
    """
    newest = newest_export(exports, source)
    if newest is not None:
        check_day(source, newest[1], today)
    current = snapshots.current(source)
    record = current.sound_record() if current is not None else None
    if newest is None or (record is not None and record.as_of >= newest[1] and record.layout == LAYOUT):
        return None
    return build(snapshots, source, *newest)
