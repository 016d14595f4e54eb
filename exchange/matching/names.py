"""Names in one form, and whether two of them are the same, variants of each other, or different.

Rules
- Full and half width, blanks inside (张 三), letter case, the curled apostrophe that programs make of a straight one,
  and the many middle dots of minority names are evened out; the register's dot is U+00B7.
- The same character in another encoding is the same: private-use code points of older systems
  (``schemas/private_use.csv``), compatibility characters (NFKC), glyph selectors, radicals that PDF and OCR leave in
  the place of a character (``schemas/radicals.csv``, from Unicode; NFKC knows the Kangxi radicals alone).
- Another form of a character, traditional against simplified or a variant form (异体字), makes a *variant*
  (``schemas/name_variants.csv``, from Unihan, OpenCC and the table of 1955, 第一批异体字整理表): an officer looks,
  neither yes nor no is said.
- The popular form of a surname (闫 for 阎, 肖 for 萧; ``schemas/surname_forms.csv``) is a variant, too, in the first
  place of a name alone.
- A private-use character that no table knows may be any one character: a name that agrees in all others is a variant.
- A registered name that cannot be read (``王?``, of which a system has lost a character, or none at all) neither agrees
  with a name nor disagrees: as with a variant, an officer looks.
- Blanks, invisible characters and the apostrophe by which a spreadsheet marks a text do not begin a name.
- What no name holds (digits, signs, control characters, the mark of a lost character) makes the claim unreadable, and
  so does a name beyond ``MAX_NAME_LETTERS`` characters.

Sources: GB 18030-2022; Unicode UAX 15 and 38; that a variant goes to an officer is the office's choice.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.base.invisible import INVISIBLE
from exchange.base.paths import SCHEMAS
from exchange.matching.codes import without_front
from exchange.matching.octets import Written
from exchange.wire.gb18030 import private_use

MAX_NAME_LETTERS: Final = 50
"""Characters; the register's longest names, transcribed with dots, stay under it (the office's choice)."""

SAME: Final = "same"
VARIANT: Final = "variant"
DIFFERENT: Final = "different"

DOT: Final = "\u00b7"
_APOSTROPHES: Final = MappingProxyType({"\u2019": "'", "\u02bc": "'"})
"""Apostrophes that a name may hold."""
_ACCENT_LIKE_DOT: Final = "\u02d9"
"""NFKC makes a combining accent of it."""

_BLANKS: Final = rf"[\s{INVISIBLE}]+"
_DOTS: Final = (
    r"[.\u00b7\u0387\u119e\u16eb\u2022\u2024\u2027\u2219\u22c5\u25cf\u25e6\u2981\u2e31\u2e33"
    r"\u30fb\u318d\ua78f\uff0e\uff65\ufe52]+"
)
_LATER_LETTERS: Final = r"\x{20000}-\x{2fffd}\x{30000}-\x{3fffd}"
"""Planes 2 and 3 hold ideographs and nothing else: a letter there needs no table of a certain year."""

_READABLE: Final = rf"^[{_LATER_LETTERS}\p{{L}}\p{{M}}\p{{Co}}\u3007{DOT}'’()（）-]+$"
_PRIVATE: Final = r"\p{Co}"
_ANY: Final = "\ue000"
_PLAIN_LETTERS: Final = (2, 3, 4)
_IDEOGRAPHS: Final = (0xE390, 0xE9BF)
"""The first two bytes, in UTF-8, of U+3400 and U+9FFF, between which all unified ideographs lie."""
_HEXAGRAMS: Final = 0xE4B7
"""The first two bytes of the hexagrams, the only characters in between that are no ideographs."""


def standard_name(name: pl.Expr) -> pl.Expr:
    """String: the name in the form in which two names are compared; null stays null."""
    return name.map_batches(lambda names: standard_names(names)[0], return_dtype=pl.String)


def standard_names(names: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The same of a column and its ``name_fault``: String[n] each, in the order of ``names``. A name of a few unified
    ideographs is in standard form already and has no fault; only the others are looked at closer.
    """
    faults: pl.Series = pl.Series([None], dtype=pl.String).new_from_index(0, len(names))
    odd = np.flatnonzero(~_are_plain(names))
    if not len(odd):
        return names, faults
    evened = names[odd].to_frame("name").select(_evened_out(pl.col("name")))
    faulty = evened.select(name_fault(pl.col("name"))).to_series()
    return names.clone().scatter(odd, evened.to_series()), faults.scatter(odd, faulty)


def _are_plain(names: pl.Series) -> npt.NDArray[np.bool_]:
    """Whether names are two to four unified ideographs, of three octets each."""
    written, plain, (first, last) = Written(names), np.zeros(len(names), dtype=bool), _IDEOGRAPHS
    for letters in _PLAIN_LETTERS:
        rows, octets = written.of_length(3 * letters)
        are = np.ones(len(rows), dtype=bool)
        for position in range(0, 3 * letters, 3):
            begin = octets[:, position].astype(np.uint16) << 8 | octets[:, position + 1]
            are &= (begin >= first) & (begin <= last) & (begin != _HEXAGRAMS)
        plain[rows] = are
    return plain


def _evened_out(name: pl.Expr) -> pl.Expr:
    even = (
        without_front(name)
        .str.replace_many({**private_use(), **_radicals(), **_APOSTROPHES, _ACCENT_LIKE_DOT: DOT})
        .str.normalize("NFKC")
        .str.replace_all(_BLANKS, "")
    )
    return even.str.replace_all(_DOTS, DOT).str.to_uppercase().str.normalize("NFKC")  # again: blanks part accents


