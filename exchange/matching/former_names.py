"""Former names (曾用名), of which the register may hold several in one field.

Rules: names are parted by 、 , ; / or blanks, and evened out as names are. A blank may also stand inside a name, so
what is between two marks counts as one name too. A field that says that there is none (无) is an empty one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.matching.names import standard_name

NONE_WORDS: Final = ("无", "無", "没有", "無有", "无曾用名", "没有曾用名", "NONE", "NIL")
MARK: Final = "、"
_MARKS: Final = r"[、﹑,;；，/|]+"


def none_named(text: pl.Expr) -> pl.Expr:
    """Boolean: whether the text says that there is no former name; null where the text is null."""
    return standard_name(text).is_in(NONE_WORDS)


def claimed_names(text: pl.Expr) -> pl.Expr:
    """List(String) of the names between marks, in their order and in standard form; blanks inside a name are evened
    out. Null stays null.
    """
    even = text.str.normalize("NFKC").str.replace_all(_MARKS, MARK).str.strip_chars(MARK + " ")
    return standard_name(even).str.split(MARK)


def registered_names(text: pl.Expr) -> pl.Expr:
    """List(String) of every name that the register's field may mean, each once; empty for none. Null stays null."""
    whole = claimed_names(text)
    parts = standard_name(text.str.normalize("NFKC").str.replace_all(r"\s+", MARK).str.replace_all(_MARKS, MARK))
    parts = parts.str.split(MARK).list.eval(pl.element().filter(pl.element().str.len_chars() > 1))
    names = whole.list.concat(parts).list.unique(maintain_order=True)
    return names.list.eval(pl.element().filter((pl.element() != "") & ~pl.element().is_in(NONE_WORDS)))
