"""Administrative divisions (GB/T 2260), by code or by name, with or without an address behind the name.

Rules
- A claim names a province, a city or a county: by a code of six digits (or twelve, whose first six count), of today or
  abolished, or by a text that begins with its name (吉林省长春市朝阳区…). Province, or province and city, may be left
  out where the name stays the only one of its kind among today's divisions, then among the former ones.
- A code means the counties of today that lie below it or came after it; a code in use means what it means today. A
  code for *the districts of a city* (市辖区, 220101) means those, one for the counties directly under a province
  (469000) those.
- Two codes are compared by these sets of counties: what lies within the claimed one agrees with it, what overlaps is
  for an officer, and so is a code whose successors are not known; what has nothing in common disagrees.

Sources: ``schemas/divisions.csv`` (today's, Ministry of Civil Affairs) and ``schemas/divisions_former.csv`` (those of
1980 and after with their successors); ``schemas/sources`` tells where both come from and how they are made.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.paths import SCHEMAS
from exchange.matching.codes import plain_word

_COUNTRY: Final = "^(中华人民共和国|中国)"
_CODE: Final = r"^\s*([0-9]{6})(?:[0-9]{6})?(?:[^0-9].*)?$"
_STREET_BEHIND_CODE: Final = r"^\s*[0-9]{6}(?:[0-9]{6})?([^0-9].*)$"
_NOT_TEXT: Final = r"[\s\p{P}\p{S}]"
_LAST_DISTRICT: Final = 20
"""GB/T 2260 numbers a city's districts 02 to 20; 01 stands for all of them."""

_BARE: Final = re.compile("^.区$")
"""东区, 新区, 矿区: alone in front of an address, these are hardly a county's name."""

_BEGINNING: Final = 2
"""Characters; no form of a name is shorter."""

_SHORT: Final = {
    "内蒙古自治区": "内蒙古", "广西壮族自治区": "广西", "西藏自治区": "西藏", "宁夏回族自治区": "宁夏",
    "新疆维吾尔自治区": "新疆", "香港特别行政区": "香港", "澳门特别行政区": "澳门",
}  # fmt: skip


