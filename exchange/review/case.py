"""What an officer sees of a row: the claim, the first answers, what would follow, the register's people and records.

Rules
- No more than the decision needs: the people whose number was claimed, now or before, and records under their numbers;
  of somebody said to be unregistered, the candidates; of offence records those of the person asked about that count or
  may count for the request's purpose and no others: of a relative nobody asked about offences.
- Of the register's columns, what establishes the identity, what the asked items read (``matching/items``), and what the
  partner claimed beside (the birth date of somebody said to be unregistered); no others, wherever the row is shown.
- What a missing source would have to say is open as *source not ready*; nobody decides it before the source is there.
- Opening a row is written into the ledger before anything of it is shown.
- Beside a row that is objected to stands what the partner was last told of it, by whichever earlier objection.
- The snapshots are those that the batch was answered from.
- Only the rows that are opened are read and decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from exchange.app import App
from exchange.base.tables import OFFENCE_SOURCES, PENDING, SOURCES
from exchange.matching import id_numbers, unregistered
from exchange.matching.decide import IDENTITY_COLUMN, NOTE
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.lookup import Keys, Rows
from exchange.matching.offence_records import grounds_of
from exchange.matching.sources import Sources
from exchange.register import Review
from exchange.steps.answers import WAITING, BatchContext, answer_columns
from exchange.steps.corrections import corrected
from exchange.steps.rows import REFERENCE

_RELATIVE: Final = "relative_id_number"
_MOTHER: Final = "mother_id_number"
_NUMBERS: Final = ("id_number", _RELATIVE)
"""Whose numbers a claim holds: of the person asked about, and of a relative."""
_IDENTITY: Final = ("key", "name", "doubt", "cancelled", "cancelled_reason")


@dataclass(frozen=True)
class CaseView:
    """``claim``: column → text; ``answers`` and ``proposal``: column → code; ``open``: the columns to be decided;
    ``people``: the register's records of the claimed number; ``others``: of each of them whose number it is instead, by
    the claim's column, empty for who is asked about; ``records``: of the sources, with ``source``, and of
    offence records ``counts`` and ``by`` (``matching.what_counts.grounds``); ``is_test``: all of them are invented.
    """

    review: Review
    claim: Mapping[str, str]
    answers: Mapping[str, str]
    proposal: Mapping[str, str]
    people: pl.DataFrame
    records: pl.DataFrame
    is_test: bool = False
    others: tuple[str, ...] = ()

    @property
    def open(self) -> dict[str, str]:
        """The columns that an officer is to decide → their answers now."""
        return {column: code for column, code in self.answers.items() if code in PENDING}


def load_cases(app: App, batch_id: str, reviews: Sequence[Review], *, hold: bool = False) -> list[CaseView]:
    """What these rows of one batch hold, in their order; each is registered as opened. ``hold``: nobody else opens them
    meanwhile.
    """
    app.register.reviews.opened(batch_id, [review.row for review in reviews], hold=hold)
    context, rows = _context(app, batch_id), [review.row for review in reviews]
    claims = context.claims(rows)
    if context.earlier is None:
        first, (matched, proposed) = context, _both(context, rows)
    else:
        matched = _waiting(context, context.matched(rows))
        first, of_first = context.earlier, context.earlier.rows_of(claims[REFERENCE])
        claims = _of_first(claims, first.claims(of_first))
        told = corrected(app, first.batch, first.answers(of_first), but=batch_id).answers
        proposed = _of_first(matched.select(REFERENCE), told)
    sources = first.sources(later=bool(first.later_pins))
    shown = _shown(sources.population, first.manifest.items, claims.columns)
    cases = []
    for row, review in enumerate(reviews):
        people = _meant(claims[[row]], sources, first, _NUMBERS)
        asked = _meant(claims[[row]], sources, first, _NUMBERS[:1])
        cases.append(
            CaseView(
                review=review,
                claim={name: text for name, text in claims.row(row, named=True).items() if text},
                answers=_codes(matched, row),
                proposal=_codes(proposed, row) | {NOTE: proposed[NOTE][row] or ""},
                people=sources.population.people.take(people, shown),
                records=_records(sources, people, asked),
                is_test=context.batch.is_test,
                others=_others(claims[[row]], sources.population, first, people, asked),
            )
        )
    return cases


@dataclass(frozen=True)
class Proposed:
    """A row's open columns with the proposed answers, the columns that would follow from them, and how many people it
    may mean.
    """

    open: Mapping[str, str]
    follows: Mapping[str, str]
    people: int


def proposals(app: App, batch_id: str, rows: Sequence[int]) -> list[Proposed]:
    """What is proposed for each of these rows of a batch that is no objection; nothing is opened."""
    if not rows:
        return []
    context = _context(app, batch_id)
    (matched, proposed), claims = _both(context, rows), context.claims(rows)
    sources = context.sources(later=bool(context.later_pins))
    return [
        Proposed(_open(matched, row), _codes(proposed, row), len(_meant(claims[[row]], sources, context, _NUMBERS)))
        for row in range(proposed.height)
    ]


def open_columns(app: App, batch_id: str, rows: Sequence[int]) -> list[dict[str, str]]:
    """For each of these rows the columns that are to be decided, with their answers now; nothing is opened."""
    context = _context(app, batch_id)
    matched = _waiting(context, context.matched(rows))
    return [_open(matched, row) for row in range(matched.height)]


def _context(app: App, batch_id: str) -> BatchContext:
    return BatchContext.of_attested(app, app.register.attested(batch_id, rows=()))


def _open(matched: pl.DataFrame, row: int) -> dict[str, str]:
    return {column: code for column, code in _codes(matched, row).items() if code in PENDING}


def _both(context: BatchContext, rows: Sequence[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The answers to these rows, and what would follow."""
    answers, proposed = context.matched_and_proposed(rows)
    return _waiting(context, answers), proposed


