"""The spellings of a claimed value, right and wrong, as partners' people and their spreadsheets produce them.

Each function gives an expression over a frame of people with the columns that ``claims.py`` drew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.paths import SCHEMAS
from exchange.demo.province import event_claims
from exchange.demo.province.divisions import ABOLISHED, USED_AGAIN, county_codes
from exchange.demo.province.numbers import NOBODYS, kept, key_of, number_of
from exchange.demo.province.relatives import relative_texts

OTHER_SURNAME: Final = "冼"
"""The first character of a wrong name; nobody in the province bears it."""

NOBODYS_PLACE: Final = "110101"
"""A county in which nobody of the province was born and from which no family came."""

TRADITIONAL: Final = {
    "张": "張", "刘": "劉", "陈": "陳", "赵": "趙", "吴": "吳", "孙": "孫", "伟": "偉", "强": "強",
    "军": "軍", "丽": "麗", "静": "靜", "红": "紅", "兰": "蘭", "华": "華", "国": "國",
}  # fmt: skip
"""Characters of the province's names, and how people write them elsewhere."""

_WIDE: Final = {str(digit): chr(0xFF10 + digit) for digit in range(10)} | {"X": "Ｘ"}
_MONTH: Final = 100_000  # the month's place in a key
_SPREADSHEET_ZERO: Final = -25_569  # 1899-12-30, in days since 1970
_FIRST_SERIAL_YEAR: Final = 1911


def _when(column: str, texts: Mapping[str, pl.Expr], otherwise: pl.Expr) -> pl.Expr:
    """The text for the column's value, ``otherwise`` where it has none of its own."""
    for value, text in texts.items():
        otherwise = pl.when(pl.col(column) == value).then(text).otherwise(otherwise)
    return otherwise


def with_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds what ``id_number`` reads many times over: ``number`` of 18 characters, the present one, the superseded one
    or nobody's; and ``claimed_number``, which is that in 18 or 15.
    """
    unknown = number_of(kept(key_of(pl.col("id_number")), NOBODYS))
    borne = pl.when("former").then(pl.col("former_id_number")).otherwise("id_number")
    frame = frame.with_columns(number=pl.when(pl.col("fault") == "unknown_number").then(unknown).otherwise(borne))
    number = pl.col("number")
    fifteen = number.str.slice(0, 6) + number.str.slice(8, 9)
    return frame.with_columns(claimed_number=pl.when("fifteen").then(fifteen).otherwise(number))


def id_number() -> pl.Expr:
    """The number, written well or badly, or not there at all."""
    number, key = pl.col("number"), key_of(pl.col("id_number"))
    month = key // _MONTH % 100
    other_last = pl.when(number.str.slice(17, 1) == "1").then(pl.lit("2")).otherwise(pl.lit("1"))
    faulty = {
        "missing_number": pl.lit(""),
        "scientific": number.str.slice(0, 1) + "." + number.str.slice(1, 5) + "E+17",
        "short_number": number.str.slice(0, 16),
        "bad_date": number_of(key + (13 - month) * _MONTH),
        "wrong_check": number.str.slice(0, 17) + other_last,
    }
    return _when("fault", faulty, _written(pl.col("claimed_number"))).alias("id_number")


def _written(number: pl.Expr) -> pl.Expr:
    spaced = number.str.slice(0, 6) + " " + number.str.slice(6, 8) + " " + number.str.slice(14)
    writings = {
        "full_width": number.str.replace_many(_WIDE),
        "spaced": spaced,
        "apostrophe": "'" + number,
        "dashed": spaced.str.replace_all(" ", "-", literal=True),
        "small_x": number.str.replace("X", "x", literal=True),
        "cyrillic_x": number.str.replace("X", "\u0445", literal=True),
    }
    return _when("writing", writings, number)


def name() -> pl.Expr:
    """The name, with blanks, another dot or traditional characters, or a wrong one, or one that no name is."""
    right = pl.col("name")
    dots = [right.str.replace_all("·", dot, literal=True) for dot in "•・．‧"]
    writings = {
        "wide_blank": right.str.slice(0, 1) + "\u3000" + right.str.slice(1),
        "blank": right.str.slice(0, 1) + " " + right.str.slice(1),
        "trailing_blank": right + " ",
        "traditional": right.str.replace_many(TRADITIONAL),
        "other_dot": _spelled(*dots),
    }
    faulty = {
        "wrong_name": OTHER_SURNAME + right.str.slice(1),
        "no_name": pl.lit(""),
        "long_name": pl.lit("阿" * 200),
        "digits_in_name": right + "2",
    }
    return _when("fault", faulty, _when("name_as", writings, right)).alias("name")


def _spelled(*spellings: pl.Expr) -> pl.Expr:
    """One of these, by ``spelling``."""
    text = spellings[0]
    for position, other in enumerate(spellings):
        text = pl.when(pl.col("spelling") % len(spellings) == position).then(other).otherwise(text)
    return text


def _claimed(item: str, right: pl.Expr, wrong: pl.Expr, *unreadable: str) -> pl.Expr:
    texts = {"wrong": wrong, "missing": pl.lit(""), "unreadable": _spelled(*[pl.lit(text) for text in unreadable])}
    return _when(f"{item}.is", texts, right).alias(item)


def sex() -> pl.Expr:
    """The claimed sex, in words, letters or codes: String."""
    male, female = ([pl.lit(word) for word in words] for words in (("男", "1", "男性", "M"), ("女", "2", "女性", "F")))
    is_male = pl.col("sex") == "1"
    right = pl.when(is_male).then(_spelled(*male)).otherwise(_spelled(*female))
    wrong = pl.when(is_male).then(_spelled(*female)).otherwise(_spelled(*male))
    return _claimed("sex", right, wrong, "男女", "?")


def birth_date() -> pl.Expr:
    """The claimed birth date, in the ways in which people and spreadsheets write days: String."""
    born = pl.col("birth_date").str.to_date()
    serial = (born.cast(pl.Int32) - _SPREADSHEET_ZERO).cast(pl.String)
    plain = born.cast(pl.String)
    right = _spelled(
        plain,
        born.dt.strftime("%Y/%-m/%-d"),
        born.dt.strftime("%Y.%m.%d"),
        born.dt.strftime("%Y%m%d"),
        born.dt.strftime("%Y年%-m月%-d日"),
        plain.str.replace_many(_WIDE),
        pl.when(born.dt.year() >= _FIRST_SERIAL_YEAR).then(serial).otherwise(plain),
        plain + " 00:00:00",
    )
    wrong = born.dt.offset_by("-1d").cast(pl.String)
    return _claimed("birth_date", right, wrong, "90-1-5", "05/01/1990", "1990-13-05", "不详")


@cache
def _ethnicities() -> Mapping[str, str]:
    return dict(pl.read_csv(SCHEMAS / "ethnicities.csv", infer_schema=False).iter_rows())


def ethnicity() -> pl.Expr:
    """The claimed ethnicity, by code or name: String."""
    code = pl.col("ethnicity")
    word = code.replace_strict(_ethnicities(), return_dtype=pl.String)
    right = _spelled(code, word, word.str.strip_suffix("族"), code.str.strip_chars_start("0"))
    wrong = pl.when(code == "01").then(pl.lit("满族")).otherwise(pl.lit("汉族"))
    return _claimed("ethnicity", right, wrong, "中国", "66")


@cache
def _counties() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Code → full name; code → code of the next county."""
    names = dict(pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False).select("code", "full_name").iter_rows())
    codes = [str(code) for code in county_codes()]
    return names, dict(zip(codes, [*codes[1:], codes[0]], strict=True))


