"""The pages and JSON Schemas of settings and agreements: each field described, the schema as the code."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from exchange.agreements.agreement import Agreement
from exchange.base.paths import SCHEMAS
from exchange.demo.agreement import PartnerProfile, agreement_toml
from exchange.demo.world import PARTNERS, World
from exchange.docs.fields import agreements_page, settings_page
from exchange.settings import Settings

SETTINGS = """
office = "某局"
home = "home"
agreements = "agreements"
exports = "exports"
data_security = "p-1"
[keys]
signing_key = "a"
signing_certificate = "b"
decryption_key = "c"
decryption_certificate = "d"
sftp_key = "e"
[register]
url = "postgresql://"
"""


def fits_schema(name: str, content: dict[str, Any]) -> bool:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    plain = json.loads(json.dumps(content, default=str))  # a TOML day as JSON writes it
    return jsonschema.Draft202012Validator(schema).is_valid(plain)


def fits_code(model: type[BaseModel], content: dict[str, Any]) -> bool:
    try:
        model.model_validate(content)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("profile", PARTNERS, ids=lambda profile: profile.id)
def test_the_schema_takes_the_agreements_of_the_demo(profile: PartnerProfile, tmp_path: Path) -> None:
    server = World(tmp_path).sftp(profile.id)
    content = tomllib.loads(agreement_toml(profile, server, date(2026, 11, 27)))
    assert fits_schema("agreement", content)
    assert fits_code(Agreement, content)


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ("", True),
        ("[policy]\nlarge_rows = 5", True),
        ("[policy]\nlarge_rows = 0", False),
        ("[policy]\nlarge_row = 5", False),
        ("[retention]\nrecords_days = 1095", False),
        ('[[people]]\nid = "p-1"\nzh = "王某"\nroles = ["leader"]', True),
        ('[[people]]\nid = "p-1"\nzh = "王某"\nroles = ["chief"]', False),
        ('[[people]]\nid = "p-1"\nzh = "王某"\nroles = []', False),
        ('[[people]]\nid = "p 1"\nzh = "王某"\nroles = ["leader"]', False),
    ],
)
def test_the_schema_of_settings_says_what_the_code_says(more: str, *, fits: bool) -> None:
    content = tomllib.loads(SETTINGS + more)
    assert fits_schema("settings", content) is fits
    assert fits_code(Settings, content) is fits


def test_every_field_of_every_table_stands_in_its_page() -> None:
    for page, model in ((settings_page(Settings), Settings), (agreements_page(Agreement), Agreement)):
        schema = model.model_json_schema()
        tables = [schema, *(each for each in schema["$defs"].values() if "properties" in each)]
        assert len(tables) > 5
        assert [name for each in tables for name in each["properties"] if f"| `{name}` |" not in page] == []
        assert page.count("\n## ") == len(tables) - 1


@pytest.mark.parametrize("said", ["", "English alone.", "只有中文。"])
def test_a_field_that_is_not_described_in_both_languages_is_found(said: str) -> None:
    class Undescribed(BaseModel):
        model_config = ConfigDict(json_schema_extra={"properties": {"sets": {"type": "integer", "description": said}}})

    with pytest.raises(ValueError, match="sets: a field needs a description"):
        settings_page(Undescribed)
