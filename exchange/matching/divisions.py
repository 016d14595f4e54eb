"""Administrative divisions (GB/T 2260), by code or by name, with or without an address behind the name.

Rules
- A claim names a province, a city or a county: by a code of six digits (or twelve, whose first six count), of today or
  abolished, or by a text that begins with its name (吉林省长春市朝阳区…). Province, or province and city, may be left
  out where the name stays the only one of its kind among today's divisions, then among the former ones; autonomous
  divisions also in short (延边州, ``division_names.py``).
- A name that one place bore several times may mean each of these; a name that several places bore at once means none.
  One that a place bears today surely means it, and may mean what bore it before (巢湖市, a county's name since 2011).
- Where more stands behind the name of a province or a city, it may be a county whose name is not written in full
  (山东省莱阳): the whole province is not what is claimed.
- Two divisions are compared by today's counties (``division_meanings.py``). What may be registered lies wholly within
  what is surely claimed: they agree; nothing in common: they disagree. All else is for an officer, and so is what
  became nobody knows what.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.matching import division_meanings
from exchange.matching.codes import plain_word, without_front, without_invisible
from exchange.matching.division_meanings import (
    FIRST_OF_NAMES,
    Extent,
    counties_of,
    extents,
    formers,
    joined,
    members,
    number_of,
    todays,
)
from exchange.matching.division_names import short_names

__all__ = [
    "address_text",
    "all_extents",
    "division_code",
    "division_name",
    "division_words",
    "goes_on",
    "is_code",
    "make_ready",
    "members",
    "place",
    "place_answer",
    "run_together",
    "without_own_name",
]

_COUNTRY: Final = "^(中华人民共和国|中国)"
_CODE: Final = r"^\s*([0-9]{6})(?:[0-9]{6})?(?:[^0-9][\s\S]*)?$"
_CODE_AND_MORE: Final = r"^\D{0,2}[0-9０-９]{6}(?:[0-9０-９]{6})?\s*[^0-9０-９\s]"
_STREET_BEHIND_CODE: Final = r"^\s*[0-9]{6}(?:[0-9]{6})?([^0-9][\s\S]*)$"
_NOT_TEXT: Final = r"[\s\p{P}\p{S}]"
_BETWEEN_NUMBERS: Final = r"([0-9])[\s\p{P}\p{S}]+([0-9])"
_APART: Final = "\ue0ff"
"""Stands for it while all other signs are left out; nobody's address holds it."""

_PLAIN: Final = r"^[\x{4e00}-\x{9fff}0-9A-Z ()（）-]*$"
"""Nothing in such a text is unseen or in small letters; of another width are only signs, which are no text."""

_BARE: Final = re.compile("^.区$")
"""东区, 新区, 矿区: alone in front of an address, these are hardly a county's name."""

_NOWHERE: Final = Extent(frozenset(), frozenset(), known=False)

_BEGINNING: Final = 2
"""Characters; no form of a name is shorter."""

_SHORT: Final = {
    "内蒙古自治区": "内蒙古", "广西壮族自治区": "广西", "西藏自治区": "西藏", "宁夏回族自治区": "宁夏",
    "新疆维吾尔自治区": "新疆", "香港特别行政区": "香港", "澳门特别行政区": "澳门",
}  # fmt: skip


@cache
def division_words() -> Mapping[str, int]:
    """Every form of a name that means one place → its number."""
    return MappingProxyType(dict(_words()[0]))


@cache
def _words() -> tuple[Mapping[str, int], Mapping[int, Extent]]:
    """The words; and what the numbers of names of several meanings mean."""
    today, short = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    for code, row in todays().items():
        for form in _forms(code, row, [row["name"]]):
            today[form].add(int(code))
        for form in _forms(code, row, short_names(code, row["name"])):
            short[form].add(int(code))
    bore = defaultdict[str, list[Mapping[str, str]]](list)
    for row in formers():
        for form in _forms(row["code"], row, [row["name"], *short_names("", row["name"])]):
            bore[form].append(row)
    words = {form: min(codes) for forms in (short, today) for form, codes in forms.items() if len(codes) == 1}
    several: dict[frozenset[int], int] = {}
    for form, rows in bore.items():
        if form not in today and form not in short and _is_one_place(rows):
            words[form] = _number(rows, several)
    of_names = {number: joined(extents()[meant].possible for meant in of) for of, number in several.items()}
    also: dict[Extent, int] = {}
    for form in bore.keys() & words.keys() & (today.keys() | short.keys()):
        meant = _also_former(extents()[words[form]], bore[form])
        if meant is not None:
            words[form] = also.setdefault(meant, FIRST_OF_NAMES + len(several) + len(also))
    return words, of_names | {number: extent for extent, number in also.items()}


