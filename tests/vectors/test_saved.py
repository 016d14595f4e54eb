"""The published lists as spreadsheets save them: this office and the partners' desk say of each what its line says."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

from exchange.steps.request import Reading
from tests.desk.node import checked
from tests.desk.office import said_by_office
from tests.vectors import generate

TODAY = date(2026, 11, 27)
LINES = [json.loads(line) for line in (generate.FOLDER / "saved.jsonl").read_text("utf-8").splitlines()]


def expected() -> dict[str, Any]:
    return {line["id"]: line["expect"] for line in LINES}


def told(said: dict[str, Any]) -> dict[str, Any]:
    """What was said, in a vector's words."""
    if (refusal := said["refusal"]) is None:
        return {"outcome": "accepted", "findings": said["findings"]}
    return {"outcome": "refused"} | {name: value for name, value in refusal.items() if value is not None}


def test_this_office_says_what_the_vectors_say() -> None:
    found = {}
    for line in LINES:
        reading = Reading(line["items"], None, line["form"] == "xlsx", rows=line["rows"])
        found[line["id"]] = told(said_by_office(base64.b64decode(line["data"]), reading, TODAY))
    assert found == expected()


def test_the_desk_says_what_the_vectors_say(tmp_path: Path) -> None:
    """Another program in another language, by the same lines."""
    limits = {"purposes": [], "maxRows": 1000, "maxBytes": 1_000_000, "today": f"{TODAY:%Y%m%d}"}
    cases = [
        {
            "data": base64.b64decode(line["data"]),
            "isWorkbook": line["form"] == "xlsx",
            "items": line["items"],
            "rows": line["rows"],
            **limits,
        }
        for line in LINES
    ]
    _, said = checked(tmp_path, cases)
    assert {line["id"]: told(each) for line, each in zip(LINES, said, strict=True)} == expected()
