"""Which person a row means: identity number and name must agree before anything else of a person is answered.

Rules
- The answers are those of the national service: consistent, number and name do not agree, no such number.
- A claim with a superseded number finds the person who bore it, and says so; where the register holds that number
  with a wrong check character or day (``snapshots/other_numbers.py``), the person is in doubt for this claim.
- A person whose identity stays in doubt (information level 30), who shares a number, or who is registered twice never
  gets a plain *consistent*: the row goes to an officer, and why is not told.
- A name that is the registered one in another form of its characters goes to an officer too, and says so, unless the
  person is in doubt anyway. Where a number finds several people, the same name goes before a variant of it.
- A number of exit-entry administration (``id_numbers.of_exit_entry``) that nobody bears is not *no such number*, which
  reads like a forgery: the answer says who is to be asked.
- A row that cannot be read says what could not be read; the number is looked at before the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.matching.id_numbers import of_exit_entry
from exchange.matching.lookup import Keys, Rows, SortedTable
from exchange.matching.names import same_or_variant, standard_names, surely

Truths = npt.NDArray[np.bool_]

NOBODY = -1
ASK_EXIT_ENTRY = "ask_exit_entry"


@dataclass(frozen=True)
class Population:
    """The tables of the population snapshot: ``people`` sorted by key, ``former`` with the superseded numbers and the
    rows of their bearers, and, for ``unregistered`` alone, rows of people by the mother's number and by birth.
    """

    people: SortedTable
    former: SortedTable
    mothers: SortedTable | None = None
    births: SortedTable | None = None

    def former_keys(self, persons: Rows, *, sound: bool = False) -> tuple[Rows, Keys]:
        """(position in ``persons``, superseded key), int64[m] each, for those who bore another number before; in no
        particular order. ``sound``: only of numbers without a fault.
        """
        pairs = self._by_bearer.find(persons)
        wanted, former = pairs.wanted, self._by_bearer.numbers(pairs.row, "former")
        if sound:
            kept = self._by_bearer.take(pairs.row, ["sound"])["sound"].to_numpy()
            wanted, former = wanted[kept], former[kept]
        return wanted, former

    def numbers_of(self, persons: Rows) -> tuple[Rows, Keys]:
        """(position in ``persons``, key), int64[m] each, of every number that each bears or bore, in no particular
        order; none for NOBODY.
        """
        known = np.flatnonzero(persons != NOBODY)
        before, former = self.former_keys(persons[known])
        return np.append(known, known[before]), np.append(self.people.keys[persons[known]], former)

    def bearers(self, rows: Rows) -> Rows:
        """The rows of ``people`` who bore the superseded numbers in these rows of ``former``: int64[n], in
        their order.
        """
        return self.former.numbers(rows, "person")

    @cached_property
    def _by_bearer(self) -> SortedTable:
        rows = np.arange(len(self.former.keys))
        person, sound = self.former.numbers(rows, "person"), self.former.take(rows, ["sound"])["sound"]
        order = np.argsort(person)
        by_bearer = {"key": person[order], "former": self.former.keys[order], "sound": sound[order]}
        return SortedTable(pl.DataFrame(by_bearer).to_arrow())


_FAULTS: Final = ("row_fault", "id_fault", "name_fault")
_FAULT: Final = pl.coalesce(_FAULTS).alias("fault")
_SOUND: Final = pl.all_horizontal(pl.col(_FAULTS).is_null()).alias("sound")
_KEY: Final = pl.col("key").fill_null(0)
_ELSEWHERE: Final = (of_exit_entry(pl.col("key")) & ~pl.col("id_from_15")).alias("elsewhere")
_IDENTITY: Final = (
    pl.when(pl.col("fault").is_not_null())
    .then(pl.col("fault"))
    .when(~pl.col("known") & pl.col("elsewhere"))
    .then(pl.lit(ASK_EXIT_ENTRY))
    .when(~pl.col("known"))
    .then(pl.lit("no_such_number"))
    .when(pl.col("person") == NOBODY)
    .then(pl.lit("name_disagrees"))
    .when("in_doubt")
    .then(pl.lit("under_review"))
    .otherwise(pl.lit("consistent"))
    .alias("identity")
)


@dataclass(frozen=True)
class _Candidates:
    """Every (row of the request, person) whose number fits: whether that number is a ``former`` one, the person is in
    ``doubt``, and the name is the ``same`` or a ``variant``.
    """

    request: Rows
    person: Rows
    former: Truths
    doubt: Truths
    same: Truths
    variant: Truths


def identify(frame: pl.DataFrame, population: Population) -> pl.DataFrame:
    """Adds ``identity`` (String: answer code), ``person`` (Int64: row of the population, NOBODY where not
    established), ``id_superseded`` and ``name_variant`` (Boolean) to a frame with ``row_fault``, ``id_fault``,
    ``id_from_15``, ``key`` and ``name``. Rows as they came.
    """
    standard, name_faults = standard_names(frame["name"])
    asked = frame.hstack([name_faults.alias("name_fault")]).select(_KEY, _FAULT, _SOUND, _ELSEWHERE)
    candidates = _candidates(asked, standard, population)
    agrees = _agreeing(candidates)
    request = candidates.request[agrees]
    known, doubt, former, variant = np.zeros((4, frame.height), dtype=bool)
    person = np.full(frame.height, NOBODY)
    known[candidates.request] = True
    person[request] = candidates.person[agrees]
    doubt[request] = candidates.doubt[agrees]
    doubt |= np.bincount(request, minlength=frame.height) > 1
    former[request] = candidates.former[agrees]
    variant[request] = candidates.variant[agrees]
    columns = {
        "known": known,
        "in_doubt": doubt | variant,
        "person": person,
        "id_superseded": former & ~doubt & ~variant,  # of a row in doubt nothing more is told
        "name_variant": variant & ~doubt,
    }
    identified = asked.hstack([pl.Series(name, values) for name, values in columns.items()])
    return frame.hstack(identified.select(_IDENTITY, "person", "id_superseded", "name_variant").get_columns())


def _candidates(asked: pl.DataFrame, standard: pl.Series, population: Population) -> _Candidates:
    """The candidates for the rows without a ``fault``."""
    rows = np.flatnonzero(asked["sound"].to_numpy())
    keys = asked["key"].to_numpy()[rows]
    now, before = population.people.find(keys), population.former.find(keys)
    request = rows[np.concatenate([now.wanted, before.wanted])]
    person = np.concatenate([now.row, population.bearers(before.row)])
    registered = population.people.take(person, ["name", "doubt"])
    doubt = registered["doubt"].to_numpy().copy()
    doubt[len(now.row) :] |= ~population.former.take(before.row, ["sound"])["sound"].to_numpy()
    same, variant = same_or_variant(standard[request], registered["name"])
    return _Candidates(
        request=request,
        person=person,
        former=np.arange(len(person)) >= len(now.row),
        doubt=doubt,
        same=surely(same),
        variant=variant.to_numpy(),
    )


def _agreeing(candidates: _Candidates) -> Truths:
    """The candidates whose name is the same, and, for rows that have none such, those whose name is a variant."""
    if not candidates.variant.any():
        return candidates.same
    return candidates.same | (candidates.variant & ~np.isin(candidates.request, candidates.request[candidates.same]))
