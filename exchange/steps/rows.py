"""Rows of a request by their number, without reading those before them.

Rules
- A request is parsed once; its rows then lie in the cache in blocks, encrypted, and a row costs the opening of one
  block.
- The cache is filled when rows of a larger request are first asked for by number, which most requests never see.
- What is not in the cache, or was altered there, is read from the kept original, whose hash is checked.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.register import Batch
from exchange.steps.request import read_request
from exchange.wire.manifest import RequestManifest

ROWS_IN_BLOCK: Final = 2_000
"""Some 100 kB, decrypted in a few milliseconds. A request with no more rows is read from the original."""

REFERENCE: Final = "row_ref"


def cache_name(batch: Batch, manifest: RequestManifest, kind: str) -> str:
    """The cache's name for a file of this kind that is derived from this request. It begins with the original's hash,
    by which ``Cache.remove`` removes it.
    """
    return f"{manifest.data.sha256}.{batch.manifest_sha256}.{kind}"


def read_rows(
    app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, rows: Sequence[int]
) -> pl.DataFrame:
    """The claimed values of these rows (numbers from 1), in their order; columns as ``read_request``, errors too."""
    positions = np.asarray(rows, np.int64) - 1
    blocks, block = np.unique(positions // ROWS_IN_BLOCK, return_inverse=True)
    wanted = blocks.tolist() or [0]
    if 2 * len(wanted) * ROWS_IN_BLOCK >= manifest.rows:  # most of them: the original is as near
        return pl.concat(read_request(app, agreement, manifest))[positions]
    frame = pl.concat(_blocks(app, agreement, batch, manifest, wanted))
    return frame[block * ROWS_IN_BLOCK + positions % ROWS_IN_BLOCK]


def read_references(app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest) -> pl.Series:
    """The partner's references of all rows, in the order of the request: String[rows]."""
    if manifest.rows <= ROWS_IN_BLOCK:
        return pl.concat(read_request(app, agreement, manifest))[REFERENCE]
    blocks = range(-(-manifest.rows // ROWS_IN_BLOCK))
    return pl.concat(block[REFERENCE] for block in _blocks(app, agreement, batch, manifest, blocks))


def _blocks(
    app: App, agreement: Agreement, batch: Batch, manifest: RequestManifest, numbers: Sequence[int]
) -> list[pl.DataFrame]:
    """These blocks of the request, from 0; made where they are not in the cache yet."""
    name = cache_name(batch, manifest, "rows")
    kept = app.cache.read(name, numbers)
    if kept is not None:
        return [pl.read_ipc(io.BytesIO(block)) for block in kept]
    parts = list(pl.concat(read_request(app, agreement, manifest)).iter_slices(ROWS_IN_BLOCK))
    app.cache.write(name, map(_written, parts))
    return [parts[number] for number in numbers]


def _written(rows: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    rows.write_ipc(stream, compression="zstd")
    return stream.getvalue()
