"""Makes ``vectors/``: request sets with what the office says of them, for whoever writes a partner's software.

    python -m tests.vectors.generate        writes vectors/v1/*.jsonl anew, byte for byte the same

Rules
- One JSON line each, language-neutral; ``vectors/README.md`` says what a line holds. Nobody in them exists.
- What is expected comes from the specification's cases (``tests/spec/``) and from what was planted in the published
  province (``exchange/demo/province/claims.py``), never from the software that is tested with them.
- The version of the vectors is that of the request format; within a version lines are only added.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from exchange.base.files import make_folder, write_atomically
from exchange.base.paths import ROOT
from exchange.cli.outcome import out
from exchange.demo.province.claims import make_claims
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.province.published import ASKED, PEOPLE, SEED, first_result
from tests.spec.test_data import CASES as DATA_CASES
from tests.spec.test_data import GIVEN, file_of
from tests.spec.test_requests import CASES, REQUESTS, manifest_of
from tests.vectors.saved import ITEMS, saved

FOLDER: Final = ROOT / "vectors" / "v1"
ANSWERS_EACH: Final = 40
"""Lines about the province for each of its files of claims."""

Line = Mapping[str, Any]


def requests() -> Iterator[Line]:
    """Manifests, trusted or refused; each sound but for what its case is about."""
    sound = REQUESTS.settings
    for name, case in CASES:
        received: datetime = case.received or sound["received"]
        yield {
            "id": name,
            "about": {"zh": case.zh, "en": case.en},
            "agreement": _plain(sound["agreement"] | case.agreement),
            "received": received.isoformat(),
            "file": f"{sound['request']['batch']}.request.json",
            "signed": case.signed,
            "certificate": _plain(REQUESTS.settings["certificate"]),
            "manifest": manifest_of(case),
            "expect": _outcome(case.refusal, column=case.column),
        }


def files() -> Iterator[Line]:
    """Data files that cannot be read as a whole; the bytes in base64."""
    for number, case in enumerate(DATA_CASES, 1):
        if case.refusal is None or case.cells:  # a workbook's bytes hold the time at which it was saved
            continue
        rows = len(case.lines) - 1 if case.rows is None else case.rows
        yield {
            "id": f"data-{number}",
            "about": {"zh": case.zh, "en": case.en},
            "items": GIVEN.settings["items"],
            "rows": rows,
            "form": "csv",
            "data": base64.b64encode(file_of(case)).decode(),
            "expect": _outcome(case.refusal, column=case.column, row=case.row),
        }


def saved_files() -> Iterator[Line]:
    """Lists as spreadsheets save them, taken or refused; the bytes in base64."""
    for number, file in enumerate(saved(), 1):
        findings = [{"row": row, "column": column, "code": code} for row, column, code in file.findings]
        yield {
            "id": f"saved-{number}",
            "about": {"zh": file.zh, "en": file.en},
            "items": ITEMS,
            "rows": file.rows,
            "form": file.form,
            "data": base64.b64encode(file.content).decode(),
            "expect": {"outcome": "refused"} | dict(file.refusal)
            if file.refusal
            else {"outcome": "accepted", "findings": findings},
        }


def answers() -> Iterator[Line]:
    """Single rows about people of the published province, with the answers of the first result."""
    chunks = list(make_people(SEED, PEOPLE))
    people = pl.concat(chunks)
    records = pl.concat([make_offences(SEED, number, chunk) for number, chunk in enumerate(chunks)])
    for place, asked in enumerate(ASKED):
        offenders = on_record(records, asked.basis) if asked.basis else people["id_number"].clear()
        claims = make_claims(people, offenders, asked.items, ANSWERS_EACH, SEED + 100 + place)
        expected_rows = first_result(claims.expected).iter_rows(named=True)
        pairs = zip(claims.rows.iter_rows(named=True), expected_rows, strict=True)
        for number, (row, expected) in enumerate(pairs, 1):
            del expected["row_ref"]
            line = {"id": f"{asked.name}-{number}", "items": asked.items, "row": row, "expect": expected}
            yield line | ({"legal_basis": asked.basis} if asked.basis else {})


def made() -> dict[str, bytes]:
    """File → content."""
    kinds = {"requests": requests, "files": files, "saved": saved_files, "answers": answers}
    return {f"{name}.jsonl": b"".join(map(_written, lines())) for name, lines in kinds.items()}


def _outcome(refusal: str | None, **place: object) -> Line:
    if refusal is None:
        return {"outcome": "accepted"}
    return {"outcome": "refused", "code": refusal} | {name: value for name, value in place.items() if value is not None}


def _written(line: Line) -> bytes:
    return (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _plain(value: Any) -> Any:
    """As JSON holds it: days as text."""
    return json.loads(json.dumps(value, default=lambda day: day.isoformat(), ensure_ascii=False))


def write(folder: Path = FOLDER) -> None:
    """Writes what is not as it should be, and says which."""
    for name, content in made().items():
        path = make_folder(folder) / name
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)
            out.print(f"wrote {path}", markup=False)


if __name__ == "__main__":
    write()
