"""A very large batch by ranges (号码段): each decides the rows whose numbers fall into one stretch of the register.

Rules
- The ranges cut the pinned population into equal numbers of people, so that whoever decides one needs that stretch of
  the snapshot in memory and not the whole; for people outside of it (relatives, superseded numbers) the mapped files
  are whole. Every row belongs to exactly one range; one whose number cannot be read, to the first.
- What a range decided rests as row numbers, codes and rows of the population, without names or numbers, encrypted to
  the office's own certificate, in the archive under its hash. Airflow carries the hashes, and may be made to carry
  others; a partner's file lies in that archive, too, and may be encrypted to that certificate. So a file is taken where
  it bears a code that only the office can make (HMAC-SHA256 under a key derived from its decryption key).
- Put together the ranges are what deciding in one go gives; a test holds the one against the other.
- What Airflow carries instead (a part that was marked successful, a range that was removed since) is decided anew.
- A range that is decided again has another hash (encryption is random). The files go when the batch is prepared; what a
  try that was killed left, and nobody names, goes by retention.
"""

from __future__ import annotations

import hmac
import io
import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

import numpy as np
import polars as pl

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import is_digest
from exchange.base.parallel import map_ordered
from exchange.base.timing import in_stage
from exchange.matching import unregistered
from exchange.matching.decide import decide, make_ready
from exchange.matching.id_numbers import standardise
from exchange.matching.lookup import SortedTable
from exchange.register import State
from exchange.settings import read_secret
from exchange.steps.answers import POPULATION, BatchContext, Part
from exchange.steps.request import read_request
from exchange.wire.envelope import decrypt, encrypt

log = logging.getLogger(__name__)

ROW: Final = "row"
AS_CLAIMED: Final = ("row_ref", "id_number", "name")
"""What a range leaves out: it stands in the request."""

_DERIVED: Final = b"exchange ranges 1"

_AHEAD: Final = timedelta(days=1)
"""More than two machines' clocks differ: a file that was laid down a moment ago is removed all the same."""


def plan(app: App, batch_id: str) -> int:
    """The number of ranges by which a batch is to be decided, 0 where in one go or decided already. Pins the
    snapshots.
    """
    batch = app.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return 0
    context = BatchContext.of(app, batch)
    manifest, policy = context.manifest, app.settings.policy
    by_number = unregistered.CODE not in manifest.items and manifest.objects_to is None
    if manifest.rows < policy.large_rows or not by_number:
        return 0
    ranges = -(-manifest.rows // policy.range_rows)
    log.info("%s: %d rows in %d ranges of population %s", batch_id, manifest.rows, ranges, _population(context))
    return ranges


def match_range(app: App, batch_id: str, number: int, of: int) -> str:
    """Decides range ``number``, from 0; the hash under which the archive has its file. Empty where the batch is
    further.
    """
    batch = app.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return ""
    context = BatchContext.of(app, batch)
    decided = pl.concat(_decided(context, number, of))
    log.info("%s: range %d of %d, %d rows", batch_id, number + 1, of, decided.height)
    content = _written(app, decided, _name(context, number, of))
    return app.archive.keep(encrypt(content, app.decryption.certificate))


def merge_ranges(context: BatchContext, hashes: Sequence[str]) -> Iterator[Part]:
    """The request's rows with the answers of the ranges, in the request's order. ``hashes``: of all files, in the order
    of the ranges; Halt where they are not this batch's, or not all of them.
    """
    opened = [_opened(context, digest, _name(context, number, len(hashes))) for number, digest in enumerate(hashes)]
    answers = pl.concat(opened).sort(ROW)
    if not answers[ROW].equals(pl.Series(ROW, range(context.manifest.rows), dtype=pl.UInt32)):
        raise Halt(_NOT_WHOLE)
    begin = 0
    for asked in read_request(context.app, context.agreement, context.manifest):
        mine = answers.slice(begin, asked.height).drop(ROW).with_columns(pl.col(pl.Categorical).cast(pl.String))
        yield asked, pl.concat([asked.select(AS_CLAIMED), mine], how="horizontal")
        begin += asked.height


def remove(app: App, hashes: Sequence[str]) -> None:
    """Removes the files of ranges from the archive; some may be gone already."""
    for digest in filter(None, hashes):
        app.archive.destroy(digest, app.now() + _AHEAD)


def range_of(table: pl.DataFrame, people: SortedTable, of: int, today: date) -> pl.Series:
    """The range, from 0 and below ``of``, that each row belongs to: int64[rows]. ``people``: the pinned population."""
    keys = standardise(table.select("id_number"), today)["key"].fill_null(-1).to_numpy()
    bounds = people.keys[[len(people.keys) * number // of for number in range(1, of)]]
    return pl.Series(np.searchsorted(bounds, keys, side="right"))


_NOT_WHOLE: Final = "the ranges do not make up this batch; clear the task `plan` and those after it"


def _decided(context: BatchContext, number: int, of: int) -> Iterator[pl.DataFrame]:
    """The range's rows of each part of the request: row, codes, person."""
    sources, begin = context.sources(), 0

    def decided(asked: pl.DataFrame) -> pl.DataFrame:
        mine = range_of(asked, sources.population.people, of, context.today) == number
        rows = asked.with_row_index(ROW).filter(mine)
        answers = decide(rows.drop(ROW), context.manifest.items, sources, context.today)
        return answers.drop(AS_CLAIMED).insert_column(0, rows[ROW])

    asked_parts = read_request(context.app, context.agreement, context.manifest)
    parts = map_ordered(decided, asked_parts, before=lambda: make_ready(context.manifest.items))
    for asked, answers in in_stage("match", parts):
        yield answers.with_columns(pl.col(ROW) + begin, pl.col(pl.String).cast(pl.Categorical))
        begin += asked.height


def _population(context: BatchContext) -> str:
    return context.pins[POPULATION][0]


def _name(context: BatchContext, number: int, of: int) -> str:
    """What a file says that it is; another batch's, another cut's or another snapshot's is not taken for it."""
    return f"{context.batch.id} {number}/{of} {_population(context)}"


def _written(app: App, frame: pl.DataFrame, name: str) -> bytes:
    """A line that says what it is, a line with its code, then the table as an Arrow file."""
    stream = io.BytesIO()
    frame.write_ipc(stream, compression="zstd")
    table = stream.getvalue()
    return b"%b\n%b\n%b" % (name.encode(), _code(app, name, table), table)


def _code(app: App, name: str, table: bytes) -> bytes:
    key = hmac.digest(read_secret(app.settings.keys.decryption_key), _DERIVED, sha256)
    code = hmac.new(key, name.encode() + b"\n", sha256)
    code.update(table)
    return code.hexdigest().encode()


def _opened(context: BatchContext, digest: str, name: str) -> pl.DataFrame:
    app = context.app
    if not isinstance(digest, str) or not is_digest(digest) or app.archive.is_gone(digest):
        raise Halt(_NOT_WHOLE)
    kept_name, _, rest = decrypt(app.archive.verified_path(digest), app.decryption).partition(b"\n")
    code, _, table = rest.partition(b"\n")
    if kept_name != name.encode() or not hmac.compare_digest(code, _code(app, name, table)):
        raise Halt(_NOT_WHOLE)
    return pl.read_ipc(table)
