"""Numbers that a person's record names beside the present one: those borne before, and the mother's.

Rules
- A number is known by its first 17 digits. One of the right form whose check character or day of birth is wrong is
  kept by them, too, as one that is *not sound*: many a number was corrected because it was wrong, and what is recorded
  under it is the person's. Nobody can claim by such a number; whoever is found through one by the number that it should
  have been is for an officer (``matching/identity.py``, ``matching/unregistered.py``).
- What has not the form of a number names nobody, and its record is in doubt.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers
from exchange.matching.lookup import Keys
from exchange.snapshots.order import RowIndices, by_key

_BETWEEN_NUMBERS: Final = r"[、﹑,;；，/|]+"

_NO_NUMBER: Final = ("id_number_format", "id_number_scientific")
_NOT_SOUND: Final = np.uint32(1 << 31)
"""Marks a row while the pairs are sorted; a country has fewer people."""


def numbers_in(texts: pl.Series) -> pl.DataFrame:
    """A row for each text: ``keys`` (List(Int64)) of the numbers in it and ``sound`` (List(Boolean)) of each, null
    where it names none that has the form of one, and ``unread`` (Boolean): it names something that has not.
    """
    named = pl.DataFrame({"text": texts}).with_row_index("row").filter(pl.col("text") != "")
    each = named.select(
        "row", pl.col("text").str.replace_all(_BETWEEN_NUMBERS, "、").str.split("、").alias("id_number")
    )
    each = each.explode("id_number").filter(pl.col("id_number") != "")
    there = pl.col("keys").is_not_null()
    of_rows = _read(each).group_by("row").agg(pl.col("keys", "sound").filter(there), pl.col("unread").any())
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    joined = rows.join(of_rows, on="row", how="left", maintain_order="left")
    return joined.select("keys", "sound", pl.col("unread").fill_null(value=False))


def _read(each: pl.DataFrame) -> pl.DataFrame:
    """Adds ``keys`` (Int64, null where the ``id_number`` says nothing), ``sound`` and ``unread`` (Boolean)."""
    read = id_numbers.standardise(each, date.max)
    keys, faulty = read["key"], read["key"].is_null().arg_true()
    by_form = id_numbers.by_form(read["id_number"][faulty])
    return read.select(
        "row",
        keys.clone().scatter(faulty, by_form).alias("keys") if len(faulty) else keys.alias("keys"),
        keys.is_not_null().alias("sound"),
        pl.col("id_fault").is_in(_NO_NUMBER).fill_null(value=False).alias("unread"),
    )


class KeysOfOthers:
    """Keys of other numbers that rows name, collected part by part."""

    def __init__(self) -> None:
        self._keys: list[Keys] = []
        self._rows: list[RowIndices] = []
        self._unsound: list[npt.NDArray[np.bool_]] = []

    def add(self, named: pl.DataFrame, first: int) -> None:
        """The next rows' numbers, as ``numbers_in`` gives them; ``first``: how many rows came before."""
        rows = named.select("keys", "sound", pl.int_range(pl.len(), dtype=pl.UInt32).alias("row") + first)
        pairs = rows.explode("keys", "sound").drop_nulls("keys")
        self._keys.append(pairs["keys"].to_numpy())
        self._rows.append(pairs["row"].to_numpy())
        self._unsound.append(~pairs["sound"].to_numpy())

    def table(self, positions: RowIndices) -> pa.Table:
        """``key``, ``person``, the row that names it, and ``sound``: sorted by key, what is sound first, then by row.
        ``positions``: each row's position in the sorted table, as ``Gathered.sorted_by`` gives it.
        """
        rows = positions[np.concatenate(self._rows)]
        rows[np.concatenate(self._unsound)] |= _NOT_SOUND
        keys, marked = by_key(np.concatenate(self._keys), rows)
        sound = pa.array(marked < _NOT_SOUND)
        return pa.table({"key": keys, "person": marked & ~_NOT_SOUND, "sound": sound})