def _waiting(context: BatchContext, answers: pl.DataFrame) -> pl.DataFrame:
    """The answers. Somebody in doubt waits for a source as others do, though none was asked yet."""
    if not context.lacks_sources:
        return answers
    waits = pl.col(IDENTITY_COLUMN) == "under_review"
    asked = [f"answer.{item}" for item in context.manifest.items if item in RULES and RULES[item].needs]
    return answers.with_columns(
        pl.when(waits & (pl.col(column) == "under_review")).then(pl.lit(WAITING)).otherwise(column).alias(column)
        for column in asked
    )


def _of_first(rows: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """The rows of an objection with what the earlier batch has of them in their place."""
    own = [name for name in rows.columns if name == "row_ref" or name not in first.columns]
    return rows.select(own).join(first.unique("row_ref", keep="none"), on="row_ref", how="left", maintain_order="left")


def _codes(frame: pl.DataFrame, row: int) -> dict[str, str]:
    return {column.removeprefix("answer."): frame[column][row] for column in answer_columns(frame)}


def _meant(claim: pl.DataFrame, sources: Sources, first: BatchContext, columns: Sequence[str]) -> Rows:
    """The rows of the population that one claim means or may mean: who bear or bore the numbers in these columns, or
    the candidates.
    """
    population = sources.population
    if unregistered.CODE in first.manifest.items:
        return unregistered.candidates(claim, population, first.today)
    return _bearers(claim, population, first, columns)


def _bearers(claim: pl.DataFrame, population: Population, first: BatchContext, columns: Sequence[str]) -> Rows:
    """The rows of who bears or bore the numbers in these columns of one claim."""
    numbers = [claim[column] for column in columns if column in claim.columns]
    if not numbers:
        return np.array([], np.int64)
    claimed = pl.concat(numbers).alias("id_number").to_frame()
    keys = id_numbers.standardise(claimed, first.today)["key"].drop_nulls().to_numpy()
    before = population.former.find(keys)
    return np.unique(np.concatenate([population.people.find(keys).row, population.bearers(before.row)]))


def _others(
    claim: pl.DataFrame, population: Population, first: BatchContext, people: Rows, asked: Rows
) -> tuple[str, ...]:
    """Of each of these people the claim's column that names them and not the person asked about: who is compared with
    them would seem to be wrongly claimed.
    """
    if unregistered.CODE not in first.manifest.items:
        return tuple("" if row in asked else _RELATIVE for row in people)
    mothers = _bearers(claim, population, first, (_MOTHER,))
    return tuple(_MOTHER if row in mothers else "" for row in people)


def _shown(population: Population, items: Sequence[str], claimed: Sequence[str]) -> list[str]:
    """The register's columns that are shown, in its order."""
    read = {column for item in items if item in RULES for column in RULES[item].reads}
    wanted = {*_IDENTITY, *read, *claimed}
    return [column for column in ("key", *population.people.columns) if column in wanted]


def _numbers(rows: Rows, population: Population) -> Keys:
    """All numbers that these people bear or bore."""
    _, former = population.former_keys(rows)
    return np.unique(np.concatenate([population.people.keys[rows], former]))


def _records(sources: Sources, people: Rows, asked: Rows) -> pl.DataFrame:
    """What the other sources hold of these people, each with the source's Chinese name; offence records of those of
    them who are asked about, and whether they count for this purpose, and by which article.
    """
    parts, keys = [], _numbers(people, sources.population)
    counted = grounds_of(asked, sources)
    for source, table in sources.records.items():
        rows, verdicts = np.unique(table.find(keys).row), []
        if source in OFFENCE_SOURCES:
            of_source = counted.filter(pl.col("source") == source).sort("row")
            rows, verdicts = of_source["row"].to_numpy(), [of_source.select("counts", "by")]
        named = pl.Series("source", [SOURCES[source].zh] * len(rows), dtype=pl.String).to_frame()
        records = table.take(rows, table.columns).select(pl.all().cast(pl.String))
        parts.append(pl.concat([named, *verdicts, records], how="horizontal"))
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame({"source": []})
