"""A request's data file, from the kept original to rows: hash, decryption, encoding or workbook, columns, rows.

Rules: the hash is checked before anything opens the file; nothing is written; what cannot be read as a whole is
Refused, whatever error the reading of it raises (``validate.foreign_bytes``). The opened file is in memory as a whole,
its rows come in parts (ADR 19). ``Reading`` says how it is to be read, and needs no register, so that a file can be
checked before it is sent (``steps/check.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.errors import Refused
from exchange.base.parallel import map_ordered
from exchange.base.timing import in_stage, stage
from exchange.calendar.deadlines import OBJECTION
from exchange.matching import unregistered
from exchange.matching.id_numbers import LOST_DIGITS, standardise
from exchange.matching.names import standard_names
from exchange.validate.encoding import to_utf8
from exchange.validate.gate import failures
from exchange.validate.table import read_parts
from exchange.validate.workbook import read_workbook
from exchange.wire.envelope import decrypt
from exchange.wire.manifest import RequestManifest

BYTES_IN_PART: Final = 6 * 1024 * 1024
"""The size of a part of a CSV file, some 60,000 rows: few enough that several at once take half a gigabyte of memory,
and enough that the fixed costs of a part do not matter (ADR 21).
"""

ROWS_IN_PART: Final = 80_000
"""The most rows of a part. It also cuts a part of a CSV file whose rows are nearly empty: two million of those would
fit into its bytes.
"""

FEWEST_ROWS_JUDGED: Final = 20
"""Below this many rows a request is not judged by its share of unreadable ones (the office's choice)."""

_NUMBERS: Final = "^(mother_)?id_number$"
_FAULTS: Final = "^(id_|name_)?fault$"
_UNREADABLE: Final = pl.any_horizontal(
    pl.col(_FAULTS).is_not_null(), pl.col(_NUMBERS).str.ends_with(LOST_DIGITS).fill_null(value=False)
).sum()
"""A number whose last digits may be lost counts, too: in a file of such numbers one in eleven has the right check
character by chance, and is somebody else's or nobody's.
"""


@dataclass(frozen=True)
class Reading:
    """How a data file is to be read: the items asked (their columns), the ``form`` of an item that is asked alone,
    workbook (which sheet) or CSV (which encoding), and how many rows it must have; None where nobody stated it.
    """

    items: Sequence[str]
    form: str | None
    is_workbook: bool
    sheet: str | None = None
    encoding: str | None = None
    rows: int | None = None


def reading_of(agreement: Agreement, manifest: RequestManifest) -> Reading:
    """How the data file of this request is to be read."""
    data = manifest.data
    items = manifest.items if manifest.objects_to is None else (OBJECTION,)
    form = _form(agreement, manifest)
    return Reading(items, form, data.form == "xlsx", data.sheet, data.encoding, manifest.rows)


def read_request(app: App, agreement: Agreement, manifest: RequestManifest) -> Iterator[pl.DataFrame]:
    """The claimed values of a trusted request, in parts and in its order; columns as ``validate.table.read_table``
    gives them. Refused where the file cannot be read whole; Halt where the kept original is not what it was.
    """
    yield from read_data(_opened(app, manifest), reading_of(agreement, manifest))


def read_data(content: bytes, reading: Reading) -> Iterator[pl.DataFrame]:
    """The claimed values in an opened data file, in parts of ``ROWS_IN_PART`` rows and in its order; columns as
    ``validate.table.read_table`` gives them. Refused where the file cannot be read whole.
    """
    if reading.is_workbook:
        with stage("parse"):
            table = read_workbook(content, reading.sheet, reading.items, reading.rows, reading.form)
        yield from table.iter_slices(ROWS_IN_PART)
        return
    with stage("decode"):
        utf8 = to_utf8(content, reading.encoding)
    parts = read_parts(utf8, reading.items, reading.rows, reading.form, part=BYTES_IN_PART)
    for table in in_stage("parse", parts):
        yield from table.iter_slices(ROWS_IN_PART)


def _opened(app: App, manifest: RequestManifest) -> bytes:
    with stage("hash"):
        original = app.archive.verified_path(manifest.data.sha256)
    with stage("decrypt"):
        return decrypt(original, app.decryption) if manifest.data.encrypted else original.read_bytes()


def _form(agreement: Agreement, manifest: RequestManifest) -> str | None:
    """The form in which an item that is asked alone is asked; None for every other request."""
    if unregistered.CODE not in manifest.items or manifest.objects_to is not None:
        return None
    purpose = agreement.purpose(manifest.purpose)
    return purpose.unregistered_by if purpose else None


def check_request(app: App, agreement: Agreement, manifest: RequestManifest, today: date) -> None:
    """Refused unless the data file can be read and is not mostly unreadable."""
    judge_parts(read_request(app, agreement, manifest), reading_of(agreement, manifest), today)


def judge_parts(parts: Iterable[pl.DataFrame], reading: Reading, today: date) -> None:
    """Refused where these rows are mostly unreadable."""
    rows = unreadable = 0
    judged = map_ordered(lambda table: _unreadable(table, reading, today), parts)
    for table, number in in_stage("check", judged):
        rows += table.height
        unreadable += number
    with stage("gate"):
        if reading.items != (OBJECTION,) and failures("request", _shares(rows, reading, unreadable)):
            raise Refused("rows_unreadable")


def _unreadable(table: pl.DataFrame, reading: Reading, today: date) -> int:
    """How many rows have no number or name that can be looked up; of an objection none, as they were looked up
    before.
    """
    if reading.items == (OBJECTION,):
        return 0
    if unregistered.CODE in reading.items:
        judged = unregistered.standardise(table, today)
    else:
        _, name_faults = standard_names(table["name"])
        judged = standardise(table.select("id_number"), today).hstack([name_faults.alias("name_fault")])
    return int(judged.select(_UNREADABLE).item())


def _shares(rows: int, reading: Reading, unreadable: int) -> Mapping[str, float]:
    share = unreadable / rows if rows >= FEWEST_ROWS_JUDGED else 0.0
    return {"rows": rows, "rows_in_manifest": rows if reading.rows is None else reading.rows, "unreadable_share": share}
