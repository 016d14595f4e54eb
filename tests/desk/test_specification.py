"""Every case of the specification that needs no register, through the desk's own code: the same findings, row by row,
as the office's. A case of a registered person is one here, too: what is asked is whether its claim can be read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import openpyxl
import polars as pl

from exchange.docs.specifications import Specification, read_specifications
from exchange.matching.items import RULES
from exchange.steps.request import Reading
from exchange.validate.columns import columns_for
from tests.desk.node import checked
from tests.desk.office import said_by_office

RECEIVED: Final = date(2026, 11, 23)
OF_ANOTHER_FORM: Final = {
    "legal_bases": "when a basis counts: the office's records",
    "elsewhere": "manifests: the desk offers nothing that is not agreed",
    "requests": "manifests: see test_send.py",
    "deadlines": "days: the receipt tells them",
    "freshness": "snapshots, which the office holds",
    "criminal_record": "records, which the office holds",
    "sealed_juvenile": "records, which the office holds",
    "masking": "results, which the office masks",
}


def cases() -> Iterator[tuple[str, bytes, Reading, date]]:
    """(name, data file, as what it is read, day of receipt)."""
    for each in read_specifications():
        if each.name == "data":
            yield from _files(each)
        elif each.name not in OF_ANOTHER_FORM:
            yield from _claims(each)


def _claims(given: Specification) -> Iterator[tuple[str, bytes, Reading, date]]:
    """All claims of one file as rows of one data file for each form."""
    items = tuple(given.settings["items"])
    claims = [case["claim"] for case in given.cases]
    by_form: dict[str | None, list[dict[str, str]]] = {}
    for number, claim in enumerate(claims, 1):
        form = None
        if items == ("unregistered",):
            form = "mother" if "mother_id_number" in claim else "name"
        columns = [column.code for column in columns_for(items, form)]
        by_form.setdefault(form, []).append({code: claim.get(code, "") for code in columns} | {"row_ref": f"R{number}"})
    for form, rows in by_form.items():
        data = pl.DataFrame(rows).write_csv().encode()
        yield (
            f"{given.name}-{form}",
            data,
            Reading(items, form, is_workbook=False),
            given.settings.get("received", RECEIVED),
        )


def _files(given: Specification) -> Iterator[tuple[str, bytes, Reading, date]]:
    for number, case in enumerate(given.cases, 1):
        rows = case.get("rows", len(case.get("cells") or case["lines"]) - 1)
        reading = Reading(given.settings["items"], None, is_workbook="cells" in case, rows=rows)
        yield f"data-{number}", _file(case), reading, given.settings["received"]


def _file(case: Mapping[str, Any]) -> bytes:
    if "cells" in case:
        book = openpyxl.Workbook()
        for row in case["cells"]:
            book.worksheets[0].append(row)
        book.save(content := io.BytesIO())
        return content.getvalue()
    saved = case.get("saved", "utf-8")
    encodings = [saved] * len(case["lines"]) if isinstance(saved, str) else saved
    pairs = enumerate(zip(case["lines"], encodings, strict=True))
    return b"".join(f"{line}\r\n".encode(of if at == 0 else of.removesuffix("-sig")) for at, (line, of) in pairs)


def test_the_desk_says_of_every_case_what_the_office_says(tmp_path: Path) -> None:
    given = list(cases())
    asked = [
        {
            "data": data,
            "isWorkbook": reading.is_workbook,
            "items": list(reading.items),
            "form": reading.form,
            "rows": reading.rows,
            "purposes": [],
            "maxRows": 1000,
            "maxBytes": 1 << 30,
            "today": f"{received:%Y%m%d}",
        }
        for _, data, reading, received in given
    ]
    said, found = checked(tmp_path, asked)
    assert set(said["items_read"]) == {item for item, rule in RULES.items() if rule.claimed is not None}
    assert len(found) == len(given)
    assert sum(seen["rows"] for seen in found) > 400
    differ = {}
    for (name, data, reading, received), seen in zip(given, found, strict=True):
        expected = said_by_office(data, reading, received)
        if {key: seen[key] for key in ("findings", "refusal")} != {
            key: expected[key] for key in ("findings", "refusal")
        }:
            differ[name] = (expected, seen)
    assert not differ, f"{len(differ)}: {dict(list(differ.items())[:5])}"


def test_every_other_file_is_run_here() -> None:
    given = {each.name: each for each in read_specifications()}
    assert set(OF_ANOTHER_FORM) <= set(given)
    assert all("claim" in case for name in set(given) - {*OF_ANOTHER_FORM, "data"} for case in given[name].cases)