def registered_address() -> pl.Expr:
    """The claimed address of registration, by code, or in words with or without the street: String."""
    names, following = _counties()
    code = pl.col("registered_division")
    full = code.replace_strict(names, return_dtype=pl.String)
    street = pl.col("registered_address")
    right = _spelled(
        code,
        full,
        full + street,
        full.str.strip_prefix("吉林省") + street,
        full.str.slice(0, 3) + " " + full.str.slice(3),
    )
    other = code.replace_strict(following)
    wrong = _spelled(other, other.replace_strict(names, return_dtype=pl.String) + street)
    return _claimed("registered_address", right, wrong, "人民大街12号", "住址不详")


def former_name() -> pl.Expr:
    """The claimed former name; of somebody without one a word for *none*: String."""
    names = pl.col("former_name").str.split("、")
    one = _spelled(names.list.first(), names.list.last())
    spaced = one.str.slice(0, 1) + " " + one.str.slice(1)
    none = _spelled(*[pl.lit(word) for word in ("无", "没有", "none")])
    has_one = pl.col("former_name") != ""
    right = pl.when(has_one).then(pl.when(pl.col("spelling") == 5).then(spaced).otherwise(one)).otherwise(none)
    other = pl.lit(OTHER_SURNAME + "小明")
    wrong = pl.when(has_one).then(_spelled(other, none)).otherwise(other)
    return _claimed("former_name", right, wrong, "?", "张三2")


def _place(item: str) -> pl.Expr:
    """A claimed county, by code, name, or the code that it had before it was abolished."""
    names, _ = _counties()
    code = pl.col(item)
    before = code.replace({str(now): str(old) for now, (old, _) in ABOLISHED.items()})
    name = code.replace_strict(names, default=code, return_dtype=pl.String)
    right = _spelled(code, pl.when(code == USED_AGAIN).then(code).otherwise(name), before)
    known = pl.when(code == "").then(pl.lit("220102")).otherwise(right)
    return _claimed(item, known, pl.lit(NOBODYS_PLACE), "火星", "不详")


def birthplace() -> pl.Expr:
    """The claimed birthplace, by code, name, or the code that its county had before: String."""
    return _place("birthplace")


def native_place() -> pl.Expr:
    """The claimed native place, written as the birthplace is: String."""
    return _place("native_place")


def kinship() -> list[pl.Expr]:
    """The columns of a kinship claim, see ``relatives.relative_texts``."""
    return relative_texts(_WIDE)


ITEMS: Final[Mapping[str, Callable[[], pl.Expr | list[pl.Expr]]]] = MappingProxyType(
    {
        "former_name": former_name,
        "sex": sex,
        "birth_date": birth_date,
        "ethnicity": ethnicity,
        "birthplace": birthplace,
        "native_place": native_place,
        "registered_address": registered_address,
        "kinship": kinship,
        "migration": event_claims.migration,
        "address_change": event_claims.address_change,
        "item_correction": event_claims.item_correction,
        "cancellation": event_claims.cancellation,
    }
)
"""Item → its claimed text, or texts."""


def texts(item: str) -> list[pl.Expr]:
    """The item's columns as claimed."""
    made = ITEMS[item]()
    return made if isinstance(made, list) else [made]
