"""Names in one form for comparison.

Rules: full and half width, blanks inside (张 三), letter case and the many middle dots of minority names are evened
out; the register's dot is U+00B7. What no name holds (digits, signs, control characters, the mark of a lost
character) makes the claim unreadable, and so does a name beyond ``GREATEST_NAME`` characters.
"""

from __future__ import annotations

from typing import Final

import polars as pl

GREATEST_NAME: Final = 50
"""Characters; the register's longest names, transcribed with dots, stay under it (the office's choice)."""

DOT: Final = "\u00b7"
_BLANKS: Final = r"[\s\u200b-\u200d\u2060\ufeff]+"
_DOTS: Final = r"[.\u00b7\u0387\u16eb\u2022\u2024\u2027\u2219\u22c5\u25cf\u25e6\u2e31\u2e33\u30fb\uff0e\uff65\ufe52]+"
_READABLE: Final = rf"^[\p{{L}}\p{{M}}\p{{Co}}{DOT}'’()（）-]+$"


def standard_name(name: pl.Expr) -> pl.Expr:
    """The name in the form in which two names are compared."""
    even = name.str.normalize("NFKC").str.replace_all(_BLANKS, "")
    return even.str.replace_all(_DOTS, DOT).str.to_uppercase()


def name_fault(standard: pl.Expr) -> pl.Expr:
    """Why a claimed name, in standard form, cannot be compared: an answer code, or null."""
    return (
        pl.when(standard == "")
        .then(pl.lit("name_missing"))
        .when((standard.str.len_chars() > GREATEST_NAME) | ~standard.str.contains(_READABLE))
        .then(pl.lit("name_format"))
    )


def compare(claimed: pl.Expr, registered: pl.Expr) -> pl.Expr:
    """``same``, ``variant`` or ``different`` for two names in standard form."""
    return pl.when(claimed == registered).then(pl.lit("same")).otherwise(pl.lit("different"))
