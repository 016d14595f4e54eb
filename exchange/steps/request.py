"""A request's data file, from the kept original to rows: hash, decryption, encoding or workbook, columns, rows.

Rules: the hash is checked before anything opens the file; nothing is written; what cannot be read as a whole is
Refused, whatever error the reading of it raises (``validate.door``). The opened file is in memory as a whole, its rows
come in parts (ADR 19).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.errors import Refused
from exchange.base.parallel import map_ordered
from exchange.base.timing import in_stage, stage
from exchange.calendar.limits import OBJECTION
from exchange.matching import unregistered
from exchange.matching.id_numbers import standardise
from exchange.matching.names import name_fault, standard_name
from exchange.validate.encoding import to_utf8
from exchange.validate.gate import failures
from exchange.validate.table import read_parts
from exchange.validate.workbook import read_workbook
from exchange.wire.envelope import decrypt
from exchange.wire.manifest import RequestManifest

BYTES_IN_PART: Final = 8 * 1024 * 1024
"""Of a CSV file, some 80,000 rows: few enough that the work on some of them at once takes half a gigabyte, and enough
that what each part costs besides its rows is not felt."""

ROWS_IN_PART: Final = 80_000
"""Of a table that is in memory as a whole anyway."""

FEWEST_ROWS_JUDGED: Final = 20
"""Below this many rows a request is not judged by its share of unreadable ones (the office's choice)."""


def read_request(app: App, agreement: Agreement, manifest: RequestManifest) -> Iterator[pl.DataFrame]:
    """The claimed values of a trusted request, in parts; see ``validate.table.read_table`` for their columns."""
    items = manifest.items if manifest.objects_to is None else (OBJECTION,)
    form = _form(agreement, manifest)
    if manifest.data.form == "xlsx":
        with stage("parse"):
            table = read_workbook(_opened(app, manifest), manifest.data.sheet, items, manifest.rows, form)
        yield from table.iter_slices(ROWS_IN_PART)
        return
    utf8 = _text(app, manifest)
    yield from in_stage("parse", read_parts(utf8, items, manifest.rows, form, part=BYTES_IN_PART))


def _opened(app: App, manifest: RequestManifest) -> bytes:
    with stage("hash"):
        original = app.archive.verified_path(manifest.data.sha256)
    with stage("decrypt"):
        return decrypt(original, app.decryption) if manifest.data.encrypted else original.read_bytes()


def _text(app: App, manifest: RequestManifest) -> bytes:
    content = _opened(app, manifest)
    with stage("decode"):
        return to_utf8(content, manifest.data.encoding)


def _form(agreement: Agreement, manifest: RequestManifest) -> str | None:
    """The form in which an item that is asked alone is asked; None for every other request."""
    if unregistered.CODE not in manifest.items or manifest.objects_to is not None:
        return None
    purpose = agreement.purpose(manifest.purpose)
    return purpose.unregistered_by if purpose else None


def check_request(app: App, agreement: Agreement, manifest: RequestManifest, today: date) -> None:
    """Refused unless the data file can be read and is not mostly unreadable."""
    rows = unreadable = 0
    parts = read_request(app, agreement, manifest)
    judged = map_ordered(lambda table: _unreadable(table, manifest, today), parts)
    for table, number in in_stage("check", judged):
        rows += table.height
        unreadable += number
    with stage("gate"):
        if manifest.objects_to is None and failures("request", _shares(rows, manifest, unreadable)):
            raise Refused("rows_unreadable")


def _unreadable(table: pl.DataFrame, manifest: RequestManifest, today: date) -> int:
    """How many rows name nobody that could be looked up; an objection's rows were looked up before."""
    if manifest.objects_to is not None:
        return 0
    if unregistered.CODE in manifest.items:
        return table.height - unregistered.standardise(table, today)["fault"].null_count()
    numbered = standardise(table.select("id_number", "name"), today)
    unreadable = pl.any_horizontal(
        pl.col("id_fault").is_not_null(), name_fault(standard_name(pl.col("name"))).is_not_null()
    )
    return int(numbered.select(unreadable.sum()).item())


def _shares(rows: int, manifest: RequestManifest, unreadable: int) -> Mapping[str, float]:
    share = unreadable / rows if rows >= FEWEST_ROWS_JUDGED else 0.0
    return {"rows": rows, "rows_in_manifest": manifest.rows, "unreadable_share": share}