def _also_former(now: Extent, rows: Sequence[Mapping[str, str]]) -> Extent | None:
    """What a name means that a division bears today and others bore before: surely today's, perhaps theirs. None where
    they lay within it.
    """
    possible = now.possible.union(*[counties_of(row) for row in rows])
    return None if possible == now.possible else Extent(now.sure, possible, now.known)


def _is_one_place(rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether former divisions of one name are one place: no two of different fate existed in one year, or lie in two
    provinces.
    """
    if len(rows) == 1:
        return True
    fates = {(row["code"][:2], row["name"], counties_of(row)) for row in rows}
    by_time = sorted(rows, key=lambda row: int(row["since"]))
    apart = all(
        int(later["since"]) >= int(earlier["until"]) or counties_of(later) == counties_of(earlier)
        for earlier, later in pairwise(by_time)
    )
    return len({fate[2] for fate in fates}) == 1 or (apart and len({fate[:2] for fate in fates}) == 1)


def _number(rows: Sequence[Mapping[str, str]], several: dict[frozenset[int], int]) -> int:
    """The number of the one meaning of these rows; where they have several, a number for all of them, which is added to
    ``several``.
    """
    by_fate = {counties_of(row): number_of(row) for row in rows}
    if len(by_fate) == 1:
        return min(by_fate.values())
    numbers = frozenset(by_fate.values())
    return several.setdefault(numbers, FIRST_OF_NAMES + len(several))


@cache
def all_extents() -> Mapping[int, Extent]:
    """Number, of codes and of names → what it means."""
    return MappingProxyType({**extents(), **_words()[1]})


def _forms(code: str, row: Mapping[str, str], names: Iterable[str]) -> Iterable[str]:
    """All forms of a division's name: with the province, its short name or neither; with the city, its short name or
    neither.
    """
    province = todays()[code[:2] + "0000"]["name"]
    if row["full_name"] == province:
        return {province} & set(names)
    short = _SHORT.get(province, province.removesuffix("省").removesuffix("市"))
    city = row["full_name"].removeprefix(province).removesuffix(row["name"])
    middles = {city, "", *short_names(code[:4] + "00", city)} | ({"市辖区"} if province.endswith("市") else set())
    forms = {before + middle + name for name in names for before in (province, short, "") for middle in middles}
    return {form for form in forms if not _BARE.match(form)}


def division_name(code: str) -> str:
    """The full name of today's division, or those of the former ones, in time; the code itself where there is none."""
    if code in todays():
        return todays()[code]["full_name"]
    return "／".join(dict.fromkeys(row["full_name"] for row in formers() if row["code"] == code)) or code


def division_code(text: pl.Expr) -> pl.Expr:
    """Int32 code of the division (province, city or county) that the text names, null where it names none."""
    return place(text).struct.field("code")


def is_code(text: pl.Expr) -> pl.Expr:
    """Boolean: whether the text names its division by code, not by name."""
    return _wide(text).str.contains(_CODE)


def address_text(text: pl.Expr) -> pl.Expr:
    """String: letters, numbers and characters only, and a hyphen for whatever stands between two numbers (1-2号 is not
    12号), in which form two addresses are compared; null stays null.
    """
    return _text_alone(plain_word(_numbers_apart(text.str.normalize("NFKC"))))


def run_together(address: pl.Expr) -> pl.Expr:
    """String: an ``address_text`` without its hyphens."""
    return address.str.replace_all("-", "", literal=True)


def _numbers_apart(even: pl.Expr) -> pl.Expr:
    """The mark for what stands between two numbers; twice, as a number of one digit is behind one and before one."""
    for _ in range(2):
        even = even.str.replace_all(_BETWEEN_NUMBERS, f"${{1}}{_APART}${{2}}")
    return even


def _text_alone(marked: pl.Expr) -> pl.Expr:
    return marked.str.replace_all(_NOT_TEXT, "").str.replace_all(_APART, "-", literal=True)


PLACE: Final = pl.Struct({"code": pl.Int32, "street": pl.String})


def place(text: pl.Expr) -> pl.Expr:
    """Struct of ``code``, as ``division_code``, and ``street``: what stands behind the division, as ``address_text``;
    the whole of a text that names none.
    """
    return text.map_batches(_parted, return_dtype=PLACE)


def _parted(texts: pl.Series) -> pl.Series:
    """Struct of ``code`` and ``street``. What is written plainly is not evened out, which takes half of the time; nor
    is a name sought where there is a code.
    """
    odd = (~texts.str.contains(_PLAIN)).arg_true()
    wide = _replaced(texts, odd, _wide(pl.col("text")))
    even = _replaced(wide, wide.str.contains(_BETWEEN_NUMBERS).arg_true(), _numbers_apart(pl.col("text")))
    even = _replaced(even, odd, pl.col("text").str.replace_all(r"\s+", ""))
    even = even.str.replace_all(" ", "", literal=True).str.replace(_COUNTRY, "")
    code = wide.str.extract(_CODE, 1).cast(pl.Int32, strict=False)
    code = code.set(~code.is_in(list(members())), None)
    street = wide.str.extract(_STREET_BEHIND_CODE, 1).fill_null("")
    uncoded = code.is_null().arg_true()
    if len(uncoded):
        named = _by_name(even.gather(uncoded))
        code, street = code.scatter(uncoded, named["code"]), street.scatter(uncoded, named["behind"])
    numbered = street.str.contains(_BETWEEN_NUMBERS).arg_true()
    street = _replaced(street, numbered, _numbers_apart(pl.col("text")))
    street = pl.select(_text_alone(pl.lit(street))).to_series()
    street = _replaced(street, odd, pl.col("text").str.to_uppercase())
    return pl.DataFrame({"code": code, "street": street}).to_struct(texts.name)


def _replaced(texts: pl.Series, rows: pl.Series, treated: pl.Expr) -> pl.Series:
    """The texts, those in these rows treated."""
    if not len(rows):
        return texts
    return texts.clone().scatter(rows, texts.gather(rows).to_frame("text").select(treated).to_series())


def _wide(text: pl.Expr) -> pl.Expr:
    return without_invisible(without_front(text).str.normalize("NFKC"))


def _by_name(even: pl.Series) -> pl.DataFrame:
    """``code`` of the division that begins the text by its name, null without one, and what stands ``behind``."""
    words = _words_that_may_begin(even)
    codes = {word: division_words()[word] for word in words}
    named = _name_in_front(even, words)
    code = named.replace_strict(codes, default=None, return_dtype=pl.Int32)
    behind = pl.select(pl.lit(even).str.slice(named.str.len_chars().fill_null(0))).to_series()
    return pl.DataFrame({"code": code, "behind": behind})


def without_own_name(texts: pl.Series, numbers: pl.Series) -> pl.Series:
    """String[n]: the texts without the bare name in front that the division of this number (Int32) bears or bore,
    however many others of that name there are: 朝阳区 of an address registered in the one of Changchun.
    """
    own = pl.DataFrame({"text": texts, "number": numbers.cast(pl.Int32)}).with_row_index("row")
    own = own.join(_own_names(), on="number").filter(pl.col("text").str.starts_with(pl.col("name")))
    longest = own.group_by("row").agg(pl.col("name").str.len_chars().max().alias("letters"))
    rows = longest["row"]
    shorter = pl.DataFrame({"text": texts.gather(rows), "letters": longest["letters"]})
    return texts.clone().scatter(rows, shorter.select(pl.col("text").str.slice(pl.col("letters"))).to_series())


@cache
def _own_names() -> pl.DataFrame:
    """``number`` of each county (Int32), in use or not, and ``name`` (String): one of those that it bears or bore."""
    names = defaultdict[int, set[str]](set)
    for code, row in todays().items():
        names[int(code)] |= {row["name"], *short_names(code, row["name"])}
    for row in formers():
        within = counties_of(row)
        for county in () if _is_beyond_county(int(row["code"]), within) else within:
            names[county] |= {row["name"], *short_names("", row["name"])}
    of_counties = {number: within for number, within in members().items() if not _is_beyond_county(number, within)}
    pairs = {(number, name) for number, within in of_counties.items() for county in within for name in names[county]}
    return pl.DataFrame(sorted(pairs), schema={"number": pl.Int32, "name": pl.String}, orient="row")


def make_ready() -> None:
    """Works out now what is worked out once: threads that begin side by side would each do it, all of them slower."""
    division_meanings.make_ready()
    members()
    _words_by_beginning()
    _beyond_county()
    _own_names()


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
    words = [word for beginning in beginnings for word in _words_by_beginning().get(beginning, ())]
    return sorted(words, key=len, reverse=True)


def _name_in_front(even: pl.Series, longest_first: list[str]) -> pl.Series:
    """The longest form of a division's name that begins the text."""
    if not longest_first:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(even))
    found = even.str.slice(0, len(longest_first[0])).str.extract_many(longest_first, leftmost=True).list.first()
    begins = pl.col("even").str.starts_with(pl.col("found"))
    return pl.DataFrame({"even": even, "found": found}).select(pl.when(begins).then("found")).to_series()