@cache
def members() -> Mapping[int, frozenset[int]]:
    """Code, of today or former → today's counties that it means (a city or province without counties means itself);
    empty where its successors are not known.
    """
    today = [int(code) for code in _todays()]
    counties = [code for code in today if code % 100]
    found = defaultdict(set, {code: {code} for code in today})
    for county in counties:
        city, province = county // 100 * 100, county // 10000 * 10000
        for code in (city, province):
            found[code] = found[code] - {code} | {county}
        if 1 < county % 100 <= _LAST_DISTRICT and city + 1 not in today:
            found[city + 1].add(county)
    for city in (code for code in today if found[code] == {code} and code % 100 == 0 and code % 10000):
        found[city // 10000 * 10000] = found[city // 10000 * 10000] - {city // 10000 * 10000} | {city}
    return MappingProxyType({code: frozenset(within) for code, within in _with_former(found).items()})


def _with_former(found: dict[int, set[int]]) -> dict[int, set[int]]:
    """Also abolished codes, by their last meaning; a city of which no successor is known, by its counties'."""
    in_use = set(found)
    below: dict[int, set[int]] = defaultdict(set)
    for row in sorted(_formers(), key=lambda row: row["until"]):
        code = int(row["code"])
        after = set().union(*[found[int(other)] for other in row["successors"].split()])
        below[code // 100 * 100] |= after
        if code not in in_use:
            found[code] = after
    for city, counties in below.items():
        found[city] = found.get(city) or counties
    return found


@cache
def division_words() -> Mapping[str, int]:
    """Every form of a name that means one division → its code."""
    today: dict[str, set[int]] = defaultdict(set)
    for code, row in _todays().items():
        for form in _forms(code, row):
            today[form].add(int(code))
    former: dict[str, dict[frozenset[int], int]] = defaultdict(dict)
    for row in sorted(_formers(), key=lambda row: row["until"]):
        meant = _code_of(row)
        for form in _forms(row["code"], row) if meant else ():
            if form not in today:
                former[form][members()[meant]] = meant
    words = {form: next(iter(codes)) for form, codes in today.items() if len(codes) == 1}
    return MappingProxyType(words | {form: next(iter(of.values())) for form, of in former.items() if len(of) == 1})


def _code_of(row: Mapping[str, str]) -> int:
    """The code that means what the former name meant, 0 where none does."""
    after = frozenset().union(*[members()[int(other)] for other in row["successors"].split()])
    if members()[int(row["code"])] == after:
        return int(row["code"])
    return int(row["successors"]) if row["successors"].isdigit() else 0


def _forms(code: str, row: Mapping[str, str]) -> Iterable[str]:
    """With province or its short name, or without; with the city or without."""
    name, full = row["name"], row["full_name"]
    province = _todays()[code[:2] + "0000"]["name"]
    if full == province:
        return {full}
    short = _SHORT.get(province, province.removesuffix("省").removesuffix("市"))
    city = full.removeprefix(province).removesuffix(name)
    middles = {city, ""} | ({"市辖区"} if province.endswith("市") else set())
    forms = {before + middle + name for before in (province, short, "") for middle in middles}
    return {form for form in forms if not _BARE.match(form)}


@cache
def _todays() -> Mapping[str, Mapping[str, str]]:
    rows = pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False)
    return MappingProxyType({row["code"]: row for row in rows.iter_rows(named=True)})


@cache
def _formers() -> tuple[Mapping[str, str], ...]:
    rows = pl.read_csv(SCHEMAS / "divisions_former.csv", infer_schema=False).with_columns(pl.all().fill_null(""))
    return tuple(rows.iter_rows(named=True))


def division_name(code: str) -> str:
    """The full name of today's division, or the former one's; the code itself where there is none."""
    if code in _todays():
        return _todays()[code]["full_name"]
    return next((row["full_name"] for row in _formers() if row["code"] == code), code)


def division_code(text: pl.Expr) -> pl.Expr:
    """Int32 code of the division (province, city or county) that the text names, null where it names none."""
    return place(text).struct.field("code")


def address_text(text: pl.Expr) -> pl.Expr:
    """Letters, numbers and characters only, in which form two addresses are compared."""
    return plain_word(text).str.replace_all(_NOT_TEXT, "")


def place(text: pl.Expr) -> pl.Expr:
    """Struct of ``code``, as ``division_code``, and ``street``: what stands behind the division, as ``address_text``;
    the whole of a text that names none.
    """
    return text.map_batches(_parted, return_dtype=pl.Struct({"code": pl.Int32, "street": pl.String}))


def _parted(texts: pl.Series) -> pl.Series:
    """Struct of ``code`` and ``street``."""
    frame = pl.DataFrame({"text": texts.cast(pl.String)}).with_columns(
        pl.col("text").str.normalize("NFKC").alias("wide")
    )
    frame = frame.with_columns(
        pl.col("wide").str.replace_all(r"\s+", "").str.replace(_COUNTRY, "").alias("even"),
        pl.col("wide").str.extract(_CODE, 1).cast(pl.Int32, strict=False).alias("coded"),
    )
    coded = pl.when(pl.col("coded").is_in(pl.Series(list(members()), dtype=pl.Int32).implode())).then("coded")
    words = _words_that_may_begin(frame["even"])
    frame = frame.with_columns(_name_in_front(pl.col("even"), words).alias("named"), coded)
    codes = {word: division_words()[word] for word in words}
    code = pl.col("named").replace_strict(codes, default=None, return_dtype=pl.Int32)
    behind_name = pl.col("even").str.slice(pl.col("named").str.len_chars().fill_null(0))
    behind_code = pl.col("wide").str.extract(_STREET_BEHIND_CODE, 1).fill_null("")
    behind = pl.when(pl.col("coded").is_not_null()).then(behind_code).otherwise(behind_name)
    place = pl.struct(
        pl.coalesce("coded", code).alias("code"),
        behind.str.replace_all(_NOT_TEXT, "").str.to_uppercase().alias("street"),
    )
    return frame.select(place.alias(texts.name)).to_series()


@cache
def _words_by_beginning() -> Mapping[str, Sequence[str]]:
    words = defaultdict(list)
    for word in division_words():
        words[word[:_BEGINNING]].append(word)
    return MappingProxyType(words)


def _words_that_may_begin(texts: pl.Series) -> list[str]:
    """The forms of names that share their beginning with a text, longest first: all of them take a quarter of a second
    to look for, however few the texts.
    """
    beginnings = texts.str.slice(0, _BEGINNING).unique().drop_nulls()
    found = [word for beginning in beginnings for word in _words_by_beginning().get(beginning, ())]
    return sorted(found, key=len, reverse=True)


def _name_in_front(even: pl.Expr, longest_first: list[str]) -> pl.Expr:
    """The longest form of a division's name that begins the text."""
    if not longest_first:
        return pl.lit(None, pl.String)
    found = even.str.slice(0, len(longest_first[0])).str.extract_many(longest_first, leftmost=True).list.first()
    return pl.when(even.str.starts_with(found)).then(found)


def place_answer(claimed: pl.Expr, registered: pl.Expr) -> pl.Expr:
    """``consistent``, ``under_review`` or ``inconsistent``, of two Int32 codes; null where one is null."""
    pair = pl.struct(claimed.cast(pl.Int32).alias("claimed"), registered.cast(pl.Int32).alias("registered"))
    return pair.map_batches(_compared, return_dtype=pl.String)


@cache
def _within() -> pl.DataFrame:
    """``code`` and ``county`` of today, for every county that a code means."""
    return pl.DataFrame(
        [(code, county) for code, counties in members().items() for county in counties],
        schema={"code": pl.Int32, "county": pl.Int32},
        orient="row",
    )


def _compared(pairs: pl.Series) -> pl.Series:
    """Each pair of codes is compared once; equal ones need no table."""
    codes = pairs.struct.unnest()
    unlike = codes.filter(pl.col("claimed") != pl.col("registered")).unique()
    within = _within()
    held = unlike.join(within, left_on="registered", right_on="code", how="left")
    held = held.join(
        within.with_columns(inside=True), left_on=["claimed", "county"], right_on=["code", "county"], how="left"
    )
    clear = pl.col("claimed").is_in(within["code"].implode()) & pl.col("county").is_not_null()
    inside = pl.col("inside").fill_null(value=False)
    answers = held.group_by("claimed", "registered").agg(
        pl.when(~clear.all())
        .then(pl.lit("under_review"))
        .when(inside.all())
        .then(pl.lit("consistent"))
        .when(inside.any())
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("inconsistent"))
        .alias("answer")
    )
    answered = codes.join(answers, on=["claimed", "registered"], how="left", maintain_order="left")
    same = pl.col("claimed") == pl.col("registered")
    return answered.select(pl.when(same).then(pl.lit("consistent")).otherwise("answer")).to_series()
