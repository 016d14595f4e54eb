"""The tables and JSON Schemas that partners read are those that the code uses."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from exchange.base.paths import SCHEMAS
from exchange.base.tables import ANSWERS, ELSEWHERE, ITEMS, NOTICES, REFUSALS
from exchange.cli.schemas import generated
from exchange.matching.items import RULES

REQUEST = {
    "format": "exchange-request/1", "partner": "court-changchun", "batch": "court-changchun.1", "cycle": "ad_hoc",
    "period": "2026-11-23", "purpose": "case_handling", "legal_basis": "某法第一条", "handler": "某",
    "items": ["name"], "rows": 1, "data": {"name": "court-changchun.1.csv", "size": 1, "sha256": "0" * 64},
}  # fmt: skip


def test_generated_files_are_up_to_date() -> None:
    assert [path.name for path, content in generated() if path.read_text(encoding="utf-8") != content] == []


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"letter": "介字1号"}, True),
        ({"rows": -1}, False),
        ({"batch": "no dot"}, False),
        ({"surprise": 1}, False),
        ({"items": []}, False),
        ({"handler": "a\u0000"}, False),
    ],
)
def test_the_request_schema_says_what_the_code_says(change: dict[str, object], fits: bool) -> None:
    from exchange.base.errors import Refused
    from exchange.wire.manifest import RequestManifest, parse

    schema = json.loads((SCHEMAS / "request.schema.json").read_text(encoding="utf-8"))
    record = REQUEST | change
    assert jsonschema.Draft202012Validator(schema).is_valid(record) == fits
    try:
        parse(RequestManifest, json.dumps(record).encode())
    except Refused:
        assert not fits
    else:
        assert fits


def test_every_item_is_answered_by_something() -> None:
    assert set(ITEMS) == {*RULES, "id_number", "name", "unregistered"}


def test_every_sentence_is_there_in_both_languages() -> None:
    for table in (ANSWERS, REFUSALS, NOTICES):
        assert all(each.zh and each.en for each in table.values())


def test_every_refusal_and_notice_asks_for_something() -> None:
    """What is wrong does not help a clerk without what to do about it."""
    assert [each.code for table in (REFUSALS, NOTICES) for each in table.values() if "请" not in each.zh] == []


@pytest.fixture(scope="module")
def source() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (SCHEMAS.parent / "exchange").rglob("*.py"))


def test_every_answer_and_notice_is_one_that_the_code_gives(source: str) -> None:
    """A partner's software is written for those of the table."""
    never = [code for table in (ANSWERS, NOTICES) for code in table if f'"{code}"' not in source]
    assert never == [], "in a table of schemas/, and nowhere in exchange/"


def test_every_refusal_that_the_code_raises_has_its_sentence(source: str) -> None:
    raised = set(re.findall(r'Refused\("(\w+)"', source))
    assert len(raised) > 20
    raised |= {each.refusal for each in ELSEWHERE.values()}
    assert not raised - set(REFUSALS), "raised, and without a sentence in schemas/refusals.toml"
    assert not set(REFUSALS) - raised, "in schemas/refusals.toml, and never raised"
