"""What the office says of a data file, in the words of ``exchange request check --json``."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from exchange.base.errors import Refused
from exchange.cli.request import _record
from exchange.steps.check import CheckResult, Finding, _findings
from exchange.steps.request import FEWEST_ROWS_JUDGED, Reading, judge_parts, read_data


def said_by_office(content: bytes, reading: Reading, received: date) -> dict[str, Any]:
    """As ``check_data``, but that the gate, which is slow to ask, is asked only of files that are large enough for it
    to refuse them.
    """
    findings: list[Finding] = []
    tables: list[pl.DataFrame] = []
    rows, refusal = 0, None
    try:
        for table in read_data(content, reading):
            findings.extend(_findings(table, reading.items, received, rows))
            rows += table.height
            tables.append(table)
        if rows >= FEWEST_ROWS_JUDGED:
            judge_parts(iter(tables), reading, received)
    except Refused as error:
        refusal = error
    return _record(CheckResult(tuple(reading.items), rows, tuple(findings), refusal))
