"""Charges as sources write them, and the categories they are placed in."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest

from exchange.base.charges import categories, charge, charges, recognise
from exchange.base.paths import SCHEMAS


@pytest.mark.parametrize(
    ("written", "names", "unknown"),
    [
        ("盗窃罪", ["盗窃罪"], False),
        ("盗窃", ["盗窃罪"], False),
        (" 盗 窃 罪 ", ["盗窃罪"], False),
        ("盗窃案", ["盗窃罪"], False),
        ("盗窃罪（未遂）", ["盗窃罪"], False),
        ("贩卖毒品罪", ["走私、贩卖、运输、制造毒品罪"], False),
        ("贩卖,运输毒品罪", ["走私、贩卖、运输、制造毒品罪"], False),
        ("走私、贩卖、运输、制造毒品罪", ["走私、贩卖、运输、制造毒品罪"], False),
        ("运输、贩卖毒品罪", ["走私、贩卖、运输、制造毒品罪"], True),  # half of it is no name of the table
        ("强制猥亵妇女罪", ["强制猥亵、侮辱罪"], False),
        ("强制猥亵、侮辱妇女罪", ["强制猥亵、侮辱罪"], False),
        ("拐卖人口罪", ["拐卖妇女、儿童罪"], False),
        ("偷越国(边)境罪", ["偷越国（边）境罪"], False),
        ("盗窃罪；诈骗罪", ["盗窃罪", "诈骗罪"], False),
        ("盗窃、诈骗罪", ["盗窃罪", "诈骗罪"], False),
        ("盗窃罪；盗窃罪", ["盗窃罪"], False),
        ("盗窃罪；流氓罪", ["盗窃罪"], True),
        ("流氓罪", [], True),
        ("040105", ["强奸罪"], False),
        ("０４０１０５", ["强奸罪"], False),
        ("999999", [], True),
        ("；", [], True),
        ("罪", [], True),
        ("", [], True),
    ],
)
def test_what_is_written(written: str, names: list[str], unknown: bool) -> None:
    recognised = recognise(written)
    assert (sorted(each.name for each in recognised.charges), recognised.unknown) == (sorted(names), unknown)


@pytest.mark.parametrize(
    ("name", "category", "intent"),
    [
        ("强奸罪", "sexual_assault", "intentional"),
        ("交通肇事罪", "public_safety", "negligent"),
        ("玩忽职守罪", "duty_negligence", "negligent"),
        ("食品监管渎职罪", "duty_negligence", None),
        ("吸毒", "drug_use", None),
        ("赌博", "gambling", "intentional"),  # as a violation, too; the record's kind says which
    ],
)
def test_categories_and_intent(name: str, category: str, intent: str | None) -> None:
    assert (charge(name).category, charge(name).intent) == (category, intent)


def test_every_charge_has_a_category_and_every_category_a_charge() -> None:
    assert {each.category for each in charges().values()} == set(categories())
    assert all(each.zh and each.en for each in categories().values())
    assert "" not in charges()


CHAPTERS: Final = {
    "state": range(102, 114), "safety": range(114, 140), "economy": range(140, 232), "person": range(232, 263),
    "property": range(263, 277), "order": range(277, 368), "defence": range(368, 382), "bribery": range(382, 397),
    "dereliction": range(397, 420), "military": range(420, 452),
}  # fmt: skip
"""The chapters of the Special Part of the Criminal Law, by their articles."""

PLACED: Final[dict[str, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    "sexual_assault": (("person",), (301, 360)),
    "indecency": (("person",), ()),
    "abuse": (("person",), ()),
    "trafficking": (("person",), ()),
    "violence": (("person",), (121, 122, 123, 127, 263, 277, 292)),
    "violence_possible": (("safety", "person", "order"), (104, 202, 226, 368)),
    "drug_crime": (("order",), ()),
    "gambling": (("order",), ()),
    "prostitution_trade": (("order",), ()),
    "obscenity": (("order",), ()),
    "money_laundering": (("economy",), ()),
    "organised_crime": (("order",), ()),
    "property": (("property",), (302,)),
    "duty_negligence": (("dereliction",), (167, 168, 229, 335, 432)),
    "duty": (("bribery", "dereliction"), (163, 164, 168, 254)),
    "public_safety": (("safety",), (291,)),
    "injury_by_negligence": (("person",), ()),
    "personal_rights": (("person",), ()),
    "economic_order": (("economy",), ()),
    "public_order": (("order",), ()),
    "state_and_military": (("state", "defence", "military"), ()),
}
"""Category → chapters whose crimes it may hold, and single articles of other chapters."""


def test_a_crime_is_in_a_category_of_its_chapter() -> None:
    table = tomllib.loads((SCHEMAS / "offence_categories.toml").read_text(encoding="utf-8"))["category"]
    crimes = [
        (entry["code"], written)
        for entry in table
        for written in (*entry.get("crimes", ()), *entry.get("negligent", ()), *entry.get("either", ()))
    ]
    assert {category for category, _ in crimes} == set(PLACED)
    articles = {category: set(single) for category, (_, single) in PLACED.items()}
    for category, (chapters, _) in PLACED.items():
        articles[category].update(*(CHAPTERS[chapter] for chapter in chapters))
    assert [written for category, written in crimes if _article(written) not in articles[category]] == []


def _article(written: str) -> int:
    """The number behind the name; 0, which no chapter holds, where there is none."""
    found = re.search(r" ([0-9]+)", written)
    return int(found[1]) if found else 0