@cache
def _radicals() -> Mapping[str, str]:
    """Radical of U+2E80 to U+2EFF → the character that it stands for."""
    with (SCHEMAS / "radicals.csv").open(encoding="utf-8", newline="") as file:
        return MappingProxyType({row["radical"]: row["character"] for row in csv.DictReader(file)})


def name_fault(standard: pl.Expr) -> pl.Expr:
    """String: the answer code that says why a claimed name, in standard form, cannot be compared, or null."""
    return (
        pl.when(standard == "")
        .then(pl.lit("name_missing"))
        .when((standard.str.len_chars() > MAX_NAME_LETTERS) | ~standard.str.contains(_READABLE))
        .then(pl.lit("name_format"))
    )


def compare(claimed: pl.Expr, registered: pl.Expr) -> pl.Expr:
    """String: ``same``, ``variant`` or ``different``, of two names in standard form; null where one is null. Only what
    is not the same is looked at closer.
    """
    pair = pl.struct(claimed.alias("claimed"), registered.alias("registered"))
    return pair.map_batches(_compared, return_dtype=pl.String)


@cache
def variant_forms() -> Mapping[str, str]:
    """Character → the one that stands for all its variants; the standing ones are not in it."""
    rows = pl.read_csv(SCHEMAS / "name_variants.csv", infer_schema=False)
    return MappingProxyType({form: standing for standing, forms in rows.iter_rows() for form in forms})


def in_one_form(names: pl.Series) -> pl.Series:
    """Names in standard form (String[n]) in one form for all variants: standard characters, the plain surname, one mark
    for any private-use character: String[n], in their order, null where the name is null. Two names that
    :func:`compare` calls variants by their characters become equal.
    """
    marked = names.str.replace_all(_PRIVATE, _ANY)
    return marked.to_frame("name").select(_folded(marked.to_frame("name"))).to_series()


def _folded(names: pl.DataFrame) -> pl.Expr:
    """Every column in standing characters and with the plain surname."""
    return _with_plain_surname(pl.all().str.replace_many(_forms_in(names)))


def _compared(pairs: pl.Series) -> pl.Series:
    same, variant = same_or_variant(pairs.struct.field("claimed"), pairs.struct.field("registered"))
    different = pl.when(~same).then(pl.lit(DIFFERENT))
    agreement = pl.when(variant).then(pl.lit(VARIANT)).when(same).then(pl.lit(SAME)).otherwise(different)
    return pl.select(agreement).to_series()


def same_or_variant(claimed: pl.Series, registered: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Of names in standard form, String[n] each, whether the two at one place are the same, null where one is null; and
    whether they are variants or the registered one cannot be read, never null: Boolean[n] each, in the order given. Of
    two that are the same it is not asked.
    """
    same, variant = claimed == registered, np.zeros(len(claimed), dtype=bool)
    rows = np.flatnonzero(surely(~same))
    if len(rows):
        unlike = pl.DataFrame({"claimed": claimed[rows], "registered": registered[rows]})
        folded = unlike.select(_folded(unlike))
        unknown = unlike.select(name_fault(pl.col("registered")).is_not_null()).to_series()
        variant[rows] = (folded["claimed"] == folded["registered"]) | _open_to_a_private_character(folded) | unknown
    return same, pl.Series(variant)


def surely(truths: pl.Series) -> npt.NDArray[np.bool_]:
    """Where Boolean[n] is true and not null: bool[n], in the order given."""
    known: npt.NDArray[np.bool_] = (truths.fill_null(value=False) if truths.null_count() else truths).to_numpy()
    return known


@cache
def surname_forms() -> Mapping[str, str]:
    """Surname of one character, in its standing form → the one that stands for all its popular forms."""
    rows = pl.read_csv(SCHEMAS / "surname_forms.csv", infer_schema=False).iter_rows(named=True)
    standing = variant_forms()
    return MappingProxyType(
        {standing.get(r["form"], r["form"]): standing.get(r["surname"], r["surname"]) for r in rows}
    )


def _with_plain_surname(name: pl.Expr) -> pl.Expr:
    return name.str.slice(0, 1).replace(dict(surname_forms())) + name.str.slice(1)


def _forms_in(names: pl.DataFrame) -> dict[str, str]:
    """The forms that these names hold: all of them take 30 ms to look for, however few the names."""
    letters = pl.concat([column.str.split("").explode() for column in names]).unique().drop_nulls()
    return {letter: variant_forms()[letter] for letter in sorted(variant_forms().keys() & letters)}


def _open_to_a_private_character(names: pl.DataFrame) -> pl.Series:
    """Whether every character that is private in neither name agrees, and at least one does."""
    even = pl.col("claimed").str.len_chars() == pl.col("registered").str.len_chars()
    private = pl.any_horizontal(pl.col("claimed", "registered").str.contains(_PRIVATE))
    candidates = names.with_row_index("row").filter(even & private)
    characters = candidates.with_columns(pl.col("claimed", "registered").str.split("")).explode("claimed", "registered")
    agrees = pl.col("claimed") == pl.col("registered")
    known = ~pl.any_horizontal(pl.col("claimed", "registered").str.contains(_PRIVATE))
    fits = characters.group_by("row").agg(((agrees | ~known).all() & (agrees & known).any()).alias("fits"))
    rows = fits.filter("fits")["row"]
    return pl.Series(range(names.height), dtype=pl.UInt32).is_in(rows.implode())
