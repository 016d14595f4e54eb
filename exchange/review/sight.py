"""What an officer sees of a row: the claim, the first answers, what would follow, the register's people and records.

Rules
- No more than the decision needs: the people whose number was claimed, now or before, and records under their numbers;
  of offence records those that count for the request's purpose and no others.
- Opening a row is written into the ledger before anything of it is shown.
- The snapshots are those that the batch was answered from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from exchange.matching import id_numbers
from exchange.matching.decide import NOTE
from exchange.matching.lookup import Keys, Rows
from exchange.matching.sources import UNCLEAR, Sources
from exchange.office import Office
from exchange.register import Review
from exchange.steps.answers import PENDING, Question, answer_columns
from exchange.tables import OFFENCE_KINDS, SOURCES

_KIND_WORDS = {kind.code: kind.zh for kind in OFFENCE_KINDS.values()} | {UNCLEAR: "无法识别"}


@dataclass(frozen=True)
class Sight:
    """``claim``: column → text; ``answers`` and ``proposal``: column → code; ``open``: the columns to be decided;
    ``people``: the register's records of the claimed number; ``records``: of the sources, with ``source``.
    """

    review: Review
    claim: Mapping[str, str]
    answers: Mapping[str, str]
    proposal: Mapping[str, str]
    people: pl.DataFrame
    records: pl.DataFrame

    @property
    def open(self) -> dict[str, str]:
        return {column: code for column, code in self.answers.items() if code in PENDING}


def see(office: Office, batch_id: str, reviews: Sequence[Review]) -> list[Sight]:
    """What these rows of one batch hold, in their order; each is registered as opened."""
    office.register.reviews.opened(batch_id, [review.row for review in reviews])
    question = Question.of(office, office.register.batch(batch_id))
    matched, asked = question.matched(), question.table
    first = question
    proposed = matched
    if question.manifest.objects_to is None:
        proposed = question.matched(settled=True)
    else:
        first = Question.of(office, office.register.batch(question.manifest.objects_to))
        proposed = matched.select("row_ref").join(
            first.answers().unique("row_ref", keep="none"), on="row_ref", how="left", maintain_order="left"
        )
    sources = first.sources(later=bool(first.later_pins))
    sights = []
    for review in reviews:
        row = review.row - 1
        numbered = id_numbers.standardise(matched[[row]].select("id_number"), first.today)
        keys, people = _people(sources, numbered["key"].drop_nulls().to_numpy())
        claim = {**matched.row(row, named=True), **asked.row(row, named=True)}
        sights.append(
            Sight(
                review=review,
                claim={name: claim[name] for name in ("id_number", "name", *asked.columns) if claim.get(name)},
                answers=_codes(matched, row),
                proposal=_codes(proposed, row) | {NOTE: proposed[NOTE][row] or ""},
                people=people,
                records=_records(sources, keys),
            )
        )
    return sights


def _codes(frame: pl.DataFrame, row: int) -> dict[str, str]:
    return {column.removeprefix("answer."): frame[column][row] for column in answer_columns(frame)}


def _people(sources: Sources, keys: Keys) -> tuple[Keys, pl.DataFrame]:
    """All numbers of the people who bear or bore this number, and their records."""
    population = sources.population
    before = population.former.find(keys)
    bearers: Rows = population.former.table.column("person").to_numpy()[before.row]
    rows = np.unique(np.concatenate([population.people.find(keys).row, bearers]))
    _, former = population.former_keys(rows)
    people = population.people.take(rows, population.people.table.column_names)
    return np.unique(np.concatenate([keys, population.people.keys[rows], former])), people


def _records(sources: Sources, keys: Keys) -> pl.DataFrame:
    """What the other sources hold under these numbers, each with the source's Chinese name."""
    found = []
    for source, table in sources.records.items():
        rows = np.sort(table.find(keys).row)
        records = table.take(rows, [name for name in table.table.column_names if name != "key"])
        if "kind" in records.columns:
            records = records.filter(pl.col("kind").is_in(sources.counted))
            records = records.with_columns(pl.col("kind").replace(_KIND_WORDS))
        found.append(records.select(pl.lit(SOURCES[source].zh).alias("source"), pl.all().cast(pl.String)))
    return pl.concat(found, how="diagonal") if found else pl.DataFrame({"source": []})
