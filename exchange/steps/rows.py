"""The rows of a request, all of them or by their number: parsed once, and kept for whoever answers them.

Rules
- When a larger request is received its rows go into the cache as they are judged, in blocks, encrypted and bound to the
  hashes of its data file and its manifest (ADR 7). Whoever answers it reads them there; a row costs the opening of one
  block.
- Nothing is kept of a request that is refused.
- What is not in the cache, or was altered there, is read from the kept original, whose hash is checked.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.timing import in_stage, stage
from exchange.register import Batch
from exchange.steps.request import judged, read_original, reading_of
from exchange.wire.manifest import RequestManifest

ROWS_IN_BLOCK: Final = 10_000
"""Some 700 kB: opened in some milliseconds, and smaller ones cost all rows more. A request with no more rows is read as
it lies.
"""

BYTES_IN_PART: Final = 5 * 1024 * 1024
"""Of texts: parts of as many rows as those that are read from a CSV file (``steps/request.py``)."""

REFERENCE: Final = "row_ref"


def check_request(app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, today: date) -> None:
    """Refused unless the data file can be read and is not mostly unreadable; the rows of a larger one are kept."""
    rows = judged(read_original(app, agreement, manifest), reading_of(agreement, manifest), today)
    if manifest.rows > ROWS_IN_BLOCK:
        with stage("keep rows"):
            app.cache.write(_name(batch, manifest), map(_written, _in_blocks(rows)))
    else:
        deque(rows, maxlen=0)


def read_request(app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest) -> Iterator[pl.DataFrame]:
    """The claimed values of a request that was received, in parts; columns and errors as ``read_original``."""
    there = 0
    for part in in_stage("kept rows", _kept_parts(app, batch, manifest)):
        yield part
        there += part.height
    if there < manifest.rows:
        yield from _after(there, read_original(app, agreement, manifest))


def read_rows(
    app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, rows: Sequence[int]
) -> pl.DataFrame:
    """The claimed values of these rows (numbers from 1), in their order."""
    positions = np.asarray(rows, np.int64) - 1
    blocks, block = np.unique(positions // ROWS_IN_BLOCK, return_inverse=True)
    wanted = blocks.tolist() or [0]
    if 2 * len(wanted) * ROWS_IN_BLOCK >= manifest.rows:  # most of them
        return pl.concat(read_request(app, agreement, batch, manifest))[positions]
    frame = pl.concat(_blocks(app, agreement, batch, manifest, wanted))
    return frame[block * ROWS_IN_BLOCK + positions % ROWS_IN_BLOCK]


def read_references(app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest) -> pl.Series:
    """The partner's references of all rows, in the order of the request: String[rows]."""
    if manifest.rows <= ROWS_IN_BLOCK:
        return pl.concat(read_original(app, agreement, manifest))[REFERENCE]
    blocks = range(-(-manifest.rows // ROWS_IN_BLOCK))
    return pl.concat(block[REFERENCE] for block in _blocks(app, agreement, batch, manifest, blocks))


def _blocks(
    app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, numbers: Sequence[int]
) -> list[pl.DataFrame]:
    """These blocks of the request, from 0; made where they are not in the cache any more."""
    name = _name(batch, manifest)
    kept = app.cache.read(name, numbers)
    if kept is not None:
        return [_opened(block) for block in kept]
    blocks = list(_in_blocks(read_original(app, agreement, manifest)))
    app.cache.write(name, map(_written, blocks))
    return [blocks[number] for number in numbers]


def _kept_parts(app: App, batch: Batch, manifest: RequestManifest) -> Iterator[pl.DataFrame]:
    """The rows that the cache has, from the first to the last or to where something is wrong with it."""
    if manifest.rows <= ROWS_IN_BLOCK:
        return
    held, size = list[pl.DataFrame](), 0.0
    for block in app.cache.each(_name(batch, manifest), range(-(-manifest.rows // ROWS_IN_BLOCK))):
        held.append(_opened(block))
        size += held[-1].estimated_size()
        if size >= BYTES_IN_PART:
            yield pl.concat(held, rechunk=True)
            held, size = [], 0.0
    if held:
        yield pl.concat(held, rechunk=True)


def _after(rows: int, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """What comes after the first rows."""
    for part in parts:
        if rows < part.height:
            yield part[rows:]
        rows = max(0, rows - part.height)


def _in_blocks(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in blocks, of which the last one may be shorter."""
    rest: pl.DataFrame | None = None
    for part in parts:
        rows = part if rest is None else pl.concat([rest, part])
        whole = rows.height - rows.height % ROWS_IN_BLOCK
        yield from rows[:whole].iter_slices(ROWS_IN_BLOCK)
        rest = rows[whole:]
    if rest is not None and rest.height:
        yield rest


def _name(batch: Batch, manifest: RequestManifest) -> str:
    """The file of rows in the cache: its original's hash first, see ``Cache.remove``."""
    return f"{manifest.data.sha256}.{batch.manifest_sha256}.rows"


def _written(rows: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    rows.write_ipc(stream, compression="lz4")
    return stream.getvalue()


def _opened(block: bytes) -> pl.DataFrame:
    return pl.read_ipc(block)
