"""A dry run of the intake: what it would say of a data file, which is not taken in.

Rules
- The intake's own code reads and judges; this only calls it without archive, register and folders. So what depends on
  earlier batches (an id used again, a set too many for a period, the batch an objection is to) is not looked at.
- A finding is a code of ``schemas/answers.toml`` and a place, never a value. A row's finding is what its answer will
  say whoever the person is; whether a claim that only the register's events explain can be read is seen when it is
  answered.
- Without a manifest the items are those of the agreement whose columns the header has; the header of an objection,
  which any agreement allows, makes it one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Final

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.agreements.expected import arrival
from exchange.base.errors import Refused
from exchange.base.files import sha256
from exchange.base.tables import ITEMS, OBJECTION_COLUMNS, REQUIRED_COLUMNS, RequestColumn
from exchange.calendar.deadlines import OBJECTION
from exchange.calendar.working_days import OfficeDays, office_day
from exchange.matching import unregistered
from exchange.matching.codes import nothing_claimed
from exchange.matching.id_numbers import standardise
from exchange.matching.items import RULES
from exchange.matching.names import name_fault, standard_name
from exchange.steps.bases import check_bases
from exchange.steps.request import Reading, judge_parts, read_data, reading_of
from exchange.steps.trust import agreed_manifest, trusted_manifest
from exchange.validate.columns import known_columns, only_of
from exchange.validate.encoding import to_utf8
from exchange.validate.table import ROW_FAULT, read_words
from exchange.validate.workbook import read_header_words
from exchange.wire.manifest import RequestManifest

NOTED: Final = ("id_repaired", "id_from_15")
"""Codes that say what was done to a number; no fault."""


@dataclass(frozen=True)
class Finding:
    """A fault of one row. ``row`` counts data rows from 1; ``column`` is empty where the row as a whole is meant;
    ``code``: of ``schemas/answers.toml``.
    """

    row: int
    column: str
    code: str


@dataclass(frozen=True)
class CheckResult:
    """What the check found: the items asked, how many rows, their faults, and the refusal if the file would be
    refused.
    """

    items: tuple[str, ...]
    rows: int
    findings: tuple[Finding, ...]
    refusal: Refused | None = None


def check_manifest(
    agreement: Agreement,
    content: bytes,
    signature: bytes | None,
    name: str,
    now: datetime,
    days: OfficeDays,
    oldest: int,
) -> RequestManifest:
    """The manifest, checked as the intake would; Refused with the first thing wrong. Without a ``signature`` all but
    that is checked. ``name``: the manifest's file name without its ending; ``oldest``: days since the end of a period
    for which a set is still accepted.
    """
    if signature is None:
        manifest = agreed_manifest(agreement, content, name, now)
    else:
        manifest = trusted_manifest(agreement, content, signature, name, now)
    check_bases(agreement, manifest, office_day(now))
    expected = agreement.expects(manifest.cycle, manifest.purpose)
    arrival(manifest.cycle, manifest.period, office_day(now), expected, days, oldest)
    return manifest


def check_whole(data: bytes, manifest: RequestManifest) -> None:
    """Refused unless these bytes, as they lie on the server, have the size and hash that the manifest names."""
    if (len(data), sha256(data)) != (manifest.data.size, manifest.data.sha256):
        raise Refused("data_hash", column="data.sha256")


def check_data(content: bytes, agreement: Agreement, reading: Reading, today: date) -> CheckResult:
    """Checks a decrypted data file, row by row; what would be refused is in the result, not raised."""
    findings: list[Finding] = []
    rows = 0

    def judged() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for table in read_data(content, reading):
            findings.extend(_findings(table, reading.items, today, rows))
            rows += table.height
            if rows > agreement.limits.max_rows:
                raise Refused("rows_too_many", column="rows")
            yield table

    refusal = None
    try:
        judge_parts(judged(), reading, today)
    except Refused as error:
        refusal = error
    return CheckResult(tuple(reading.items), rows, tuple(findings), refusal)


def reading_for(agreement: Agreement, manifest: RequestManifest) -> Reading:
    """How the data file of this manifest is to be read."""
    return reading_of(agreement, manifest)


def reading_by_header(agreement: Agreement, content: bytes, *, is_workbook: bool) -> Reading:
    """How a file without a manifest is to be read, by its header; Refused where the header cannot be read."""
    header = read_header_words(content) if is_workbook else read_words(to_utf8(content))
    for purpose in agreement.purposes:
        form = purpose.unregistered_by
        if (
            form is not None
            and not _has(header, REQUIRED_COLUMNS)
            and _has(header, ITEMS[unregistered.CODE].forms[form])
        ):
            return Reading((unregistered.CODE,), form, is_workbook)
    if not _has(header, REQUIRED_COLUMNS) and _is_objection(header):
        return Reading((OBJECTION,), None, is_workbook)
    agreed = dict.fromkeys(chain.from_iterable(purpose.items for purpose in agreement.purposes))
    asked = tuple(item for item in agreed if not ITEMS[item].forms and _has(header, ITEMS[item].claims))
    return Reading(asked, None, is_workbook)


def _is_objection(header: Sequence[str]) -> bool:
    """Rows of an earlier batch alone, or with what speaks against their answers. Any other word stands for a column
    whose header is wrong, and the list for one of people.
    """
    known = known_columns(header, OBJECTION_COLUMNS)
    optional = {column.code for column in OBJECTION_COLUMNS if column.optional}
    return _has(header, OBJECTION_COLUMNS) and bool(known & optional or only_of(header, OBJECTION_COLUMNS))


def _has(header: Sequence[str], columns: Sequence[RequestColumn]) -> bool:
    needed = {column.code for column in columns if not column.optional}
    return needed <= known_columns(header, columns)


def _findings(table: pl.DataFrame, items: Sequence[str], today: date, before: int) -> Iterator[Finding]:
    """The findings of one part of the rows, in their order. ``before``: how many rows came before it."""
    if unregistered.CODE in items:
        faults = [("", unregistered.standardise(table, today)["fault"])]
    elif tuple(items) == (OBJECTION,):
        faults = [("", table[ROW_FAULT])]
    else:
        faults = _of_people(table, items, today)
    marked = pl.DataFrame([series.alias(str(position)) for position, (_, series) in enumerate(faults)])
    faulty = marked.with_row_index("row", offset=before + 1).filter(pl.any_horizontal(pl.exclude("row").is_not_null()))
    for row, *codes in faulty.iter_rows():
        for (column, _), code in zip(faults, codes, strict=True):
            if code is not None:
                yield Finding(row, column, code)


def _of_people(table: pl.DataFrame, items: Sequence[str], today: date) -> list[tuple[str, pl.Series]]:
    """(column, a code or null for each row); a row that cannot be read as a row has no other finding."""
    frame = standardise(table, today)
    notes = [("id_number", pl.when(pl.col(code)).then(pl.lit(code))) for code in NOTED]
    by_column = [
        ("id_number", pl.col("id_fault")),
        ("name", name_fault(standard_name(pl.col("name")))),
        *notes,
        *[claim for item in items for claim in _of_claims(item)],
    ]
    sound = pl.col(ROW_FAULT).is_null()
    faults = [("", pl.col(ROW_FAULT)), *[(column, pl.when(sound).then(code)) for column, code in by_column]]
    return [(column, frame.select(code.alias(column or ROW_FAULT)).to_series()) for column, code in faults]


def _of_claims(item: str) -> Iterator[tuple[str, pl.Expr]]:
    """What is missing of an item's claim, and whether what is there can be read."""
    needed = [column.code for column in ITEMS[item].claims if not column.optional]
    empty = [nothing_claimed(pl.col(code)) for code in needed]
    for code, is_empty in zip(needed, empty, strict=True):
        yield code, pl.when(is_empty).then(pl.lit("claim_missing"))
    claimed = RULES[item].claimed if item in RULES else None
    if claimed is not None:
        yield needed[-1], pl.when(~empty[-1] & claimed.is_null()).then(pl.lit("claim_format"))
