"""Who is meant: identity number and name must agree before anything else of a person is answered.

Rules
- The answers are those of the national service: consistent, number and name do not agree, no such number.
- A claim with a superseded number finds the person who bore it, and says so.
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

import numpy as np
import polars as pl

from exchange.matching.id_numbers import of_exit_entry
from exchange.matching.lookup import Keys, Rows, SortedTable
from exchange.matching.names import SAME, VARIANT, compare, name_fault, standard_name

NOBODY = -1
ASK_EXIT_ENTRY = "ask_exit_entry"


@dataclass(frozen=True)
class Population:
    """The population snapshot: people sorted by key, superseded numbers with the row of who bears a new one, and, for
    ``unregistered`` alone, rows of people by mother and by birth.
    """

    people: SortedTable
    former: SortedTable
    mothers: SortedTable | None = None
    births: SortedTable | None = None

    def former_keys(self, persons: Rows) -> tuple[Rows, Keys]:
        """(place in ``persons``, superseded key) for those who bore another number before."""
        pairs = self._by_bearer.find(persons)
        return pairs.wanted, self._by_bearer.numbers(pairs.row, "former")

    def numbers_of(self, persons: Rows) -> tuple[Rows, Keys]:
        """(place in ``persons``, key) of every number that each bears or bore, by rising key; nobody has none."""
        known = np.flatnonzero(persons != NOBODY)
        known = known[np.argsort(persons[known])]
        before, former = self.former_keys(persons[known])
        now = self.people.keys[persons[known]]
        among = np.searchsorted(now, former)
        return np.insert(known, among, known[before]), np.insert(now, among, former)

    def bearers(self, rows: Rows) -> Rows:
        """Who bears a new number in the place of these rows' superseded ones."""
        return self.former.numbers(rows, "person")

    @cached_property
    def _by_bearer(self) -> SortedTable:
        person = self.former.numbers(np.arange(len(self.former.keys)), "person")
        order = np.argsort(person)
        return SortedTable(pl.DataFrame({"key": person[order], "former": self.former.keys[order]}).to_arrow())


def identify(frame: pl.DataFrame, population: Population) -> pl.DataFrame:
    """Adds ``identity`` (answer code), ``person`` (row of the population, NOBODY where not established),
    ``id_superseded`` and ``name_variant`` to a frame with ``row_fault``, ``id_fault``, ``id_from_15``, ``key`` and
    ``name``.
    """
    fault = pl.coalesce("row_fault", "id_fault", name_fault(pl.col("standard")))
    elsewhere = of_exit_entry(pl.col("key")) & ~pl.col("id_from_15")
    asked = (
        frame.lazy()
        .select("row_fault", "id_fault", "id_from_15", "key", standard_name(pl.col("name")).alias("standard"))
        .select("key", "standard", fault.alias("fault"), elsewhere.alias("elsewhere"))
        .collect(engine="in-memory")
    )
    candidates = _candidates(asked, population)
    agreeing = _agreeing(candidates)
    known = np.zeros(frame.height, dtype=bool)
    known[candidates["request"].to_numpy()] = True
    request = agreeing["request"].to_numpy()
    person, doubt, former, variant = (np.full(frame.height, NOBODY), known & False, known & False, known & False)
    person[request] = agreeing["person"].to_numpy()
    doubt[request] = agreeing["doubt"].to_numpy()
    doubt |= np.bincount(request, minlength=frame.height) > 1
    former[request] = agreeing["former"].to_numpy()
    variant[request] = (agreeing["name"] == VARIANT).to_numpy()
    columns = {"known": known, "in_doubt": doubt | variant, "person": person, "former": former}
    identity = (
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
    )
    superseded = ~pl.col("in_doubt") & pl.col("former")  # of a row in doubt nothing more is told
    answered = (
        asked.lazy()
        .select("fault", "elsewhere", *[pl.lit(pl.Series(name, values)) for name, values in columns.items()])
        .select(identity.alias("identity"), "person", superseded.alias("id_superseded"))
        .collect(engine="in-memory")
    )
    return frame.with_columns(*answered.get_columns(), pl.Series("name_variant", variant & ~doubt))


def _candidates(asked: pl.DataFrame, population: Population) -> pl.DataFrame:
    """Every (request row, person) whose number fits, of the rows without a ``fault``: ``request``, ``person``,
    ``former``, ``doubt``, and how the ``name`` compares.
    """
    rows = asked["fault"].is_null().arg_true()
    keys = asked["key"].gather(rows).to_numpy()
    rising = np.argsort(keys)
    keys, requests = keys[rising], rows.to_numpy()[rising].astype(np.int64)
    now, before = population.people.find(keys), population.former.find(keys)
    request = requests[np.concatenate([now.wanted, before.wanted])]
    person = np.concatenate([now.row, population.bearers(before.row)])
    registered = population.people.take(person, ["name", "doubt"])
    names = pl.DataFrame({"claimed": asked["standard"].gather(request), "registered": registered["name"]})
    return pl.DataFrame(
        {
            "request": request,
            "person": person,
            "former": np.arange(len(person)) >= len(now.row),
            "doubt": registered["doubt"],
            "name": names.select(compare(pl.col("claimed"), pl.col("registered"))).to_series(),
        }
    )


def _agreeing(candidates: pl.DataFrame) -> pl.DataFrame:
    """Those whose name is the same, and of the requests that have none such, those whose name is a variant."""
    same = candidates.filter(pl.col("name") == SAME)
    variants = candidates.filter(pl.col("name") == VARIANT)
    if not variants.height:
        return same
    return pl.concat([same, variants.filter(~pl.col("request").is_in(same["request"].implode()))])
