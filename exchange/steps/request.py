"""A request's data file, from the kept original to rows: hash, unseal, encoding or workbook, columns, rows.

Rules: the hash is checked before anything opens the file; nothing is written; what cannot be read as a whole is
Refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from exchange.envelope import unseal
from exchange.errors import Refused
from exchange.manifest import RequestManifest
from exchange.matching import unregistered
from exchange.matching.id_numbers import standardise
from exchange.matching.names import name_fault, standard_name
from exchange.office import Office
from exchange.validate.encoding import to_utf8
from exchange.validate.gate import failures
from exchange.validate.table import read_table
from exchange.validate.workbook import read_workbook
from exchange.working_days import OBJECTION

FEWEST_ROWS_JUDGED: Final = 20
"""Below this many rows a request is not judged by its share of unreadable ones (the office's choice)."""


def read_request(office: Office, manifest: RequestManifest) -> pl.DataFrame:
    """The claimed values of a trusted request; see ``validate.table.read_table`` for its columns."""
    content = office.archive.read(manifest.data.sha256)
    if manifest.data.encrypted:
        content = unseal(content, office.decryption)
    items = manifest.items if manifest.objects_to is None else (OBJECTION,)
    form = _form(office, manifest)
    if manifest.data.form == "xlsx":
        return read_workbook(content, manifest.data.sheet, items, manifest.rows, form)
    return read_table(to_utf8(content, manifest.data.encoding), items, manifest.rows, form)


def _form(office: Office, manifest: RequestManifest) -> str | None:
    """The form in which an item that is asked alone is asked; None for every other request."""
    if unregistered.CODE not in manifest.items or manifest.objects_to is not None:
        return None
    purpose = office.agreement(manifest.partner).purpose(manifest.purpose)
    return purpose.unregistered_by if purpose else None


def check_request(office: Office, manifest: RequestManifest, today: date) -> None:
    """Refused unless the data file can be read and is not mostly unreadable."""
    table = read_request(office, manifest)
    if manifest.objects_to is None and failures("request", _counts(table, manifest, today)):
        raise Refused("rows_unreadable")


def _counts(table: pl.DataFrame, manifest: RequestManifest, today: date) -> Mapping[str, float]:
    if unregistered.CODE in manifest.items:
        unreadable = table.height - unregistered.standardise(table, today)["fault"].null_count()
        return _shares(table, manifest, unreadable)
    numbered = standardise(table.select("id_number", "name"), today)
    unreadable = numbered.select(
        pl.any_horizontal(
            pl.col("id_fault").is_not_null(), name_fault(standard_name(pl.col("name"))).is_not_null()
        ).sum()
    ).item()
    return _shares(table, manifest, unreadable)


def _shares(table: pl.DataFrame, manifest: RequestManifest, unreadable: int) -> Mapping[str, float]:
    share = unreadable / table.height if table.height >= FEWEST_ROWS_JUDGED else 0.0
    return {"rows": table.height, "rows_in_manifest": manifest.rows, "unreadable_share": share}
