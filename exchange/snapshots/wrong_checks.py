"""Whose an offence record is whose number has the form of one and is wrong in its check character or its day of birth.

Rules
- Either the number was mistyped, or it was given out so, which is why many a number was corrected since. The person is
  whoever bears or bore the 17 digits before the check character, or one of these, and it is somebody else. It is theirs
  only where the name is, too, the same or a variant; an officer sees it, as every hit, and that the number did not fit.
- Of any other nobody can tell whose it is: it stays left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.matching.id_numbers import by_form
from exchange.matching.identity import Population
from exchange.matching.names import same_or_variant, standard_name

WRONG_CHECK: Final = "id_number_check"
_WRONG: Final = (WRONG_CHECK, "id_number_date")


def keys_by_name(records: pl.DataFrame, population: Population | None) -> pl.Series:
    """``key`` (Int64[records], in their order): of a record with the ``id_fault`` of a wrong check character or day
    that names somebody who bears or bore its number, the first 17 digits; null for all others, and without a
    ``population``.
    ``records``: ``id_number``, ``name``, ``id_fault`` (String).
    """
    formed = by_form(records["id_number"])
    rows = (records["id_fault"].is_in(_WRONG) & formed.is_not_null()).fill_null(value=False).arg_true()
    found = pl.Series("key", [None], dtype=pl.Int64).new_from_index(0, records.height)
    if population is None or not len(rows):
        return found
    asked = records[rows].select(standard_name(pl.col("name")).alias("name"))
    keys = formed[rows]
    now, before = population.people.find(keys.to_numpy()), population.former.find(keys.to_numpy())
    wanted = np.concatenate([now.wanted, before.wanted])
    persons = np.concatenate([now.row, population.bearers(before.row)])
    same, variant = same_or_variant(asked["name"][wanted], population.people.take(persons, ["name"])["name"])
    named = np.unique(wanted[(same | variant).fill_null(value=False).to_numpy()])
    return found.scatter(rows[named], keys[named])
