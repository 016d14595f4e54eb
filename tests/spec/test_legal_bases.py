"""The tables of ``legal_bases.toml`` through the function that decides what counts: for each basis every category and
kind, and the boundaries of sentence, span and number.

The records go through a snapshot's build, so that they are read as the sources write them.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, Final, Literal

import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict, Field

from exchange.base.charges import categories
from exchange.base.legal_bases import NEVER, Clause, legal_bases
from exchange.base.tables import OFFENCE_KINDS
from exchange.docs.specifications import FOLDER
from exchange.matching.what_counts import COLUMNS, grounds, what_counts

Verdict = Literal["counts", "unclear", "not"]
KINDS: Final = [kind for kind in OFFENCE_KINDS if kind not in NEVER]
TRIED: Final = ("administrative_detention", "administrative_penalty", "labour_reeducation")
WRITTEN: Final = ("offence_date", "decided_on", "effective_on")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(Strict):
    category: str
    crime: str | None = None
    violation: str | None = None

    def charge(self, kind: str) -> str | None:
        """None where there is no such record: no crime of drug use."""
        if kind in ("judgment", "relative_non_prosecution"):
            return self.crime
        return self.violation if kind in TRIED else ""


class Grid(Strict):
    basis: str
    kinds: tuple[str, ...]
    categories: tuple[str, ...]
    excepted: tuple[str, ...] = Field((), alias="except")
    comes_out: Verdict


class Case(Strict):
    bases: tuple[str, ...]
    records: tuple[dict[str, str], ...]
    comes_out: tuple[Verdict, ...]
    zh: str
    en: str


class File(Strict):
    zh: str
    en: str
    source: str
    received: date
    rule: tuple[dict[str, str], ...]
    example: tuple[Example, ...]
    grid: tuple[Grid, ...]
    case: tuple[Case, ...]


@cache
def file() -> File:
    return File.model_validate(tomllib.loads((FOLDER / "legal_bases.toml").read_text(encoding="utf-8")))


def read(records: list[dict[str, str]]) -> pl.DataFrame:
    """The records as a snapshot has them, all of one person."""
    texts = pl.DataFrame([dict.fromkeys(COLUMNS, "") | record for record in records], infer_schema_length=None)
    months = pl.col("sentence_months").cast(pl.Int32, strict=False)
    return texts.with_columns(
        pl.lit(1).alias("person"),
        pl.lit("police_platform").alias("source"),
        pl.when(pl.col("kind").is_in(KINDS)).then("kind").otherwise(pl.lit("unclear")).alias("kind"),
        months.alias("sentence_months"),
        (months.is_null() & (pl.col("sentence_months") != "")).alias("sentence_unread"),
        *[pl.col(name).str.to_date(strict=False) for name in WRITTEN],
        *[pl.col(name).replace("", None) for name in ("intent", "political_rights")],
    )


def verdicts(records: list[dict[str, str]], *bases: str) -> list[str]:
    found = what_counts(read(records), [legal_bases()[code] for code in bases], file().received)
    return found.fill_null("not").to_list()


@pytest.mark.parametrize("basis", list(legal_bases()))
def test_category_by_kind(basis: str) -> None:
    examples: tuple[Example, ...] = file().example
    expected: dict[tuple[str, str], str] = {}
    for grid in (each for each in file().grid if each.basis == basis):
        named = [each.category for each in examples] if grid.categories == ("all",) else grid.categories
        for category in set(named) - set(grid.excepted):
            expected |= {(category, kind): grid.comes_out for kind in grid.kinds}
    sound = {
        "sentence_months": "12", "political_rights": "no", "offence_date": "2024-11-01", "decided_on": "2025-10-01",
        "effective_on": "2025-11-01",
    }  # fmt: skip
    assert expected, "a basis without a table"
    cells = [(example, kind) for example in examples for kind in KINDS if example.charge(kind) is not None]
    records = read([sound | {"kind": kind, "charge": example.charge(kind) or ""} for example, kind in cells])
    of_several_people = records.with_columns(person=pl.int_range(pl.len()))
    found = what_counts(of_several_people, [legal_bases()[basis]], file().received).fill_null("not")
    for (example, kind), verdict in zip(cells, found, strict=True):
        assert verdict == expected.get((example.category, kind), "not"), (example.category, kind)


@pytest.mark.parametrize("case", file().case, ids=[case.en.replace(" ", "_") for case in file().case])
def test_case(case: Case) -> None:
    assert verdicts(list(case.records), *case.bases) == list(case.comes_out)


def test_every_category_has_its_example_and_every_basis_its_table() -> None:
    assert {each.category for each in file().example} == {*categories(), "unknown"}
    assert {each.basis for each in file().grid} == set(legal_bases())


def test_two_people_are_not_added_up() -> None:
    days: list[dict[str, Any]] = [
        {"kind": "administrative_detention", "charge": "盗窃", "decided_on": f"20{year}-01-01"} for year in (20, 21, 22)
    ]
    records = read(days).with_columns(person=pl.Series([1, 1, 2]))
    assert what_counts(records, [legal_bases()["security_guards_17"]], file().received).to_list() == [None] * 3


DETENTIONS: Final = Clause(kinds=("administrative_detention",), at_least=2)
"""As no basis of the table says it."""


def test_two_of_a_kind_are_asked_for_as_three_are() -> None:
    basis = replace(legal_bases()["security_guards_17"], counts=(DETENTIONS,))
    days = [{"kind": "administrative_detention", "decided_on": f"20{year}-01-01"} for year in (20, 21)]
    for records, counts in ((days, ["counts"] * 2), (days[:1], [None])):
        assert what_counts(read(records), [basis], file().received).to_list() == counts


def test_where_violations_alone_are_named_and_may_not_be_told_no_unread_kind_counts_either() -> None:
    basis = replace(legal_bases()["security_guards_17"], counts=(replace(DETENTIONS, at_least=1),))
    unread = read([{"kind": "其他", "charge": "盗窃"}])
    for national, counts in ((True, ["unclear"]), (False, [None])):
        asked = replace(basis, national_provision=national)
        assert what_counts(unread, [asked], file().received).to_list() == counts


def test_nothing_counts_without_a_basis() -> None:
    assert verdicts([{"kind": "judgment", "charge": "强奸罪"}]) == ["not"]


def test_where_nothing_counts_the_columns_are_there_all_the_same() -> None:
    records = read([{"kind": "judgment", "charge": "强奸罪"}])
    assert what_counts(records, [], file().received).name == "counts"
    none = pl.DataFrame({"counts": [None], "by": [None]}, schema={"counts": pl.String, "by": pl.String})
    assert grounds(records, [], file().received).equals(none)
    assert grounds(records, [], file().received).schema == none.schema


def test_each_verdict_names_the_articles_and_items_that_lead_to_it() -> None:
    """``counts`` by those that fit and no other, ``unclear`` by those that may."""
    theft = {"kind": "judgment", "charge": "盗窃罪", "sentence_months": "12", "effective_on": "2020-03-01"}
    brawl = theft | {"charge": "寻衅滋事罪", "sentence_months": ""}
    records = read([theft, brawl, {"kind": "drug"}, {"kind": "其他", "charge": "盗窃罪"}])
    bases = [legal_bases()[code] for code in ("security_guards_17", "minors_protection_62")]
    guards, minors = "保安服务管理条例第十七条", "未成年人保护法第六十二条"
    assert grounds(records, bases, file().received).rows() == [
        ("counts", f"{guards}第二项"),
        ("unclear", f"{guards}第二项；{minors}"),
        (None, None),
        ("unclear", f"{guards}第一项；{guards}第二项"),
    ]


@pytest.mark.parametrize("basis", list(legal_bases()))
def test_grounds_say_of_each_record_what_is_counted(basis: str) -> None:
    """The verdict is the one function's, and there are grounds wherever there is one."""
    records = read([record for case in file().case for record in case.records])
    found = grounds(records, [legal_bases()[basis]], file().received)
    assert found["counts"].equals(what_counts(records, [legal_bases()[basis]], file().received))
    named = found["by"].fill_null("")
    assert ((named != "") == found["counts"].is_not_null()).all()
    assert all(each.startswith(legal_bases()[basis].name) for each in named if each)
