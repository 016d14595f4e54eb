"""The catalogue of legal bases for asking about offences: ``schemas/legal_bases.toml``, read and checked once;
without pydantic, whose import takes a fifth of a short process's start.

Rule: an entry names only kinds of record, categories and charges that stand in their tables, and kinds of partner that
stand in its own; a file that does not fit is a fault of the software, not of a partner.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar, get_args

from exchange.base.charges import categories, charge
from exchange.base.errors import Halt
from exchange.base.paths import SCHEMAS
from exchange.base.tables import OFFENCE_KINDS

NEVER: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.counts == "never")
VIOLATIONS: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.violation)
"""Kinds of record that are told under a national provision only (治安管理处罚法 of 2025, art. 136)."""

Sentence = Literal["punished", "imprisonment", "political_rights"]
Read = Literal["text", "secondary"]

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PARAGRAPH: Final = re.compile(r"(第[一二三四五六七八九十]+[款项])*")
"""Paragraph (款) and subparagraph (项) of an article; empty: the whole article."""

T = TypeVar("T")


@dataclass(frozen=True)
class Clause:
    """One reason for which a record counts; all that it names must hold. See the table's head for the fields."""

    kinds: tuple[str, ...]
    categories: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    sentence: Sentence | None = None
    intentional: bool = False
    years: int | None = None
    years_perhaps: int | None = None
    at_least: int = 1
    paragraph: str = ""

    @property
    def any_charge(self) -> bool:
        """Whether a record fits whatever its charge is."""
        return not (self.categories or self.charges or self.doubtful)

    def __post_init__(self) -> None:
        _named("kinds", self.kinds)
        _known("kinds", self.kinds, set(OFFENCE_KINDS) - set(NEVER))
        _known("categories", self.categories, categories())
        for name in (*self.charges, *(kind for kind in self.doubtful if kind not in categories())):
            if charge(name).name != name:
                msg = f"charges: {name} is {charge(name).name} today"
                raise ValueError(msg)
        _known("sentence", (self.sentence,), (*get_args(Sentence), None))
        if any(number is not None and number < 1 for number in (self.years, self.years_perhaps, self.at_least)):
            msg = "years, years_perhaps, at_least: below 1"
            raise ValueError(msg)
        _written("paragraph", self.paragraph, _PARAGRAPH)


@dataclass(frozen=True)
class LegalBasis:
    """One article of law that lets its partners know offences. See the table's head for the fields."""

    code: str
    law: str
    article: str
    version: date
    in_force_from: date
    read: Read
    who: tuple[str, ...]
    national_provision: bool
    asked_each_year: bool
    zh: str
    en: str
    counts: tuple[Clause, ...]
    in_force_until: date | None = None

    def __post_init__(self) -> None:
        _written("code", self.code, _CODE)
        _known("read", (self.read,), get_args(Read))
        _named("who", self.who)
        _named("counts", self.counts)

    @property
    def name(self) -> str:
        """Law and article, as a request cites them."""
        return f"{self.law}{self.article}"

    def in_force(self, day: date) -> bool:
        """Whether it is in force on this day."""
        return self.in_force_from <= day and (self.in_force_until is None or day <= self.in_force_until)


@dataclass(frozen=True)
class PartnerKind:
    """What kind of department a partner is, by which the bases say who may rest on them."""

    code: str
    zh: str
    en: str


def _named(field: str, values: Collection[object]) -> None:
    if not values:
        msg = f"{field}: none is named"
        raise ValueError(msg)


def _known(field: str, values: Iterable[str | None], table: Collection[str | None]) -> None:
    if unknown := sorted({str(value) for value in values if value not in table}):
        msg = f"{field}: {', '.join(unknown)}"
        raise ValueError(msg)


def _written(field: str, value: str, form: re.Pattern[str]) -> None:
    if not form.fullmatch(value):
        msg = f"{field}: {value}"
        raise ValueError(msg)


def basis(entry: Mapping[str, Any]) -> LegalBasis:
    """What an entry of the table says; ValueError, TypeError or KeyError where it does not fit."""
    return LegalBasis(**_with_tuples(entry) | {"counts": tuple(clause(counting) for counting in entry["counts"])})


def clause(entry: Mapping[str, Any]) -> Clause:
    """One of its ``counts``; errors as :func:`basis`."""
    return Clause(**_with_tuples(entry))


def _with_tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


@cache
def _content() -> dict[str, Any]:
    try:
        return tomllib.loads((SCHEMAS / "legal_bases.toml").read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        msg = f"schemas/legal_bases.toml: not TOML: {error}"
        raise Halt(msg) from None


def _entries(table: str, made: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """Halt, with the entry's number, where one does not fit."""
    entries = []
    for number, entry in enumerate(_content()[table], 1):
        try:
            entries.append(made(entry))
        except (ValueError, TypeError, KeyError) as error:
            msg = f"schemas/legal_bases.toml: [[{table}]] number {number}: {error}"
            raise Halt(msg) from None
    return entries


@cache
def legal_bases() -> Mapping[str, LegalBasis]:
    """Code → basis, in the table's order."""
    bases = _entries("basis", basis)
    by_code = {entry.code: entry for entry in bases}
    if len(by_code) != len(bases) or any(not partner_kinds().keys() >= set(entry.who) for entry in bases):
        msg = "schemas/legal_bases.toml: a code stands twice, or `who` names what is no [[partner_kind]]"
        raise Halt(msg)
    return MappingProxyType(by_code)


@cache
def partner_kinds() -> Mapping[str, PartnerKind]:
    """Code → kind of partner."""
    kinds = _entries("partner_kind", lambda entry: PartnerKind(**entry))
    return MappingProxyType({kind.code: kind for kind in kinds})


def bases_for(kind: str) -> tuple[LegalBasis, ...]:
    """The bases that a partner of this kind may rest on."""
    return tuple(entry for entry in legal_bases().values() if kind in entry.who)
