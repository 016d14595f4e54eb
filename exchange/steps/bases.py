"""The legal bases of a batch: in force on the day of receipt, named to the partner, checked again before a release.

Rules
- A purpose of which a basis is not in force on the day of receipt is refused; the receipt says the dates.
- Receipt and result name every basis of a purpose that asks about offences, law and article.
- Rows may wait while a basis ends. What leaves afterwards is what the bases that still hold let the partner know: under
  none, nothing is said of offences; under the rest, a record that only the ended one named is not there. The leader
  looks at such a release whatever else was approved in advance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import LETTER_ITEMS
from exchange.base.errors import Refused
from exchange.base.legal_bases import LegalBasis
from exchange.steps.answers import BatchContext
from exchange.steps.disclosure import AWAITING
from exchange.wire.manifest import Basis, RequestManifest

NOT_IN_FORCE: Final = "legal_basis_not_in_force"
ENDED: Final = "basis_ended"
_CLEAN: Final = (AWAITING, "no_record")
_SAID: Final = (*_CLEAN, "record_found", "under_review", "source_not_ready")


def check_bases(agreement: Agreement, manifest: RequestManifest, received: date) -> None:
    """Refused where a basis of the purpose is not in force on the day of receipt."""
    purpose = agreement.purpose(manifest.purpose)
    if purpose is not None and not all(basis.in_force(received) for basis in purpose.bases):
        raise Refused("legal_basis_not_in_force", column="legal_basis")


def named(agreement: Agreement, purpose: str) -> list[Basis] | None:
    """The bases of this purpose as receipt and result name them; None where it asks nothing about offences."""
    agreed = agreement.purpose(purpose)
    if agreed is None or not agreed.bases:
        return None
    return [
        Basis(
            code=basis.code,
            law=basis.law,
            article=basis.article,
            in_force_from=basis.in_force_from,
            in_force_until=basis.in_force_until,
        )
        for basis in agreed.bases
    ]


def has_ended(context: BatchContext, day: date) -> bool:
    """Whether a legal basis on which this batch asks about offences is no longer in force on this day."""
    asked = not LETTER_ITEMS.isdisjoint(context.manifest.items)
    return asked and not all(basis.in_force(day) for basis in context.bases)


def looked_at_again(context: BatchContext, answers: pl.DataFrame, rows: Sequence[int], day: date) -> pl.DataFrame:
    """The answers to these rows under the legal bases that are in force on this day; unchanged where all still are.
    ``answers``: columns of ``matching.decide``, a row for each of ``rows``, in their order.
    """
    if not has_ended(context, day):
        return answers
    holding = [basis for basis in context.bases if basis.in_force(day)]
    return answers.with_columns(
        _under(context, rows, holding, item) for item in sorted(LETTER_ITEMS & set(context.manifest.items))
    )


def _under(context: BatchContext, rows: Sequence[int], holding: Sequence[LegalBasis], item: str) -> pl.Expr:
    column = f"answer.{item}"
    if not holding:
        return pl.when(pl.col(column).is_in(_SAID)).then(pl.lit(ENDED)).otherwise(column).alias(column)
    matched = replace(context, resting_on=tuple(holding)).matched(rows)[column]
    nothing_left = pl.lit(matched.is_in(list(_CLEAN))) & (pl.col(column) == "record_found")
    return pl.when(nothing_left).then(pl.lit("no_record")).otherwise(column).alias(column)
