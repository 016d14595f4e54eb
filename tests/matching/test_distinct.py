"""The short ways give what the full treatment of every single text gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching import codes, dates, distinct, id_numbers, names
from exchange.matching.codes import plain_word, sex_code

TODAY = date(2026, 11, 23)

characters = st.sampled_from([*"张三王喆買买·.･ ０１x1X9A'\u3000\u200b\ue81e\ufe00\uf900\u9fff\u3400\u4dc0é"])
texts = st.lists(st.none() | st.text(characters, max_size=6), max_size=12)
digits = st.from_regex(r"[0-9]{17}[0-9X]|[0-9]{15}|[12][0-9]{3}[-/.][01]?[0-9][-/.][0-3]?[0-9]", fullmatch=True)
full_width = digits.map(lambda text: text.translate({ord(each): ord(each) + 0xFEE0 for each in "0123456789X"}))
written = st.lists(st.none() | digits | full_width | digits.map(lambda text: f" {text}"), max_size=12)


def evaluated(values: Sequence[str | None], expression: Callable[[pl.Expr], pl.Expr]) -> list[object]:
    frame = pl.DataFrame({"text": pl.Series(values, dtype=pl.String)})
    return frame.select(expression(pl.col("text"))).to_series().to_list()


@given(texts)
def test_plain_names_are_in_standard_form(values: list[str | None]) -> None:
    assert evaluated(values, names.standard_name) == evaluated(values, names._evened_out)


@given(texts)
def test_plain_names_have_the_fault_that_all_have(values: list[str | None]) -> None:
    standard, faults = names.standard_names(pl.Series("name", values, dtype=pl.String))
    said = standard.to_frame("name").select(names.name_fault(pl.col("name"))).to_series()
    assert faults.equals(said, null_equal=True)


def test_every_character_that_is_passed_by_is_its_own_standard_form() -> None:
    passed_by = [*map(chr, range(0x3400, 0x4DC0)), *map(chr, range(0x4E00, 0xA000))]
    assert evaluated(passed_by, names._evened_out) == passed_by
    assert names._are_plain(pl.Series(passed_by) + pl.Series(passed_by)[0]).all()


@given(written)
def test_sound_numbers_are_read_as_all_are(values: list[str | None]) -> None:
    claims = pl.Series(values, dtype=pl.String)
    assert id_numbers.read(claims).equals(id_numbers._repaired(claims), null_equal=True)


days = st.from_regex(
    r"[0-9]{4}([-/.][0-9]{1,2}[-/.][0-9]{1,2}( 00:00:00)?|年[0-9]{1,2}月[0-9]{1,2}[日号]?|[0-9]{4})", fullmatch=True
)
changed = st.tuples(days, st.integers(0, 11), characters).map(lambda it: it[0][: it[1]] + it[2] + it[0][it[1] + 1 :])


@given(st.lists(st.none() | days | changed | digits | full_width, max_size=12))
def test_plain_dates_are_read_as_all_are(values: list[str | None]) -> None:
    claims = pl.Series(values, dtype=pl.String)
    short = dates._dates(claims)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dates, "_FORMS", ())
        assert short.equals(dates._dates(claims), null_equal=True)


@given(st.lists(st.none() | st.integers(0, 10**17 - 1), max_size=12))
def test_the_day_inside_a_key_is_that_of_the_calendar(keys: list[int | None]) -> None:
    frame = pl.DataFrame({"key": pl.Series(keys, dtype=pl.Int64)})
    texts = frame["key"].cast(pl.String).str.zfill(17).str.slice(6, 8)
    found = frame.select(id_numbers.birth_date(pl.col("key"))).to_series()
    assert found.equals(texts.str.to_date("%Y%m%d", strict=False), null_equal=True)


def test_every_day_of_four_centuries() -> None:
    days = pl.date_range(date(1700, 1, 1), date(2100, 12, 31), eager=True)
    keys = days.dt.strftime("220104%Y%m%d001").cast(pl.Int64).to_frame("key")
    assert keys.select(id_numbers.birth_date(pl.col("key"))).to_series().equals(days)


@given(st.lists(st.none() | digits | full_width | st.text(characters, max_size=6), max_size=12))
def test_many_texts_are_evened_in_width_as_few_are(values: list[str | None]) -> None:
    claims = pl.Series("claim", values, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "FEW", -1)
        assert codes.in_even_width(claims).equals(claims.str.normalize("NFKC"), null_equal=True, check_names=True)


@given(st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 4), max_size=20))
def test_names_are_put_together_as_for_each_row(rows: list[tuple[bool | None, ...]]) -> None:
    names = ["a", "b_c", "d", "e"]
    flags = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Boolean), orient="row")
    of_rows = distinct.names_of(flags.select(distinct.set_of(map(pl.col, names))).to_series(), names)
    assert of_rows.to_list() == [";".join(name for name, flag in zip(names, row, strict=True) if flag) for row in rows]


@given(texts, st.lists(st.booleans(), min_size=12, max_size=12))
def test_of_the_unread_it_is_found_out_which_claim_nothing(values: list[str | None], read: list[bool]) -> None:
    claims = pl.Series([*values, "'", " ", ""], dtype=pl.String)
    meant = pl.Series([1 if each else None for each in [*read[: len(values)], False, True, False]], dtype=pl.UInt8)
    nothing = evaluated(claims.to_list(), codes.nothing_claimed)
    assert codes.nothing_claimed_by_unread(claims, meant).to_list() == [
        bool(each) and value is None for each, value in zip(nothing, meant, strict=True)
    ]


@pytest.mark.parametrize("few", [0, 256])
@given(values=written)
def test_each_text_is_treated_once(few: int, values: list[str | None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "FEW", few)
        assert evaluated(values, dates.claimed_date) == [evaluated([each], dates.claimed_date)[0] for each in values]
        words = [each and each[:1] for each in values]
        sexes = pl.Series(evaluated(words, plain_word), dtype=pl.String).replace_strict(
            {"1": 1, "2": 2, "9": 9, "0": 0}, default=None, return_dtype=pl.UInt8
        )
        assert evaluated(words, sex_code) == sexes.to_list()
