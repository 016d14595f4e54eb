"""``kinship`` (同户人员与户主间的亲属关系): what one of two people is to the other, who is head of their household.

Rules
- Both are established in the same way, by number and name; of a relative who is not, nothing is said, and the result
  echoes nothing of the relative.
- The register holds relations to the head only: one of the two must be the head, and the claimed relation is always
  what the other one is to the head, whoever of the two the row is about.
- A general word agrees with every relation that it takes in; where the register is the more general, an officer looks
  (``matching/relations.py``). Sex is not brought in: the relation is judged by the registered relation alone.
- A relative in doubt, a household with two heads (whoever of it the pair is) or without a number: an officer looks. So
  where somebody whose registration is cancelled belongs to the pair and the household has another head than at that
  time, for the relation may be one to either (``snapshots/population.py``, ``several_heads``).

Source: opinion of twelve ministries (2016); GB/T 4761-2008.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from exchange.matching import id_numbers
from exchange.matching.codes import nothing_claimed
from exchange.matching.identity import NOBODY, identify
from exchange.matching.items.rule import ItemRule, meant, registered
from exchange.matching.relations import HEAD, relation_answer, relation_number
from exchange.matching.sources import Sources

_READS = ("household", "relation", "several_heads")
_CLAIMS = ("relative_id_number", "relative_name", "relation")


def _look_up(frame: pl.DataFrame, sources: Sources) -> pl.DataFrame:
    """Adds ``kinship.identity`` and ``kinship.person`` of the relative, and ``kinship.household`` and
    ``kinship.relation`` as registered (null where nobody is established).
    """
    claimed = frame.select(
        pl.col("relative_id_number").alias("id_number"),
        pl.col("relative_name").alias("name"),
        pl.lit(None, pl.String).alias("row_fault"),
    )
    # Every fault of the relative's number has one answer, so the day of receipt does not matter here.
    relatives = identify(id_numbers.standardise(claimed, date.max), sources.population)
    persons = relatives["person"].to_numpy()
    values = sources.population.people.take(persons.clip(min=0), _READS)
    nobody = pl.Series(persons == NOBODY)
    return frame.with_columns(
        relatives["identity"].alias("kinship.identity"),
        relatives["person"].alias("kinship.person"),
        *[pl.select(pl.when(~nobody).then(values[column])).to_series().alias(f"kinship.{column}") for column in _READS],
    )


_RELATION = meant("kinship")
_IS_HEAD = registered("relation").is_in(HEAD)
_RELATIVE_IS_HEAD = pl.col("kinship.relation").is_in(HEAD)
_SEVERAL_HEADS = registered("several_heads") | pl.col("kinship.several_heads")
_OF_THE_OTHER = pl.when(_IS_HEAD).then(pl.col("kinship.relation")).otherwise(registered("relation"))

RULE = ItemRule(
    code="kinship",
    claimed=relation_number(pl.col("relation")),
    reads=_READS,
    looks_up=_look_up,
    answer=(
        pl.when(pl.any_horizontal(nothing_claimed(pl.col(column)) for column in _CLAIMS))
        .then(pl.lit("claim_missing"))
        .when(_RELATION.is_null() | _RELATION.is_in(HEAD))
        .then(pl.lit("claim_format"))
        .when(~pl.col("kinship.identity").is_in(["consistent", "under_review"]))
        .then(pl.lit("relative_not_established"))
        .when(pl.col("kinship.person") == pl.col("person"))
        .then(pl.lit("claim_format"))
        .when(pl.col("kinship.identity") == "under_review")
        .then(pl.lit("under_review"))
        .when(registered("household").is_null() | pl.col("kinship.household").is_null())
        .then(pl.lit("under_review"))
        .when(registered("household") != pl.col("kinship.household"))
        .then(pl.lit("not_same_household"))
        .when(_SEVERAL_HEADS | (_IS_HEAD & _RELATIVE_IS_HEAD).fill_null(value=False))
        .then(pl.lit("under_review"))
        .when(registered("relation").is_null() | pl.col("kinship.relation").is_null())
        .then(pl.lit("under_review"))
        .when(~_IS_HEAD & ~_RELATIVE_IS_HEAD)
        .then(pl.lit("head_not_named"))
        .otherwise(relation_answer(_RELATION, _OF_THE_OTHER))
    ),
)
