"""What of a person's offence records counts for a purpose: the one function that decides it, over the catalogue of
``schemas/legal_bases.toml``.

Rules
- A record counts where one clause of one basis fits it. What it does not say (its charge is not known, whether it was
  intentional, a sentence that cannot be read) makes it *unclear* where that could decide: an officer looks. All else is
  not there for the purpose: whoever answers, queues, shows or counts asks here first.
- Violations of public-security administration count under national provisions only, whatever else the basis names.
- A judgment without imprisonment may be an exemption, which is no punishment: *unclear* where the law asks for one,
  unless political rights were taken, which is one by itself.
- Life imprisonment takes political rights with it, whether the source says so or not.
- A span after the end of the punishment is told by the days between which that can have been. The first: the effective
  day, for detention before it is deducted, but not before half of the sentence (of life, ten years) since the
  offence, for no more is remitted. The last: the whole sentence after the effective day, and five years, which
  probation, a supplementary penalty or a sentence served late may take; none for life. Between them the record is
  *unclear*. A span is over at the end of its last day, which bears the date of its beginning.
- A drug record says by its kind what it was about, unless its charge says that the person came to be treated.
- A number of penalties is counted over one person's records of all sources: as many as there are days of decision, for
  sure; as many as differ in a day of decision or offence, perhaps. Records that lack one of these days may be as many
  penalties as one source has of them: what is not written makes nobody's count smaller.

Sources: Civil Code art. 201 to 203 (spans); Drug Control Law art. 62 (who comes of themselves is not punished);
Public Security Administration Punishments Law of 2025, art. 136; Criminal Law art. 37 (exemption), 47
(deduction), 55, 57 (political rights), 73 (probation), 78, 81 (remission, parole); the articles that the catalogue
names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.charges import Charge, recognise
from exchange.base.legal_bases import VIOLATIONS, Clause, LegalBasis
from exchange.matching.sources import UNCLEAR

COUNTS: Final = "counts"
COLUMNS: Final = (
    "kind", "charge", "intent", "political_rights", "sentence_months", "sentence_unread", "offence_date", "decided_on",
    "effective_on",
)  # fmt: skip
"""What is read of a record."""

LIFE: Final = 9999
_LIFE_SERVED: Final = 120
"""Months of a life sentence that are served at least: ten years before 2011-05-01, thirteen since."""

_AFTERWARDS: Final = 60
"""Months that the punishment may have ended later than its sentence says."""

_IMPLIED: Final = MappingProxyType(
    {"drug": "drug_use", "compulsory_isolation": "drug_use", "custody_education": "prostitution"}
)
"""Kinds that say by themselves what it was about."""

_VOLUNTARY: Final = "drug_treatment"


def what_counts(records: pl.DataFrame, bases: Sequence[LegalBasis], day: date) -> pl.Series:
    """String[n], for each record, in their order: ``counts``, ``unclear`` or null: not there for this purpose.

    ``records``: ``COLUMNS`` as a snapshot has them, ``person``, equal for the records of one person, and ``source``
    (String). ``day``: of receipt.
    """
    fits = [_fits(clause, basis, records, day) for basis in bases for clause in basis.counts] if records.height else []
    if not fits:
        return pl.Series("counts", [None] * records.height, dtype=pl.String)
    any_fits = pl.any_horizontal(fits)
    verdict = pl.when(any_fits).then(pl.lit(COUNTS)).when(any_fits.is_null()).then(pl.lit(UNCLEAR))
    return records.select(verdict.alias("counts"))["counts"]


def grounds(records: pl.DataFrame, bases: Sequence[LegalBasis], day: date) -> pl.DataFrame:
    """``counts`` as ``what_counts`` gives it, and ``by``: law, article and paragraph by which a record counts or is
    unclear, several separated by ；, null for any other record; both String, a row for each record, in their order.
    ``records`` and ``day``: as there.
    """
    verdict = what_counts(records, bases, day)
    if verdict.is_null().all():
        return pl.DataFrame({"counts": verdict, "by": pl.Series([None] * len(verdict), dtype=pl.String)})
    clauses: dict[str, list[pl.Expr]] = {}
    for basis in bases:
        for clause in basis.counts:
            clauses.setdefault(f"{basis.name}{clause.paragraph}", []).append(_fits(clause, basis, records, day))
    asked_for = pl.when(pl.col("counts") == COUNTS).then(pl.lit(value=True))  # null: what is unclear
    named = [
        pl.when(pl.any_horizontal(fits).eq_missing(asked_for)).then(pl.lit(name)) for name, fits in clauses.items()
    ]
    by = pl.when(pl.col("counts").is_not_null()).then(pl.concat_str(named, separator="；", ignore_nulls=True))
    return records.with_columns(verdict).select("counts", by.alias("by"))


def _fits(clause: Clause, basis: LegalBasis, records: pl.DataFrame, day: date) -> pl.Expr:
    """Whether the clause fits, null where the record does not say."""
    named = [kind for kind in clause.kinds if basis.national_provision or kind not in VIOLATIONS]
    fits = pl.when(pl.col("kind") != UNCLEAR).then(pl.col("kind").is_in(named)) if named else pl.lit(value=False)
    if not clause.any_charge:
        fits = fits & _of_charge(clause, records)
    if clause.sentence is not None:
        fits = fits & _SENTENCES[clause.sentence]
    if clause.intentional:
        stated = pl.col("intent").replace_strict({"intentional": True, "negligent": False}, default=None)
        fits = fits & pl.coalesce(stated.cast(pl.Boolean), _by_charge(records, _intentional))
    if clause.years is not None:
        fits = fits & _within(clause.years, clause.years_perhaps or clause.years, day)
    return _counted(fits, clause.at_least) if clause.at_least > 1 else fits


def _by_charge(records: pl.DataFrame, says: Callable[[str], bool | None]) -> pl.Expr:
    """What the charge says, found out once for each that is written."""
    written = records["charge"].unique()
    answers = pl.Series([says(text or "") for text in written], dtype=pl.Boolean)
    return pl.col("charge").replace_strict(written, answers, return_dtype=pl.Boolean)


def _of_charge(clause: Clause, records: pl.DataFrame) -> pl.Expr:
    """Whether the charge fits the clause: by the kind where that says it, else by the charge; null where it is
    unclear.
    """
    implied = pl.col("kind").replace_strict(
        {kind: category in clause.categories for kind, category in _IMPLIED.items()},
        default=None,
        return_dtype=pl.Boolean,
    )
    voluntary = (pl.col("kind") == "drug") & _by_charge(records, _is_voluntary)
    implied = pl.when(~voluntary).then(implied)
    return pl.coalesce(implied, _by_charge(records, partial(_placed, clause)))


def _placed(clause: Clause, written: str) -> bool | None:
    recognised = recognise(written)
    if any(_is_named(clause, charge) for charge in recognised.charges):
        return True
    return None if recognised.unknown or any(_in_doubt(clause, charge) for charge in recognised.charges) else False


def _is_voluntary(written: str) -> bool:
    """Whether a record of drug use is one of treatment that the person sought, and of nothing else."""
    recognised = recognise(written)
    return not recognised.unknown and all(charge.category == _VOLUNTARY for charge in recognised.charges)


def _is_named(clause: Clause, charge: Charge) -> bool:
    return charge.category in clause.categories or charge.name in clause.charges


def _in_doubt(clause: Clause, charge: Charge) -> bool:
    return charge.category in clause.doubtful or charge.name in clause.doubtful


def _intentional(written: str) -> bool | None:
    recognised = recognise(written)
    intents = {charge.intent for charge in recognised.charges}
    if "intentional" in intents:
        return True
    return None if recognised.unknown or None in intents else False


_MONTHS: Final = pl.col("sentence_months").fill_null(0)
_IMPRISONED: Final = pl.when(~pl.col("sentence_unread")).then(_MONTHS > 0)
_DEPRIVED: Final = pl.col("political_rights").replace_strict(
    {"yes": True, "no": False}, default=None, return_dtype=pl.Boolean
)
_SENTENCES: Final = MappingProxyType(
    {
        "punished": pl.when(_IMPRISONED | _DEPRIVED).then(pl.lit(value=True)),
        "imprisonment": _IMPRISONED,
        "political_rights": _DEPRIVED | (_MONTHS >= LIFE),
    }
)


def _within(years: int, perhaps: int, day: date) -> pl.Expr:
    """Whether the day is one of so many years after the punishment ended; null where it depends on when that was,
    and until ``perhaps`` years after.
    """
    life = _MONTHS >= LIFE
    served = pl.when(life).then(_LIFE_SERVED).otherwise(_MONTHS // 2)
    first = pl.max_horizontal("effective_on", _later("offence_date", served))
    last = _later("effective_on", _MONTHS.clip(0, LIFE) + _AFTERWARDS)
    surely = pl.lit(day) <= first.dt.offset_by(f"{years}y")
    over = ~life & (pl.lit(day) > last.dt.offset_by(f"{perhaps}y"))
    counts = pl.when(surely).then(pl.lit(value=True)).when(over).then(pl.lit(value=False))
    return pl.when(~pl.col("sentence_unread")).then(counts)


def _later(column: str, months: pl.Expr) -> pl.Expr:
    return pl.col(column).dt.offset_by(pl.concat_str(months, pl.lit("mo")))


def _counted(fits: pl.Expr, at_least: int) -> pl.Expr:
    """Of a clause that asks for several records: true where the person has so many that fit, null where that is
    unclear.
    """
    decided = pl.col("decided_on").filter(fits).drop_nulls().n_unique().over("person")
    days = ("decided_on", "offence_date")
    undated = pl.any_horizontal(pl.col(days).is_null())
    beside = pl.when(undated).then(pl.int_range(pl.len()).over("person", "source", *days))
    told_apart = pl.struct(*days, beside.alias("beside"))
    perhaps = told_apart.filter(fits.fill_null(value=True)).n_unique().over("person")
    return fits & pl.when(decided >= at_least).then(pl.lit(value=True)).when(perhaps < at_least).then(
        pl.lit(value=False)
    )
