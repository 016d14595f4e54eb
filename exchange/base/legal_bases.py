"""The catalogue of legal bases for asking about offences: ``schemas/legal_bases.toml``, read and checked once.

Rule: an entry names only kinds of record, categories and charges that stand in their tables, and kinds of partner that
stand in its own; a file that does not fit is a fault of the software, not of a partner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exchange.base.charges import categories, charge
from exchange.base.paths import SCHEMAS
from exchange.base.tables import OFFENCE_KINDS
from exchange.base.toml import parse_model

NEVER: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.counts == "never")
VIOLATIONS: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.violation)
"""Kinds of record that are told under a national provision only (治安管理处罚法 of 2025, art. 136)."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clause(_Entry):
    """One reason for which a record counts; all that it names must hold. See the table's head for the fields."""

    kinds: Annotated[tuple[str, ...], Field(min_length=1)]
    categories: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    sentence: Literal["punished", "imprisonment", "political_rights"] | None = None
    intentional: bool = False
    years: Annotated[int, Field(ge=1)] | None = None
    years_perhaps: Annotated[int, Field(ge=1)] | None = None
    at_least: Annotated[int, Field(ge=1)] = 1
    item: Annotated[str, Field(pattern=r"^(第[一二三四五六七八九十]+[款项])*$")] = ""

    @property
    def any_charge(self) -> bool:
        return not (self.categories or self.charges or self.doubtful)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := set(self.kinds) - set(OFFENCE_KINDS) | set(self.kinds) & set(NEVER):
            msg = f"kinds: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        if unknown := set(self.categories) - set(categories()):
            msg = f"categories: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        for name in (*self.charges, *(kind for kind in self.doubtful if kind not in categories())):
            if charge(name).name != name:
                msg = f"charges: {name} is {charge(name).name} today"
                raise ValueError(msg)
        return self


class LegalBasis(_Entry):
    """One article of law that lets its partners know offences."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    law: str
    article: str
    version: date
    in_force_from: date
    in_force_until: date | None = None
    read: Literal["text", "secondary"]
    who: Annotated[tuple[str, ...], Field(min_length=1)]
    national_provision: bool
    asked_each_year: bool
    zh: str
    en: str
    counts: Annotated[tuple[Clause, ...], Field(min_length=1)]

    @property
    def name(self) -> str:
        """Law and article, as a request cites them."""
        return f"{self.law}{self.article}"

    def in_force(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_until is None or day <= self.in_force_until)


class PartnerKind(_Entry):
    code: str
    zh: str
    en: str


class _Catalogue(_Entry):
    partner_kind: tuple[PartnerKind, ...]
    basis: tuple[LegalBasis, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        kinds = {kind.code for kind in self.partner_kind}
        if len({basis.code for basis in self.basis}) != len(self.basis):
            msg = "basis: a code stands twice"
            raise ValueError(msg)
        if unknown := {kind for basis in self.basis for kind in basis.who} - kinds:
            msg = f"who: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        return self


@cache
def _catalogue() -> _Catalogue:
    path = SCHEMAS / "legal_bases.toml"
    return parse_model(_Catalogue, path.read_bytes(), path.relative_to(path.parents[1]))


@cache
def legal_bases() -> Mapping[str, LegalBasis]:
    """Code → basis, in the table's order."""
    return MappingProxyType({basis.code: basis for basis in _catalogue().basis})


@cache
def partner_kinds() -> Mapping[str, PartnerKind]:
    """Code → kind of partner."""
    return MappingProxyType({kind.code: kind for kind in _catalogue().partner_kind})


def bases_for(kind: str) -> tuple[LegalBasis, ...]:
    """The bases that a partner of this kind may rest on."""
    return tuple(basis for basis in legal_bases().values() if kind in basis.who)
