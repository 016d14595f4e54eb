"""Which birth date decides whether an offence record is a juvenile's, where more than one person or date is on record.

Rules
- A record means whoever bears or bore its number: each of them, for a name alone proves nothing (a misspelt name of
  one is the right name of another). Where it bears a birth date and a name that are one's own, it means that person.
- Of one person the latest date counts of those in any number that the person bears or bore, and in the register: a
  number can have been corrected because the date in it was wrong, and where it is in doubt whether somebody was
  eighteen, it is presumed that they were not (the office's choice, after Supreme People's Court, 法释〔2006〕1号, art.
  4). A court may have sealed the record by either date, and what was told once cannot be taken back. A former number
  with a fault says nothing about it.
- A date by which the offender would have been under twelve at the time proves nothing: nobody that young is liable, so
  the date is wrong or the record is somebody else's. Whoever has no other is no juvenile by it. Penalties, too, which
  are for whoever is fourteen: twelve is what no law goes below.
- Of several people whom a record may mean the earliest such date counts: it is a juvenile's only where it is that
  whomever it means. Else it stays, and an officer finds out whose it is. So no registration of somebody else makes a
  record vanish.

Sources: Criminal Law art. 17 (twelve at the least, since 2021-03-01; fourteen before); Public Security Administration
Punishments Law art. 12 (fourteen).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.matching.id_numbers import birth_date
from exchange.matching.identity import Population
from exchange.matching.names import standard_name

LIABLE_FROM_AGE: Final = 12


def named_births(records: pl.DataFrame, population: Population | None) -> pl.Series:
    """For each record the birth date that decides whether it is sealed: Date[records], in their order.

    ``records``: ``key`` (int64 or null), ``name`` (as written), ``own_birth`` (Date or null: the birth date that the
    record itself bears), ``happened`` (Date: the last day that the offence can have happened on). Null where there is
    no key, or where the person was too young by every date. Without ``population``, or for a key that it does not know,
    the date inside the key.
    """
    own = records.select(pl.when(_liable(birth_date(pl.col("key")))).then(birth_date(pl.col("key"))).alias("born"))
    if population is None:
        return own["born"]
    asked = records.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
        "key",
        standard_name(pl.col("name")).alias("name"),
        "own_birth",
        "happened",
    ).drop_nulls("key")
    meant = _meant(_bearers(asked, population), population).with_columns(borne=True)
    numbered = own.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
    by_person = numbered.join(meant, on="place", how="left", maintain_order="left")
    return by_person.select(pl.when("borne").then("meant").otherwise("born").alias("born")).to_series()


def _liable(born: pl.Expr) -> pl.Expr:
    """Whether somebody born on that day was old enough to be liable when it happened; on the birthday not yet."""
    return pl.col("happened") > born.dt.offset_by(f"{LIABLE_FROM_AGE}y")


def _bearers(asked: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``place`` and ``person`` of everybody who bears or bore a record's number, with the rest of the record."""
    wanted, positions = asked["key"].to_numpy(), asked["place"].to_numpy()
    now, before = population.people.find(wanted), population.former.find(wanted)
    bearers = pl.DataFrame(
        {
            "place": positions[np.concatenate([now.wanted, before.wanted])],
            "person": np.concatenate([now.row, population.bearers(before.row)]),
        }
    )
    return bearers.unique().join(asked.drop("key"), on="place")


def _meant(bearers: pl.DataFrame, population: Population) -> pl.DataFrame:
    """For each record (``place``) its deciding date (``meant``): of each bearer whom it may mean the latest date, of
    these the earliest; null where one of them has none.
    """
    persons = bearers["person"].unique().sort()
    registered = persons.to_frame().with_columns(
        population.people.take(persons.to_numpy(), ["name"])["name"].alias("registered")
    )
    old_enough = bearers.join(_dates(persons, population), on="person").filter(_liable(pl.col("born")))
    latest = old_enough.group_by("place", "person").agg(
        pl.col("born").max().alias("latest"), (pl.col("born") == pl.col("own_birth")).any().alias("own")
    )
    same = ((pl.col("name") == pl.col("registered")) & pl.col("own")).fill_null(value=False)
    return (
        bearers.join(registered, on="person")
        .join(latest, on=["place", "person"], how="left")
        .filter(same | ~same.any().over("place"))
        .group_by("place")
        .agg(pl.when(pl.col("latest").is_not_null().all()).then(pl.col("latest").min()).alias("meant"))
    )


def _dates(persons: pl.Series, population: Population) -> pl.DataFrame:
    """``person`` and ``born``: all birth dates of these persons, each once: the registered one, and those in their
    present and former numbers.
    """
    rows = persons.to_numpy()
    bore, former = population.former_keys(rows, sound=True)
    register = population.people.take(rows, ["birth_date", "key"])
    in_former = _inside(pl.Series(former, dtype=pl.Int64))
    dates = [(rows, register["birth_date"]), (rows, _inside(register["key"])), (rows[bore], in_former)]
    return pl.concat([pl.DataFrame({"person": where, "born": born}) for where, born in dates]).drop_nulls().unique()


def _inside(keys: pl.Series) -> pl.Series:
    return keys.to_frame("key").select(birth_date(pl.col("key"))).to_series()