@cache
def _beyond_county() -> pl.Series:
    """The numbers of what takes in several counties: provinces, cities, and names of several meanings."""
    beyond = (number for number, extent in all_extents().items() if _is_beyond_county(number, extent.possible))
    return pl.Series(sorted(beyond), dtype=pl.Int32)


def _is_beyond_county(number: int, counties: Collection[int]) -> bool:
    return len(counties) > 1 and (number >= FIRST_OF_NAMES or number % 100 in (0, 1))


def goes_on(text: pl.Expr, code: pl.Expr) -> pl.Expr:
    """Boolean: whether a text that names ``code`` (Int32, as ``division_code``) may mean another place by what stands
    behind it: anything but the same name once more behind what takes in several counties, the name of another place
    behind a county's code; never null.
    """
    pair = pl.struct(text.alias("text"), code.cast(pl.Int32).alias("code"))
    return pair.map_batches(_goes_on, return_dtype=pl.Boolean)


def _goes_on(pairs: pl.Series) -> pl.Series:
    """Only texts that name more than a county, or go on behind a code, are looked at closer."""
    texts, codes = pairs.struct.field("text"), pairs.struct.field("code")
    goes = pl.Series(pairs.name, [False]).new_from_index(0, len(pairs))
    broad = codes.is_in(_beyond_county().implode())
    rows = (broad | (texts.str.contains(_CODE_AND_MORE) & codes.is_not_null())).fill_null(value=False).arg_true()
    if not len(rows):
        return goes
    code, behind = codes.gather(rows), _parted(texts.gather(rows)).struct.field("street")
    again = _parted(behind).struct.unnest()
    the_same = (again["code"] == code).fill_null(value=False) & (again["street"] == "")
    elsewhere = pl.select(place_answer(pl.lit(again["code"]), pl.lit(code))).to_series() == "inconsistent"
    more = (behind != "") & ~the_same
    return goes.scatter(rows, more.zip_with(broad.gather(rows), elsewhere.fill_null(value=False)))


