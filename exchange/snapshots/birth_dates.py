"""The birth date of whom an offence record names, where more than one date is on record.

A number can have been corrected because the birth date in it was wrong, and a source may still know the person by the
old one. Rule: the latest date counts of those in any number that the person bears or bore, and in the register: where
the dates leave it in doubt whether somebody was eighteen, it is presumed that they were not (the office's choice, after
Supreme People's Court, 法释〔2006〕1号, art. 4). A court may have sealed the record by either date, and what was told
once cannot be taken back.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from exchange.matching.id_numbers import birth_date
from exchange.matching.identity import Population


def latest_births(keys: pl.Series, population: Population | None) -> pl.Series:
    """For each key (int64 or null) the latest birth date on record (null without a key). Without ``population``, or
    for a key that it does not know, the date inside the key.
    """
    asked = pl.DataFrame({"key": keys}).with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    own = asked.select("place", birth_date(pl.col("key")).alias("born"))
    others = _registered(asked.drop_nulls(), population) if population is not None else []
    return pl.concat([own, *others]).group_by("place").agg(pl.col("born").max()).sort("place")["born"]


def _registered(asked: pl.DataFrame, population: Population) -> list[pl.DataFrame]:
    """``place`` and ``born`` of the bearers: as registered, in their present and in their former numbers."""
    wanted, places = asked["key"].to_numpy(), asked["place"].to_numpy()
    now, before = population.people.find(wanted), population.former.find(wanted)
    bearers = population.bearers(before.row)
    persons = np.concatenate([now.row, bearers])
    place = places[np.concatenate([now.wanted, before.wanted])]
    bore, former = population.former_keys(persons)
    register = population.people.take(persons, ["birth_date", "key"])
    in_former = _inside(pl.Series(former, dtype=pl.Int64))
    dates = [(place, register["birth_date"]), (place, _inside(register["key"])), (place[bore], in_former)]
    return [pl.DataFrame({"place": where, "born": born}) for where, born in dates]


def _inside(keys: pl.Series) -> pl.Series:
    return keys.to_frame("key").select(birth_date(pl.col("key"))).to_series()
