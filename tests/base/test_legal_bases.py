"""The catalogue of legal bases: what it may name, and that it holds what the law says."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from exchange.base import legal_bases as legal_bases_
from exchange.base.errors import Halt
from exchange.base.legal_bases import bases_for, legal_bases, partner_kinds

SOUND = {
    "code": "some_law_1", "law": "某法", "article": "第一条", "version": date(2020, 1, 1),
    "in_force_from": date(2020, 6, 1), "in_force_until": date(2026, 5, 31),
    "read": "text", "who": ("school",), "national_provision": True,
    "asked_each_year": False, "zh": "某", "en": "some", "counts": ({"kinds": ("judgment",)},),
}  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        ({"kinds": ("judgement",)}, "kinds: judgement"),
        ({"kinds": ("pending",)}, "kinds: pending"),  # no record, whatever a law says
        ({"kinds": ()}, "kinds: none"),
        ({"kinds": ("judgment",), "categories": ("theft",)}, "categories: theft"),
        ({"kinds": ("judgment",), "charges": ("奸淫幼女罪",)}, "奸淫幼女罪 is 强奸罪 today"),
        ({"kinds": ("judgment",), "sentence": "long"}, "sentence: long"),
        ({"kinds": ("judgment",), "years": 0}, "years"),
        ({"kinds": ("judgment",), "years_perhaps": -1}, "years_perhaps"),
        ({"kinds": ("judgment",), "at_least": 0}, "at_least"),
        ({"kinds": ("judgment",), "paragraph": "第1款"}, "paragraph: 第1款"),
        ({"categories": ("drugs",)}, "kinds"),
        ({"kinds": ("judgment",), "colour": "red"}, "colour"),
    ],
)
def test_a_clause_names_what_stands_in_the_tables(clause: dict[str, object], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        legal_bases_.clause(clause)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"code": "Some Law"}, "code"),
        ({"read": "heard"}, "read: heard"),
        ({"who": ()}, "who: none"),
        ({"counts": ()}, "counts: none"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_basis_has_the_fields_of_the_table(changed: dict[str, object], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        legal_bases_.basis(SOUND | changed)


@pytest.mark.parametrize(("key", "line"), [("basis", 'who = ["court"]'), ("partner_kind", 'colour = "red"')])
def test_a_table_that_does_not_fit_is_named_with_its_entry(
    key: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "legal_bases.toml").write_text(f"[[{key}]]\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(legal_bases_, "SCHEMAS", tmp_path)
    monkeypatch.setattr(legal_bases_, "_content", legal_bases_._content.__wrapped__)
    read = {"basis": legal_bases, "partner_kind": partner_kinds}[key].__wrapped__
    with pytest.raises(Halt, match=rf"\[\[{key}\]\] number 1"):
        read()


def test_every_value_of_the_table_is_of_its_fields_kind() -> None:
    """The software's own table is checked for kinds here and not at each start."""
    entries: list[Any] = [*legal_bases().values(), *partner_kinds().values()]
    for kind in entries:
        assert TypeAdapter(type(kind)).validate_python(dataclasses.asdict(kind)) == kind


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2020, 5, 31), False),
        (date(2020, 6, 1), True),
        (date(2026, 5, 31), True),
        (date(2026, 6, 1), False),
    ],
)
def test_in_force_from_the_first_day_to_the_last(day: date, holds: bool) -> None:
    assert legal_bases_.basis(SOUND).in_force(day) == holds


def test_dates_and_provisions_that_the_law_gives() -> None:
    bases = legal_bases()
    assert bases["preschool_44"].in_force_from == date(2025, 6, 1)
    assert bases["case_handling_136"].in_force_from == date(2026, 1, 1)
    assert [code for code, basis in bases.items() if basis.asked_each_year] == ["minors_protection_62"]
    not_national = [code for code, basis in bases.items() if not basis.national_provision]
    assert not_national == ["school_staff_2020_14", "record_certificates_4"]
    assert {code for code, basis in bases.items() if basis.read == "secondary"} == {*not_national, "case_handling_136"}


def test_who_may_rest_on_what() -> None:
    assert [basis.code for basis in bases_for("kindergarten")] == [
        "minors_protection_62", "school_staff_2020_14", "preschool_44",
    ]  # fmt: skip
    assert bases_for("bank") == ()
    assert [basis.code for basis in bases_for("school")] == ["minors_protection_62", "school_staff_2020_14"]
    assert [basis.code for basis in bases_for("traffic_police")] == ["school_bus_23"]
    assert [basis.code for basis in bases_for("investigation")] == ["case_handling_286", "case_handling_136"]
    assert [basis.code for basis in bases_for("supervisory_commission")] == ["case_handling_136"]
    assert {kind for basis in legal_bases().values() for kind in basis.who} <= set(partner_kinds())


def test_a_request_can_cite_each() -> None:
    """The manifest's field holds two hundred characters."""
    assert len({basis.name for basis in legal_bases().values()}) == len(legal_bases())
    assert max(len(basis.name) for basis in legal_bases().values()) < 100
