"""The birth date of whom an offence record names, where more than one person or date is on record.

Rules
- A record means whoever bears or bore its number: each of them, for a name alone proves nothing (a misspelt name of
  one is the right name of another). Where it bears a birth date and a name that are one's own, it means that person.
- Of one person the latest date counts of those in any number that the person bears or bore, and in the register: a
  number can have been corrected because the date in it was wrong, and where it is in doubt whether somebody was
  eighteen, it is presumed that they were not (the office's choice, after Supreme People's Court, 法释〔2006〕1号, art.
  4). A court may have sealed the record by either date, and what was told once cannot be taken back.
- Of several people whom a record may mean the earliest such date counts: it is a juvenile's only where it is that
  whomever it means. Else it stays, and an officer finds out whose it is. So no registration of somebody else makes a
  record vanish.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from exchange.matching.id_numbers import birth_date
from exchange.matching.identity import Population
from exchange.matching.names import standard_name


def named_births(records: pl.DataFrame, population: Population | None) -> pl.Series:
    """For each record (``key`` int64 or null, ``name`` as written, ``own_birth`` Date or null: the birth date that the
    record bears) the birth date by which it is sealed or not, in the records' order; null without a key. Without
    ``population``, or for a key that it does not know, the date inside the key.
    """
    own = records.select(birth_date(pl.col("key")).alias("born"))["born"]
    if population is None:
        return own
    asked = records.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
        "key",
        standard_name(pl.col("name")).alias("name"),
        "own_birth",
    ).drop_nulls("key")
    meant = _meant(_bearers(asked, population), population)
    places = own.to_frame().with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
    by_person = places.join(meant, on="place", how="left", maintain_order="left")
    return by_person.select(pl.coalesce("meant", "born").alias("born")).to_series()


def _bearers(asked: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``place`` and ``person`` of everybody who bears or bore a record's number, its ``name`` and ``own_birth``."""
    wanted, places = asked["key"].to_numpy(), asked["place"].to_numpy()
    now, before = population.people.find(wanted), population.former.find(wanted)
    found = pl.DataFrame(
        {
            "place": places[np.concatenate([now.wanted, before.wanted])],
            "person": np.concatenate([now.row, population.bearers(before.row)]),
        }
    )
    return found.unique().join(asked.select("place", "name", "own_birth"), on="place")


def _meant(bearers: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``place`` → ``meant``: the earliest among the bearers whom the record may mean of each one's latest date."""
    persons = bearers["person"].unique().sort()
    known = persons.to_frame().with_columns(
        population.people.take(persons.to_numpy(), ["name"])["name"].alias("registered"),
        _dates(persons, population),
    )
    same = (pl.col("name") == pl.col("registered")) & pl.col("dates").list.contains(pl.col("own_birth"))
    same = same.fill_null(value=False)
    return (
        bearers.join(known, on="person")
        .filter(same | ~same.any().over("place"))
        .group_by("place")
        .agg(pl.col("dates").list.max().min().alias("meant"))
    )


def _dates(persons: pl.Series, population: Population) -> pl.Series:
    """``dates``: the birth dates of each of these persons (rising, each once): registered, in the present number, in
    former ones.
    """
    rows = persons.to_numpy()
    bore, former = population.former_keys(rows)
    register = population.people.take(rows, ["birth_date", "key"])
    each, in_former = np.arange(len(rows)), _inside(pl.Series(former, dtype=pl.Int64))
    dates = [(each, register["birth_date"]), (each, _inside(register["key"])), (each[bore], in_former)]
    found = pl.concat([pl.DataFrame({"person": where, "born": born}) for where, born in dates])
    return found.group_by("person").agg(pl.col("born").alias("dates")).sort("person")["dates"]


def _inside(keys: pl.Series) -> pl.Series:
    return keys.to_frame("key").select(birth_date(pl.col("key"))).to_series()
