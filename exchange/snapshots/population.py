"""The population snapshot: one row per registered person, sorted by key, in the forms in which claims are compared.

Rules: names, codes and dates go through the same functions as the claims. ``doubt`` is set for whoever never gets a
plain *consistent*: information level 30 (Yunnan 2017), a number that stands in two records, and a person whose
superseded number is still a registered one under the same name (one person, two numbers). Records whose number cannot
be read are left out and counted; the gate says how many are too many. A household number is kept as a hash of its
text (64 bits: it is only ever compared for equality). ``mothers`` and ``births`` find a person by the mother's number
and by birth date and sex (``matching/unregistered.py``).
"""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers
from exchange.matching.cancellations import REASONS
from exchange.matching.codes import ethnicity_code, sex_code
from exchange.matching.divisions import address_text, place
from exchange.matching.former_names import none_named
from exchange.matching.names import standard_name
from exchange.matching.relations import relation_number
from exchange.matching.unregistered import birth_key

DOUBTFUL_LEVEL = "30"
NORMAL = "normal"


def build_tables(export: pl.LazyFrame, as_of: date) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """``people``, and by key rows of ``people``: ``former`` (superseded key), ``mothers`` (the mother's key) and
    ``births`` (birth date and sex); and the counts that the gate judges.
    """
    records = _standardised(export, as_of)
    rows = records.height
    people = records.filter(pl.col("key").is_not_null()).sort("key", maintain_order=True)
    people = people.with_row_index("person").with_columns(pl.col("person").cast(pl.Int64))
    shared = people["key"].is_duplicated()
    former = _former(people)
    people = people.with_columns(
        (pl.col("doubt") | shared | pl.col("person").is_in(_doubled(people, former).implode())).alias("doubt")
    )
    counts = {
        "rows": rows,
        "bad_number_share": _share(rows - people.height, rows),
        "bad_name_share": _share(int((people["name"] == "").sum()), rows),
        "bad_code_share": _share(
            people.select(
                pl.any_horizontal(pl.col("sex", "ethnicity", "registered_division", "birth_date").is_null()).sum()
            ).item(),
            rows,
        ),
        "shared_number_share": _share(int(shared.sum()), rows),
    }
    columns = ["key", "name", "sex", "birth_date", "ethnicity", "registered_division", "registered_address", "doubt"]
    columns += ["cancelled", "cancelled_reason", "cancelled_on"]
    columns += ["former_name", "birthplace", "native_place", "household", "relation"]
    return {
        "people": people.select(columns).to_arrow(compat_level=pl.CompatLevel.oldest()),
        "former": former.select("key", "person").to_arrow(compat_level=pl.CompatLevel.oldest()),
        "mothers": _mothers(people).to_arrow(compat_level=pl.CompatLevel.oldest()),
        "births": _births(people).to_arrow(compat_level=pl.CompatLevel.oldest()),
    }, counts


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _standardised(export: pl.LazyFrame, as_of: date) -> pl.DataFrame:
    frame = export.select(
        "id_number",
        "former_id_number",
        standard_name(pl.col("name")).alias("name"),
        sex_code(pl.col("sex")).alias("sex"),
        pl.col("birth_date").str.to_date("%Y-%m-%d", strict=False),
        ethnicity_code(pl.col("ethnicity")).alias("ethnicity"),
        pl.col("registered_division").cast(pl.Int32, strict=False),
        _street().alias("registered_address"),
        (pl.col("information_level") == DOUBTFUL_LEVEL).alias("doubt"),
        (pl.col("status") != NORMAL).alias("cancelled"),
        pl.col("cancelled_reason").replace_strict(dict(REASONS), default=None, return_dtype=pl.UInt8),
        pl.col("cancelled_on").str.to_date("%Y-%m-%d", strict=False),
        pl.when(none_named(pl.col("former_name"))).then(pl.lit("")).otherwise("former_name").alias("former_name"),
        pl.col("birthplace", "native_place").cast(pl.Int32, strict=False),
        pl.when(pl.col("household_number") != "").then(pl.col("household_number").hash()).alias("household"),
        relation_number(pl.col("relation")).alias("relation"),
        "mother_id_number",
    ).collect()
    frame = id_numbers.standardise(frame, as_of)
    return frame.drop("id_number", "id_fault", "id_from_15", "id_repaired")


def _street() -> pl.Expr:
    """The address in the form in which claims are compared, without the registered division if it begins with that."""
    address = place(pl.col("registered_address"))
    code = address.struct.field("code")
    same = code == pl.col("registered_division").cast(pl.Int32, strict=False)
    return pl.when(same).then(address.struct.field("street")).otherwise(address_text(pl.col("registered_address")))


def _former(people: pl.DataFrame) -> pl.DataFrame:
    """``key`` (superseded), ``person``, sorted by key."""
    bearers = people.filter(pl.col("former_id_number") != "").select(
        "person", pl.col("former_id_number").alias("id_number")
    )
    keys = id_numbers.standardise(bearers, date.max)
    return keys.filter(pl.col("key").is_not_null()).select("key", "person").sort("key", "person")


def _mothers(people: pl.DataFrame) -> pl.DataFrame:
    """``key`` of the mother as it stands in the child's record, ``person`` (the child), sorted by key."""
    children = people.filter(pl.col("mother_id_number") != "").select(
        pl.col("person").cast(pl.UInt32), pl.col("mother_id_number").alias("id_number")
    )
    keys = id_numbers.standardise(children, date.max)
    return keys.filter(pl.col("key").is_not_null()).select("key", "person").sort("key", "person")


def _births(people: pl.DataFrame) -> pl.DataFrame:
    """``key`` of birth date and sex, ``person``, sorted by key."""
    born = people.filter(pl.col("birth_date").is_not_null())
    keys = born.select(birth_key(pl.col("birth_date"), pl.col("sex")).alias("key"), pl.col("person").cast(pl.UInt32))
    return keys.sort("key", "person")


def _doubled(people: pl.DataFrame, former: pl.DataFrame) -> pl.Series:
    """Rows of both records of a person who is registered under an old and a new number at once."""
    named = former.join(people.select("person", "name"), on="person")
    other = people.select("key", "name", pl.col("person").alias("other"))
    pairs = named.join(other, on=["key", "name"])
    return pl.concat([pairs["person"], pairs["other"]]).unique()