def place_answer(claimed: pl.Expr, registered: pl.Expr) -> pl.Expr:
    """``consistent``, ``under_review`` or ``inconsistent``, of two Int32 codes; null where one is null."""
    pair = pl.struct(claimed.cast(pl.Int32).alias("claimed"), registered.cast(pl.Int32).alias("registered"))
    return pair.map_batches(_compared, return_dtype=pl.String)


def _compared(pairs: pl.Series) -> pl.Series:
    """Each pair of numbers is compared once; equal ones need no table."""
    codes = pairs.struct.unnest()
    same = codes["claimed"] == codes["registered"]
    answers = pl.Series(pairs.name, ["consistent"]).new_from_index(0, len(same)).set(same.is_null(), None)
    rows = (~same).arg_true()
    if not len(rows):
        return answers
    unlike = codes[rows]
    pairs_once = unlike.unique()
    answer = pl.Series("answer", [_answer(*pair) for pair in pairs_once.iter_rows()], dtype=pl.String)
    answered = unlike.join(pairs_once.with_columns(answer), on=unlike.columns, how="left", maintain_order="left")
    return answers.scatter(rows, answered["answer"])


def _answer(claimed: int, registered: int) -> str:
    meant, held = (all_extents().get(number, _NOWHERE) for number in (claimed, registered))
    if held.known and held.possible <= meant.sure:
        return "consistent"
    if not (meant.known and held.known) or held.possible & meant.possible:
        return "under_review"
    return "inconsistent"
