"""Whose an offence record is whose number is wrong in its check character alone.

Rules
- Either that character was mistyped, and the person is whoever bears or bore the 17 digits before it, or one of these,
  and it is somebody else. It is theirs only where the name is, too, the same or a variant; an officer sees it, as every
  hit, and that the number did not fit.
- Of any other nobody can tell whose it is: it stays left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.matching.id_numbers import read
from exchange.matching.identity import Population
from exchange.matching.names import same_or_variant, standard_name

WRONG_CHECK: Final = "id_number_check"


def keys_by_name(records: pl.DataFrame, population: Population | None) -> pl.Series:
    """``key`` (Int64[records], in their order): of a record with the ``id_fault`` of a wrong check character that names
    somebody who bears or bore its number, the first 17 digits; null for all others, and without a ``population``.
    ``records``: ``id_number``, ``name``, ``id_fault`` (String).
    """
    rows = (records["id_fault"] == WRONG_CHECK).fill_null(value=False).arg_true()
    found = pl.Series("key", [None], dtype=pl.Int64).new_from_index(0, records.height)
    if population is None or not len(rows):
        return found
    asked = records[rows].select("id_number", standard_name(pl.col("name")).alias("name"))
    keys = read(asked["id_number"])["key"]
    now, before = population.people.find(keys.to_numpy()), population.former.find(keys.to_numpy())
    wanted = np.concatenate([now.wanted, before.wanted])
    persons = np.concatenate([now.row, population.bearers(before.row)])
    same, variant = same_or_variant(asked["name"][wanted], population.people.take(persons, ["name"])["name"])
    named = np.unique(wanted[(same | variant).fill_null(value=False).to_numpy()])
    return found.scatter(rows[named], keys[named])
