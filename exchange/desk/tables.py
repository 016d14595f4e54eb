"""What the desk reads and says by: the office's own tables, words and patterns, as JSON.

Rule: the page's program holds no table of a rule. What stands here is taken from ``schemas/`` and from the modules that
read them, so that a change there is a change of every desk that is made afterwards.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from exchange.base.paths import EXPECTATIONS, SCHEMAS
from exchange.base.tables import (
    ANSWERS,
    ITEMS,
    NOTES,
    NOTICES,
    OBJECTION_COLUMNS,
    REFUSALS,
    REQUIRED_COLUMNS,
    RESULT_COLUMNS,
    RequestColumn,
)
from exchange.desk.patterns import PATTERNS
from exchange.matching import dates, divisions, id_numbers, names, relations
from exchange.matching.codes import SEX, ethnicity_words
from exchange.steps.request import FEWEST_ROWS_JUDGED
from exchange.validate import familiar
from exchange.wire import gb18030


def desk_tables() -> dict[str, Any]:
    """Everything that ``desk/src/core`` asks for by name."""
    return {
        "patterns": dict(PATTERNS),
        "letters": _letters(),
        "moved": dict(gb18030._moved()),
        "familiar_letters": "".join(sorted(familiar.familiar_letters())),
        "words": {
            "sex": sorted(SEX),
            "ethnicity": sorted(ethnicity_words()),
            "relation": sorted(relations.relation_words()),
            "division": sorted(divisions.division_words()),
        },
        "division_codes": sorted(divisions.members()),
        "centenarians": list(id_numbers.CENTENARIAN_SEQUENCES),
        "earliest_birth": f"{id_numbers.EARLIEST_BIRTH:%Y%m%d}",
        "longest_name": names.MAX_NAME_LETTERS,
        "date_serials": list(dates._SERIALS),
        "date_serial_zero": dates._SERIAL_ZERO,
        "fewest_rows_judged": FEWEST_ROWS_JUDGED,
        "lost_digits": id_numbers.LOST_DIGITS,
        "max_unreadable_share": _greatest_unreadable_share(),
        "conformance": _conformance(),
        **_contract(),
    }


def _letters() -> dict[str, str]:
    """Letter → what stands for it in a name (``names.standard_name``)."""
    return {**gb18030.private_use(), **names._radicals(), **names._APOSTROPHES, names._ACCENT_LIKE_DOT: names.DOT}


def _contract() -> dict[str, Any]:
    """Columns, items and sentences, in the order of their tables."""
    return {
        "required": _columns(REQUIRED_COLUMNS),
        "objection": _columns(OBJECTION_COLUMNS),
        "result": _columns(RESULT_COLUMNS),
        "items": [
            {
                "code": item.code,
                "zh": item.zh,
                "claim": _columns(item.claims),
                "forms": {form: _columns(columns) for form, columns in item.forms.items()} or None,
            }
            for item in ITEMS.values()
        ],
        "answers": {code: asdict(answer) for code, answer in ANSWERS.items()},
        "notes": {code: asdict(note) for code, note in NOTES.items()},
        "refusals": {code: asdict(refusal) for code, refusal in REFUSALS.items()},
        **_sentences("advice", "after", "file"),
        "notices": {code: asdict(notice) for code, notice in NOTICES.items()},
    }


def _sentences(*kinds: str) -> dict[str, dict[str, dict[str, str]]]:
    """The desk's own tables: code → what to do."""
    content = tomllib.loads((SCHEMAS / "desk.toml").read_text(encoding="utf-8"))
    return {kind: {entry["code"]: entry for entry in content[kind]} for kind in kinds}


def _conformance() -> list[dict[str, str]]:
    """What is to be shown before the agreement is live."""
    content = tomllib.loads((SCHEMAS / "conformance.toml").read_text(encoding="utf-8"))
    return [{language: entry[language] for language in ("zh", "en")} for entry in content["requirement"]]


def _columns(columns: Iterable[RequestColumn]) -> list[dict[str, Any]]:
    return [{"column": column.code, "zh": list(column.zh), "optional": column.optional} for column in columns]


def _greatest_unreadable_share() -> float:
    """As the gate of requests says."""
    suite = json.loads((EXPECTATIONS / "request.json").read_text(encoding="utf-8"))
    bounds = {
        expectation["kwargs"].get("column"): expectation["kwargs"].get("max_value")
        for expectation in suite["expectations"]
    }
    return float(bounds["unreadable_share"])
