"""Charges as sources write them, and the categories they are placed in."""

from __future__ import annotations

import pytest

from exchange.base.charges import categories, charge, charges, recognise


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
