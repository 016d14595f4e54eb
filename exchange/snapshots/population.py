"""The population snapshot: one row per registered person, sorted by key, in the forms in which claims are compared.

Rules
- Names, codes and dates go through the same functions as the claims.
- ``doubt`` is set for whoever never gets a plain *consistent*: information level 30 (Yunnan 2017), a number that stands
  in two records, and a person whose superseded number is still a registered one under the same name (one person, two
  numbers). So it is where level or status cannot be read, or what stands as a former number has not the form of one: no
  spelling makes a doubt vanish, or a person cancelled.
- Somebody may have borne several numbers before.
- Records whose number cannot be read are left out and counted; the gate says how many are too many.
- A household number is kept as a hash of its text (64 bits: it is only ever compared for equality), unless it says
  nothing; ``several_heads``
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
from exchange.matching.id_numbers import birth_date
from exchange.matching.lookup import Keys, Rows, SortedTable
from exchange.matching.names import standard_names
from exchange.matching.relations import HEAD, relation_number
from exchange.matching.unregistered import birth_key
from exchange.snapshots.columns import Gathered, in_parts
from exchange.snapshots.order import RowIndices, by_key
from exchange.snapshots.other_numbers import KeysOfOthers, numbers_in
from exchange.snapshots.source_texts import has_lost
from exchange.snapshots.wrong_checks import WRONG_CHECK

DOUBTFUL_LEVEL = 30
NORMAL = "normal"
CANCELLED = "cancelled"

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
    rows = bad_numbers = bad_names = bad_codes = 0
    for part in in_parts(export):
        records = _standardised(part, as_of)
        people = records.filter(pl.col("key").is_not_null())
        rows += records.height
        bad_numbers += int(records["bad_number"].sum())
        bad_names += int(people["bad_name"].sum())
        bad_codes += int(
            people.select(pl.any_horizontal(pl.col(_CODED).is_null(), ~pl.col("status_read")).sum()).item()
        )
        former_keys.add(people["former"].struct.unnest(), gathered.height)
        mother_keys.add(people["mother"].struct.unnest(), gathered.height)
        gathered.add(people.drop("former", "mother", "status_read", "bad_number", "bad_name"))
    table, positions = gathered.sorted_by("key")
    former, mothers = former_keys.table(positions), mother_keys.table(positions)
    del positions
    table = table.append_column("several_heads", _several_heads(table))
    births = _births(table)
    people, shared = _with_doubt(table.select(COLUMNS), former)
    counts = {
        "rows": rows,
        "bad_number_share": _share(bad_numbers, rows),
        "bad_name_share": _share(bad_names, rows),
        "bad_code_share": _share(bad_codes, rows),
        "shared_number_share": _share(shared, rows),
    }
    return {"people": people, "former": former, "mothers": mothers, "births": births}, counts


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _standardised(part: pl.DataFrame, as_of: date) -> pl.DataFrame:
    name, name_faults = standard_names(part["name"])
    frame = part.select(
        "id_number",
        name,
        name_faults.is_not_null().alias("bad_name"),
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
        pl.when(_names_a_household()).then(pl.col("household_number").hash()).alias("household"),
        relation_number(pl.col("relation")).alias("relation"),
    )
    own = id_numbers.standardise(frame, as_of)
    wrong_check = own["id_fault"].eq_missing(pl.lit(WRONG_CHECK))
    former, mother = numbers_in(part["former_id_number"]), numbers_in(part["mother_id_number"])
    return own.with_columns(
        pl.when(wrong_check).then(id_numbers.by_form(own["id_number"])).otherwise("key").alias("key"),
        pl.col("doubt") | pl.col("bad_name") | ~pl.col("status_read") | former["unread"] | wrong_check,
        pl.col("key").is_null().alias("bad_number"),
        former.select("keys", "sound").to_struct("former"),
        mother.select("keys", "sound").to_struct("mother"),
    ).drop("id_number", "id_fault", "id_from_15", "id_repaired")


def _rows_by(keys: Keys, persons: RowIndices) -> pa.Table:
    return pa.table({"key": keys, "person": persons})


def _births(people: pa.Table) -> pa.Table:
    """``key`` (birth date and sex in one integer, the sex its last digit) and ``person`` (the row), sorted by both; of
    a person without a birth date, with the day inside the number. The key is worked out once for each distinct day.
    """
    born, sexes = people.column("birth_date").chunk(0), people.column("sex").chunk(0)
    born = born if pa.types.is_dictionary(born.type) else born.dictionary_encode()
    days = pl.DataFrame({"born": pl.from_arrow(born.dictionary)})
    of_day = days.select(birth_key(pl.col("born"), pl.lit(0))).to_series().to_arrow()
    stated = sexes.fill_null(_SEX_NOT_STATED).to_numpy()
    if not born.null_count:
        keys = of_day.take(born.indices).to_numpy() + stated
        return _rows_by(*by_key(keys, np.arange(len(born), dtype=np.uint32)))
    dated = born.is_valid().to_numpy(zero_copy_only=False)
    undated = pl.DataFrame({"key": people.column("key").to_numpy()[~dated], "sex": stated[~dated]})
    keys = np.concatenate([
        of_day.take(born.indices.drop_null()).to_numpy() + stated[dated],
        undated.select(birth_key(birth_date(pl.col("key")), pl.col("sex"))).to_series().to_numpy(),
    ])  # fmt: skip
    rows = np.concatenate([np.flatnonzero(dated), np.flatnonzero(~dated)]).astype(np.uint32)
    return _rows_by(*by_key(keys, rows))


def _is_in_doubt() -> pl.Expr:
    """Whether the information level is that of a doubtful identity, however written, or cannot be read; worked out once
    for each distinct text.
    """
    return map_distinct(pl.col("information_level"), _level_is_doubtful, pl.Boolean)


def _level_is_doubtful(text: pl.Expr) -> pl.Expr:
    even = normalise_text(text)
    level = even.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    return (even != "") & (level.is_null() | (level == DOUBTFUL_LEVEL))


def _names_a_household() -> pl.Expr:
    """Whether the household number is one; ``?`` and ``0000`` stand in thousands of records and say nothing."""
    return pl.col("household_number").str.contains(r"[1-9A-Za-z]")


def _street() -> pl.Expr:
    """The address in the form in which claims are compared, without the registered division if it begins with that;
    empty where a character of it was lost. A household has one address.
    """
    address = pl.col("registered_address")
    parted = map_distinct(address, place, PLACE)
    same = parted.struct.field("code") == pl.col("registered_division").cast(pl.Int32, strict=False)
    text = map_distinct(address, address_text, pl.String)
    whole = pl.when(~has_lost(address))
    return whole.then(pl.when(same).then(parted.struct.field("street")).otherwise(text)).otherwise(pl.lit(""))


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
