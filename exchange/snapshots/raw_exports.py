"""Raw exports that are no longer needed: a snapshot of them is published, and the days in which it may be built again
are over.

Rules
- Days count from when the version of the export's day was published. What was not published stays, and so does what was
  changed since: a corrected export that nobody built yet. Operators are told of both (``left_over``).
- While the published version is out of use, or of another layout, its export stays: it has to be built again.
- ``_SUCCESS`` is named first: a folder of which a part is gone is no complete export.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from exchange.base.files import entries, files_below
from exchange.base.tables import SOURCES
from exchange.snapshots.build import COMPLETE
from exchange.snapshots.versions import LAYOUT, Snapshots


@dataclass(frozen=True)
class RawFile:
    """A file of an export. ``name``: its path below the folder of exports, as
    ``drug_control/2026-10-01/part-1.csv``.
    """

    name: str
    path: Path


def past_their_time(snapshots: Snapshots, exports: Path, now: datetime, days: int) -> list[RawFile]:
    """The files of all exports that were published more than ``days`` before ``now`` and are not needed any more; of
    one export ``_SUCCESS`` first. Halt where the list of publications is not what was written.
    """
    files_due = []
    for source in SOURCES:
        for folder, day in _folders(exports, source):
            if _is_over(snapshots, source, folder, day, now - timedelta(days=days)):
                files = sorted(_files(folder), key=lambda path: (path.name != COMPLETE, path))
                files_due += [RawFile(path.relative_to(exports).as_posix(), path) for path in files]
    return files_due


def left_over(snapshots: Snapshots, exports: Path, now: datetime, days: int) -> list[str]:
    """Exports (``source/day``) more than ``days`` old that stay because they, or their corrected files, were never
    published. Halt as :func:`past_their_time`.
    """
    since = now - timedelta(days=days)
    return [
        f"{source}/{folder.name}"
        for source in SOURCES
        for folder, day in _folders(exports, source)
        if day < since.date()
        and any(_files(folder))
        and not _is_published(snapshots.publications(source).get(day), folder)
    ]


def _is_over(snapshots: Snapshots, source: str, folder: Path, day: date, since: datetime) -> bool:
    published_at = snapshots.publications(source).get(day)
    if published_at is None or published_at >= since or not _is_published(published_at, folder):
        return False
    published = snapshots.published(source)
    if published is None or published.as_of < day:
        return False
    current = snapshots.current(source)
    record = current.sound_record() if current is not None else None
    return published.as_of > day or (record is not None and record.layout == LAYOUT)


def _is_published(at: datetime | None, folder: Path) -> bool:
    """Whether what lies in the folder, complete, is what was published at this moment."""
    if at is None or not (folder / COMPLETE).is_file():
        return False
    return all(modified <= at.timestamp() for modified in _modified(folder))


def _modified(folder: Path) -> Iterator[float]:
    """When each file was last written; one that is removed meanwhile is left out."""
    for path in _files(folder):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime


def _folders(exports: Path, source: str) -> Iterator[tuple[Path, date]]:
    for folder in entries(exports / source):
        try:
            yield folder, date.fromisoformat(folder.name)
        except ValueError:
            continue


def _files(folder: Path) -> list[Path]:
    return files_below(folder)
