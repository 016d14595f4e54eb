"""Which people's records an officer must look at, by the legal basis on which a partner asks: computed here from what
was planted, without the catalogue of legal bases and the matching; tests compare the two.

Rules: written from the articles, basis by basis, for the bases that the demo's partners rest on. A record of an unknown
kind may be any; one of an unknown charge may be about anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

_HARM: Final = ["sexual_assault", "indecency", "abuse", "trafficking", "violence", "perhaps_violence", "unknown"]
_PENALTY: Final = ["administrative_detention", "administrative_penalty", "labour_reeducation"]
_UNKNOWN_KIND: Final = pl.col("counts_as") == "unclear"
_JUDGMENT: Final = pl.col("counts_as") == "judgment"
_WILFUL: Final = pl.col("about") != "negligence"
_LIFE: Final = 9999


def _of(*kinds: str) -> pl.Expr:
    return pl.col("counts_as").is_in([*kinds, "unclear"])


def _about(*what: str) -> pl.Expr:
    return pl.col("about").is_in([*what, "unknown"])


def _convictions() -> pl.Expr:
    return _JUDGMENT | _UNKNOWN_KIND


def _close_to_minors() -> pl.Expr:
    return _of("judgment", *_PENALTY) & pl.col("about").is_in(_HARM)


def _kindergarten() -> pl.Expr:
    use = _of("drug", "compulsory_isolation") & ~_UNKNOWN_KIND
    more = _of("judgment", *_PENALTY) & _about("harassment", "gambling")
    return _close_to_minors() | more | use | (_of(*_PENALTY) & _about("drug_use"))


def _teachers() -> pl.Expr:
    imprisoned = _JUDGMENT & (pl.col("sentence_months") > 0).fill_null(value=False) & _WILFUL
    life = _JUDGMENT & (pl.col("sentence_months") == _LIFE).fill_null(value=False)
    return imprisoned | life | (_JUDGMENT & (pl.col("political_rights") != "no")) | _UNKNOWN_KIND


def _guards() -> pl.Expr:
    """Three detentions on different days; those of one person are, here, where their offences are."""
    detained = pl.col("counts_as") == "administrative_detention"
    days = pl.col("offence_date").filter(detained | _UNKNOWN_KIND).n_unique().over("id_number")
    once = _of("custody_education", "compulsory_isolation", "labour_reeducation")
    return (_JUDGMENT & _WILFUL) | once | (detained & (days >= 3))


def _school_bus() -> pl.Expr:
    return _convictions() | _of("drug", "compulsory_isolation") | (_of(*_PENALTY) & _about("drug_use", "drink_driving"))


_KNOWN: Final[Mapping[str, Callable[[], pl.Expr]]] = MappingProxyType(
    {
        "case_handling_286": _convictions,
        "minors_protection_62": _close_to_minors,
        "preschool_44": _kindergarten,
        "teachers_14": _teachers,
        "security_guards_17": _guards,
        "school_bus_23": _school_bus,
    }
)
BASES: Final = tuple(_KNOWN)


def on_record(records: pl.DataFrame, *bases: str) -> pl.Series:
    """The id numbers of people whose records an officer must look at where somebody asks on these bases: String, each
    once, in no order. Without bases, as a court asks in a case: of people with convictions.
    """
    known = pl.any_horizontal(_KNOWN[basis]() for basis in bases or ("case_handling_286",))
    numbers: pl.Series = records.filter(known)["id_number"].unique()
    return numbers
