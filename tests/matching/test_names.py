"""One form for comparison; the same, a variant of it, or another name."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.paths import SCHEMAS
from exchange.matching.names import compare, in_one_form, standard_name, surname_forms, variant_forms


def compared(claimed: str | None, registered: str | None) -> str | None:
    frame = pl.DataFrame({"claimed": [claimed], "registered": [registered]}, schema_overrides={"claimed": pl.String})
    standard = frame.select(standard_name(pl.col("claimed", "registered")))
    answer: str | None = standard.select(compare(pl.col("claimed"), pl.col("registered"))).item()
    return answer


@pytest.mark.parametrize(
    ("claimed", "registered", "answer"),
    [
        ("张三", "张三", "same"),
        ("张 三", "张三", "same"),
        ("张\u3000三 ", "张三", "same"),
        *[(f"买买提{dot}依明", "买买提·依明", "same") for dot in "·•・‧．.‧∙⋅"],
        ("ＡＢＣ", "abc", "same"),
        ("\ue81e小明", "\u9fb4小明", "same"),  # private use of older systems
        ("\u9fb4小明", "\ue81e小明", "same"),
        ("張三", "张三", "variant"),  # traditional
        ("张淼", "张渺", "different"),  # no forms of one character
        ("沈强", "沉强", "different"),
        ("王喆", "王哲", "variant"),
        ("李昇", "李升", "variant"),
        ("王秊", "王年", "variant"),
        ("苏桒", "蘓桑", "variant"),
        ("于\ue000红", "于晓红", "variant"),  # a private character of which nobody knows what it is
        ("王\ue000红", "于晓红", "different"),
        ("\ue000", "晓", "different"),  # nothing that agrees
        ("张三", "张四", "different"),
        ("张三", "张三丰", "different"),
        (None, "张三", None),
    ],
)
def test_names_compared(claimed: str | None, registered: str, answer: str | None) -> None:
    assert compared(claimed, registered) == answer


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_a_standard_form_stays_as_it_is_and_is_the_same_as_its_text(text: str) -> None:
    once = pl.select(standard_name(pl.lit(text))).item()
    assert pl.select(standard_name(pl.lit(once))).item() == once
    assert compared(text, once) == "same"


@given(*[st.text(st.sampled_from("张張三叁王喆哲\ue000\ue81e\u9fb4"), min_size=1, max_size=4)] * 2)
def test_claim_and_register_may_change_places(one: str, other: str) -> None:
    assert compared(one, other) == compared(other, one)


def test_a_radical_is_the_character_that_it_stands_for() -> None:
    """Every one that has an equivalent in Unicode, that is all but U+2E80: by NFKC or by the table."""
    radicals = [chr(code) for code in range(0x2E81, 0x2FD6) if unicodedata.name(chr(code), "")]
    standard = pl.DataFrame({"name": [f"张{radical}" for radical in radicals]}).select(standard_name(pl.col("name")))
    assert [name for name in standard["name"] if "\u2e80" <= name[1] <= "\u2fdf"] == []


def test_what_a_standard_calls_forms_of_one_character_are_variants() -> None:
    """Every line of ours, most of them from the table of 1955 (第一批异体字整理表)."""
    lines = pl.read_csv(SCHEMAS / "sources" / "variants.csv", infer_schema=False)
    said = lines.select(standard_name(pl.all())).select("variant", said=compare(pl.col("variant"), pl.col("standard")))
    assert said.height > 300
    assert said.filter(pl.col("said") != "variant")["variant"].to_list() == []


def test_a_radical_and_its_character_are_the_same_name() -> None:
    assert compared("张\u2ee2", "张马") == "same"


FORMS = [*variant_forms().items(), *surname_forms().items()]


@given(st.lists(st.sampled_from(FORMS), min_size=1, max_size=40), st.sampled_from(["", "一", "丰·"]))
def test_variants_have_one_form_in_common(forms: list[tuple[str, str]], behind: str) -> None:
    """What is compared as a variant is counted as one name."""
    one, other = (pl.Series([pair[place] + behind for pair in forms]) for place in (0, 1))
    one, other = (names.to_frame("name").select(standard_name(pl.col("name"))).to_series() for names in (one, other))
    assert in_one_form(one).to_list() == in_one_form(other).to_list()
    said = pl.DataFrame({"one": one, "other": other}).select(compare(pl.col("one"), pl.col("other"))).to_series()
    assert set(said) <= {"same", "variant"}
