"""What an offence source's snapshot keeps: effective judgments, penalties, drug records, what an officer must read."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from exchange.base.paths import EXPECTATIONS
from exchange.base.tables import export_columns
from exchange.snapshots.offences import build_tables
from exchange.validate.gate import failures

AS_OF = date(2026, 11, 23)
SOUND = {
    "id_number": "11010519491231002X", "name": "某", "kind": "judgment", "offence_date": "2019-01-01",
    "decided_on": "2020-01-01", "effective_on": "2020-02-01", "sentence_months": "6",
    "charge": "盗窃罪", "political_rights": "no",
}  # fmt: skip


def built(*changes: dict[str, str | None]) -> tuple[pl.DataFrame, dict[str, float]]:
    schema = dict.fromkeys(export_columns("offences"), pl.String)
    tables, counts = build_tables(pl.LazyFrame([SOUND | change for change in changes], schema=schema), AS_OF)
    records = pl.from_arrow(tables["records"])
    assert isinstance(records, pl.DataFrame)
    return records, counts


@pytest.mark.parametrize(
    ("change", "kept_as"),
    [
        ({}, "judgment"),
        ({"effective_on": "2026-11-23"}, "judgment"),  # effective on the snapshot's day
        ({"effective_on": "2026-11-24"}, None),  # not yet
        ({"effective_on": ""}, None),  # an appeal is open
        ({"effective_on": None}, None),
        ({"effective_on": "二〇二〇年"}, "unclear"),
        ({"effective_on": "2020-02-30"}, "unclear"),
        ({"sentence_months": ""}, "judgment"),  # a fine, probation, exemption from punishment
        ({"sentence_months": "十年"}, "judgment"),
        ({"offence_date": ""}, "judgment"),
        ({"kind": "administrative_penalty", "effective_on": ""}, "administrative_penalty"),
        ({"kind": "drug", "effective_on": ""}, "drug"),
        ({"kind": "drug", "effective_on": "不详"}, "drug"),  # only a judgment has an effective day
        ({"kind": "pending", "effective_on": ""}, None),
        ({"kind": "pending"}, None),
        ({"kind": "non_prosecution"}, None),
        ({"kind": "acquittal"}, None),
        ({"kind": ""}, "unclear"),
        ({"kind": None}, "unclear"),
        ({"kind": "劳动教养"}, "unclear"),
        ({"kind": "劳动教养", "effective_on": ""}, "unclear"),
        ({"kind": " judgment "}, "judgment"),
        ({"kind": "Judgment"}, "judgment"),
        ({"kind": "ｄｒｕｇ"}, "drug"),
        ({"sealed": "是"}, None),
        ({"sealed": "部分"}, "judgment"),
        ({"id_number": "110105194912310021"}, None),  # whose it is cannot be read; counted for the gate
    ],
)
def test_what_is_kept(change: dict[str, str | None], kept_as: str | None) -> None:
    records, _ = built(change)
    assert records["kind"].to_list() == ([] if kept_as is None else [kept_as])


def test_an_officer_reads_what_the_source_has_written() -> None:
    several: dict[str, str | None] = {"kind": "收容审查", "effective_on": "不详", "sealed": "?"}
    records, _ = built({"kind": "劳动教养", "effective_on": ""}, {"effective_on": "不详"}, {}, several)
    assert records.sort("as_written")["as_written"].to_list() == [
        None, "生效日期 不详", "记录种类 劳动教养", "记录种类 收容审查；生效日期 不详；封存标记 ?",
    ]  # fmt: skip
    assert set(records["name"]) == {"某"}


@pytest.mark.parametrize(
    ("change", "bad", "counted"),
    [
        ({"kind": "劳动教养"}, 60, None),
        ({"kind": "劳动教养"}, 61, "unclear_share"),
        ({"effective_on": "?"}, 61, "unclear_share"),
        ({"offence_date": "?"}, 11, None),
        ({"offence_date": "?"}, 12, "bad_date_share"),
        ({"offence_date": "2020-01-01"}, 12, None),  # on the day of the decision
        ({"offence_date": "2020-01-02"}, 12, "bad_date_share"),  # after the decision
        ({"offence_date": "1949-12-30"}, 12, "bad_date_share"),  # before the birth
        ({"decided_on": "?"}, 12, "bad_date_share"),
        ({"decided_on": "2026-11-24"}, 12, "bad_date_share"),  # after the snapshot's day
        ({"sealed": "?"}, 12, "bad_mark_share"),
        ({"sentence_months": "?"}, 11, None),
        ({"sentence_months": "?"}, 12, "bad_sentence_share"),
        ({"charge": ""}, 60, None),
        ({"charge": "流氓罪"}, 60, None),
        ({"charge": "流氓罪"}, 61, "unclear_charge_share"),
        ({"charge": "流氓罪", "kind": "drug"}, 61, None),  # the kind says it
        ({"id_number": "?"}, 11, None),
        ({"id_number": "?"}, 12, "bad_number_share"),
    ],
)
def test_how_many_that_cannot_be_read_are_too_many(
    change: dict[str, str | None], bad: int, counted: str | None
) -> None:
    _, counts = built(*[{}] * (1000 - bad), *[change] * bad)
    found = failures("offences", counts | {"change_share": 0})
    assert [failure.split()[0] for failure in found] == ([] if counted is None else [counted])


def test_the_counts_are_those_that_the_gate_judges_and_of_nothing_sealed() -> None:
    _, counts = built({}, {"kind": "?"}, {"id_number": "?"}, {"sealed": "是"})
    judged = json.loads((EXPECTATIONS / "offences.json").read_text(encoding="utf-8"))["expectations"]
    shares = {each["kwargs"]["column"] for each in judged} - {"change_share"}  # of two builds
    assert counts.keys() == shares | {"rows", "unclear_charges"}
    assert counts["rows"] == 3


def test_charges_that_cannot_be_placed_are_counted() -> None:
    records, counts = built({}, {"charge": "流氓罪"}, {"charge": ""}, {"kind": "pending", "charge": ""})
    assert counts["unclear_charges"] == 2, "what somebody may be told of"
    assert sorted(records["charge"]) == ["", "流氓罪", "盗窃罪"]


@pytest.mark.parametrize(
    ("written", "rights", "intent"),
    [
        (("yes", "intentional"), "yes", "intentional"),
        (("是", "故意"), "yes", "intentional"),
        ((" NO ", "过失"), "no", "negligent"),
        (("", ""), None, None),
        (("?", "?"), None, None),
    ],
)
def test_political_rights_and_intent(written: tuple[str, str], rights: str | None, intent: str | None) -> None:
    records, _ = built({"political_rights": written[0], "intent": written[1]})
    assert records.select("political_rights", "intent").row(0) == (rights, intent)
    assert (records["as_written"].to_list() != [None]) == (written == ("?", "?"))


def test_a_few_do_not_hold_up_a_small_source() -> None:
    _, counts = built({"kind": "?"}, {"offence_date": ""}, {"id_number": ""}, {"sentence_months": "?"})
    assert failures("offences", counts | {"change_share": 0}) == []
