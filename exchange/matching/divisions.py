"""Administrative divisions (GB/T 2260), by code or by name, with or without an address behind the name.

Source of the table: ``schemas/divisions.csv`` (Ministry of Civil Affairs, codes of the province at county level and
above). A claim names a county-level division: a six-digit code, or a text that begins with its full name
(吉林省长春市朝阳区…), with province, or province and city, left out where the name stays the only one of its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import polars as pl

from exchange.matching.codes import plain_word
from exchange.places import SCHEMAS


@cache
def division_words() -> Mapping[str, int]:
    """Full name, and each shorter form that only one division has → code, of county-level divisions."""
    rows = list(pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False).iter_rows(named=True))
    names = {row["code"]: row["name"] for row in rows}
    forms: list[tuple[str, int]] = []
    for row in rows:
        code, name = row["code"], row["name"]
        if code.endswith("00"):
            continue
        city, province = names.get(code[:4] + "00", ""), names[code[:2] + "0000"]
        forms += [(form, int(code)) for form in {row["full_name"], province + city + name, city + name, name}]
    often = Counter(form for form, _ in forms)
    return MappingProxyType({form: code for form, code in forms if often[form] == 1})


def division_code(text: pl.Expr) -> pl.Expr:
    """Int32 code of the county-level division that the text names, null where it names none."""
    even = plain_word(text)
    words = division_words()
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    named = even.str.extract(f"^({longest_first})", 1).replace_strict(dict(words), default=None, return_dtype=pl.Int32)
    coded = even.str.extract(r"^([0-9]{6})([0-9]{6})?$", 1).cast(pl.Int32, strict=False)
    return pl.coalesce(coded, named)


def place_answer(claimed_code: pl.Expr, registered_code: pl.Expr) -> pl.Expr:
    """``consistent`` or ``inconsistent`` for two codes."""
    return pl.when(claimed_code == registered_code).then(pl.lit("consistent")).otherwise(pl.lit("inconsistent"))
