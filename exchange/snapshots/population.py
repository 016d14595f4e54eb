"""The population snapshot: one row per registered person, sorted by key, in the forms in which claims are compared.

Rules
- Names, codes and dates go through the same functions as the claims.
- ``doubt`` is set for whoever never gets a plain *consistent*: information level 30 (Yunnan 2017), a number that stands
  in two records, and a person whose superseded number is still a registered one under the same name (one person, two
  numbers). So it is where level or status cannot be read, or what stands as a former number has not the form of one: no
  spelling makes a doubt vanish, or a person cancelled.
- Somebody may have borne several numbers before.
- Records whose number cannot be read are left out and counted; the gate says how many are too many.
- A household number is kept as a hash of its text (64 bits: it is only ever compared for equality); ``several_heads``
  marks everybody whose relation may be one to several heads. Whose registration stands was entered anew when the head
  changed: to the standing heads, or, where none stands, to any whose registration was cancelled. Whose registration is
  cancelled keeps what was entered while it stood: to any head that the household has or had.
- ``mothers`` and ``births`` find a person by the mother's number and by birth date and sex
  (``matching/unregistered.py``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers
from exchange.matching.cancellations import CANCELLATION_REASONS
from exchange.matching.codes import ethnicity_code, normalise_text, sex_code
from exchange.matching.distinct import map_distinct
from exchange.matching.divisions import PLACE, address_text, place
from exchange.matching.former_names import none_named
from exchange.matching.lookup import Keys, Rows, SortedTable
from exchange.matching.names import standard_name
from exchange.matching.relations import HEAD, relation_number
from exchange.matching.unregistered import birth_key
from exchange.snapshots.columns import Gathered, in_parts
from exchange.snapshots.order import RowIndices, by_key

DOUBTFUL_LEVEL = 30
NORMAL = "normal"
CANCELLED = "cancelled"

_BETWEEN_NUMBERS: Final = r"[、﹑,;；，/|]+"
_NO_NUMBER: Final = ("id_number_format", "id_number_scientific")

_SEX_NOT_STATED: Final = 9

_CODED: Final = ("sex", "ethnicity", "registered_division", "birth_date")


COLUMNS: Final = (
    "key", "name", "sex", "birth_date", "ethnicity", "registered_division", "registered_address", "doubt",
    "cancelled", "cancelled_reason", "cancelled_on", "former_name", "birthplace", "native_place", "household",
    "relation", "several_heads",
)  # fmt: skip


def build_tables(export: pl.LazyFrame, as_of: date) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """The tables, and the counts that the gate judges. ``people``: a row a person (``COLUMNS``), sorted by ``key``. The
    others map a key to rows of ``people`` (``key`` int64, ``person`` uint32, sorted by both): ``former`` a superseded
    number, ``mothers`` the mother's number, ``births`` birth date and sex. ``export``: the columns of
    ``schemas/exports.toml``, String; ``as_of``: the day by which numbers are read.
    """
    gathered, former_keys, mother_keys = Gathered(), KeysOfOthers(), KeysOfOthers()
    rows = bad_names = bad_codes = 0
    for part in in_parts(export):
        records = _standardised(part, as_of)
        people = records.filter(pl.col("key").is_not_null())
        rows += records.height
        bad_names += int((people["name"] == "").sum())
        bad_codes += int(
            people.select(pl.any_horizontal(pl.col(_CODED).is_null(), ~pl.col("status_read")).sum()).item()
        )
        former_keys.add(people["former_keys"], gathered.height)
        mother_keys.add(people["mother_keys"], gathered.height)
        gathered.add(people.drop("former_keys", "mother_keys", "status_read"))
    table, positions = gathered.sorted_by("key")
    former, mothers = former_keys.table(positions), mother_keys.table(positions)
    del positions
    table = table.append_column("several_heads", _several_heads(table))
    births = _births(table)
    people, shared = _with_doubt(table.select(COLUMNS), former)
    counts = {
        "rows": rows,
        "bad_number_share": _share(rows - people.num_rows, rows),
        "bad_name_share": _share(bad_names, rows),
        "bad_code_share": _share(bad_codes, rows),
        "shared_number_share": _share(shared, rows),
    }
    return {"people": people, "former": former, "mothers": mothers, "births": births}, counts


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _standardised(part: pl.DataFrame, as_of: date) -> pl.DataFrame:
    frame = part.select(
        "id_number",
        standard_name(pl.col("name")).alias("name"),
        sex_code(pl.col("sex")).alias("sex"),
        pl.col("birth_date").str.to_date("%Y-%m-%d", strict=False),
        ethnicity_code(pl.col("ethnicity")).alias("ethnicity"),
        pl.col("registered_division").cast(pl.Int32, strict=False),
        _street().alias("registered_address"),
        _is_in_doubt().alias("doubt"),
        (pl.col("status") == CANCELLED).alias("cancelled"),
        pl.col("status").is_in([NORMAL, CANCELLED]).alias("status_read"),
        pl.col("cancelled_reason").replace_strict(dict(CANCELLATION_REASONS), default=None, return_dtype=pl.UInt8),
        pl.col("cancelled_on").str.to_date("%Y-%m-%d", strict=False),
        pl.when(_is_none_named()).then(pl.lit("")).otherwise("former_name").alias("former_name"),
        pl.col("birthplace", "native_place").cast(pl.Int32, strict=False),
        pl.when(pl.col("household_number") != "").then(pl.col("household_number").hash()).alias("household"),
        relation_number(pl.col("relation")).alias("relation"),
    )
    own = id_numbers.standardise(frame, as_of).drop("id_number", "id_fault", "id_from_15", "id_repaired")
    former, mother = _numbers_in(part["former_id_number"]), _numbers_in(part["mother_id_number"])
    return own.with_columns(
        pl.col("doubt") | ~pl.col("status_read") | former["unread"],
        former["keys"].alias("former_keys"),
        mother["keys"].alias("mother_keys"),
    )


class KeysOfOthers:
    """Keys of other numbers that rows name (former numbers, the mother's), collected part by part."""

    def __init__(self) -> None:
        self._keys: list[Keys] = []
        self._rows: list[RowIndices] = []

    def add(self, keys: pl.Series, first: int) -> None:
        """The next rows' keys (List(Int64), null where a row names none); ``first``: how many rows came before."""
        rows = pl.DataFrame({"key": keys}).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row") + first)
        pairs = rows.explode("key").drop_nulls()
        self._keys.append(pairs["key"].to_numpy())
        self._rows.append(pairs["row"].to_numpy())

    def table(self, positions: RowIndices) -> pa.Table:
        """``key`` and ``person``: the key, and the row that names it, sorted by both. ``positions``: each row's
        position in the sorted table, as ``Gathered.sorted_by`` gives it.
        """
        return _rows_by(*by_key(np.concatenate(self._keys), positions[np.concatenate(self._rows)]))


def _rows_by(keys: Keys, persons: RowIndices) -> pa.Table:
    return pa.table({"key": keys, "person": persons})


def _births(people: pa.Table) -> pa.Table:
    """``key`` (birth date and sex in one integer, the sex its last digit) and ``person`` (the row), sorted by both; no
    row for a person without a birth date. The key is worked out once for each distinct day.
    """
    born, sexes = people.column("birth_date").chunk(0), people.column("sex").chunk(0)
    born = born if pa.types.is_dictionary(born.type) else born.dictionary_encode()
    days = pl.DataFrame({"born": pl.from_arrow(born.dictionary)})
    of_day = days.select(birth_key(pl.col("born"), pl.lit(0))).to_series().to_arrow()
    dated = np.arange(len(born), dtype=np.uint32)
    if born.null_count:
        dated, sexes = dated[born.is_valid().to_numpy(zero_copy_only=False)], sexes.filter(born.is_valid())
    keys = of_day.take(born.indices.drop_null()).to_numpy() + sexes.fill_null(_SEX_NOT_STATED).to_numpy()
    return _rows_by(*by_key(keys, dated))


def _numbers_in(texts: pl.Series) -> pl.DataFrame:
    """A row for each text: ``keys`` (List(Int64)) of the numbers in it, null where it names none that can be one, and
    ``unread`` (Boolean): it names something that has not the form of a number.
    """
    there = pl.DataFrame({"text": texts}).with_row_index("row").filter(pl.col("text") != "")
    each = there.select(
        "row", pl.col("text").str.replace_all(_BETWEEN_NUMBERS, "、").str.split("、").alias("id_number")
    )
    each = each.explode("id_number").filter(pl.col("id_number") != "")
    read = id_numbers.standardise(each, date.max)
    of_rows = read.group_by("row").agg(
        pl.col("key").drop_nulls().alias("keys"), pl.col("id_fault").is_in(_NO_NUMBER).any().alias("unread")
    )
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    joined = rows.join(of_rows, on="row", how="left", maintain_order="left")
    return joined.select("keys", pl.col("unread").fill_null(value=False))


def _is_in_doubt() -> pl.Expr:
    """Whether the information level is that of a doubtful identity, however written, or cannot be read; worked out once
    for each distinct text.
    """
    return map_distinct(pl.col("information_level"), _level_is_doubtful, pl.Boolean)


def _level_is_doubtful(text: pl.Expr) -> pl.Expr:
    even = normalise_text(text)
    level = even.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    return (even != "") & (level.is_null() | (level == DOUBTFUL_LEVEL))


def _street() -> pl.Expr:
    """The address in the form in which claims are compared, without the registered division if it begins with that.
    A household has one address.
    """
    address = pl.col("registered_address")
    parted = map_distinct(address, place, PLACE)
    same = parted.struct.field("code") == pl.col("registered_division").cast(pl.Int32, strict=False)
    text = map_distinct(address, address_text, pl.String)
    return pl.when(same).then(parted.struct.field("street")).otherwise(text)


def _is_none_named() -> pl.Expr:
    """Whether the former name says that there is none; worked out once for each distinct text, as most are empty."""
    return map_distinct(pl.col("former_name"), none_named, pl.Boolean)


def _with_doubt(people: pa.Table, former: pa.Table) -> tuple[pa.Table, int]:
    """The people with ``doubt`` set also for those who share a number or are registered twice; and how many rows share
    a number.
    """
    keys = people.column("key").to_numpy()
    alike = keys[1:] == keys[:-1]
    shared = np.zeros(len(keys), dtype=bool)
    shared[1:] = alike
    shared[:-1] |= alike
    doubt = people.column("doubt").to_numpy() | shared
    doubt[_doubled(SortedTable(people), former)] = True
    position = people.column_names.index("doubt")
    return people.set_column(position, "doubt", pa.array(doubt)), int(shared.sum())


def _several_heads(people: pa.Table) -> pa.Array:
    """For each row whether its relation may be one to several heads; false where it has no household number."""
    rows = pl.DataFrame({name: pl.from_arrow(people.column(name)) for name in ("household", "relation", "cancelled")})
    heads = rows.filter(pl.col("relation").is_in(HEAD)).drop_nulls("household").sort("household")
    standing = heads.filter(~pl.col("cancelled"))["household"].to_numpy()
    of_cancelled = _twice(heads["household"].to_numpy())
    of_standing = np.union1d(_twice(standing), np.setdiff1d(of_cancelled, standing))
    several = [pl.col("household").is_in(pl.Series(each).implode()) for each in (of_standing, of_cancelled)]
    several_heads = several[0] | (several[1] & pl.col("cancelled"))
    return rows.select(several_heads.fill_null(value=False)).to_series().to_arrow()


def _twice(rising: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The values that stand there more than once, each once."""
    return np.unique(rising[1:][rising[1:] == rising[:-1]])


def _doubled(people: SortedTable, former: pa.Table) -> Rows:
    """Rows of both records of a person who is registered under an old and a new number at once."""
    pairs = people.find(former.column("key").to_numpy())
    bearer = former.column("person").to_numpy()[pairs.wanted].astype(np.int64)
    same = (people.take(bearer, ["name"])["name"] == people.take(pairs.row, ["name"])["name"]).to_numpy()
    return np.concatenate([bearer[same], pairs.row[same]])
