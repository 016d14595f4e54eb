"""Objections (异议): a partner asks for a second look at rows of an earlier batch.

Rules
- The rows name the earlier batch's row references; whom they meant, and what was answered, is taken from there.
- Every row goes to an officer, the first answer beside it; nothing is answered by the machine.
- An earlier batch whose data, or a snapshot that answered it, is past its time cannot be looked at again.
- A reference that the earlier batch does not have, or has more than once, is answered ``row_ref_unknown``.

Source: national rules on criminal-record queries of 2021: 15 working days, once extended to 30 with approval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from exchange.app import App
from exchange.base.errors import Refused
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN, NOTE, PERSON
from exchange.matching.identity import NOBODY
from exchange.register import Batch, Register, Role, State
from exchange.wire.manifest import RequestManifest

CAUSE: Final = "objection"
UNKNOWN: Final = "row_ref_unknown"


def check_objection(register: Register, manifest: RequestManifest, stage: str | None = None) -> None:
    """Refused unless the earlier batch is the partner's own, was answered, for this purpose, held these items, its data
    is still kept, and it is a test if and only if this one is (``stage``).
    """
    if manifest.objects_to is None:
        return
    known = register.find_batch(manifest.objects_to)
    first = None if known is None else register.attested(known.id).batch
    answered = first is not None and first.state in (State.DELIVERED, State.CLOSED) and first.objects_to is None
    if first is None or not answered or not _of_same_kind(first, manifest, stage):
        raise Refused("objection_batch", column="objects_to")
    if Role.DATA in register.retention.destroyed(first.id):
        raise Refused("objection_past", column="objects_to")
    for position, item in enumerate(manifest.items):
        if item not in first.items:
            raise Refused("objection_item", column=f"items.{position}")


def answers_are_there(app: App, batch_id: str) -> bool:
    """Whether the snapshots that answered an earlier batch are still there, those of its second pass, too."""
    snapshots, uses = app.snapshots_for(app.register.batch(batch_id)), app.register.snapshots
    pinned = [*uses.of(batch_id).items(), *uses.of(batch_id, later=True).items()]
    return all(snapshots.answers_still(source, version) for source, (version, _) in pinned)


def _of_same_kind(first: Batch, manifest: RequestManifest, stage: str | None) -> bool:
    return (first.partner, first.purpose, first.stage) == (manifest.partner, manifest.purpose, stage)


def objected(table: pl.DataFrame, first: pl.DataFrame, items: Sequence[str]) -> pl.DataFrame:
    """The rows that are objected to, in the shape of ``matching.decide``, each under review. ``first``: the earlier
    batch's answers as they stand.
    """
    known = first.filter(pl.col("row_ref").is_unique()).select("row_ref", "id_number", "name", PERSON, IDENTITY_COLUMN)
    joined = table.select("row_ref").join(known, on="row_ref", how="left", maintain_order="left")
    there = pl.col("id_number").is_not_null()
    by_number = (
        pl.when(pl.col(IDENTITY_COLUMN) == "not_applicable").then(IDENTITY_COLUMN).otherwise(pl.lit("under_review"))
    )
    of_identity = pl.when(there).then(by_number).otherwise(pl.lit(UNKNOWN))
    of_items = pl.when(there).then(pl.lit("under_review")).otherwise(pl.lit("not_answered"))
    return joined.select(
        "row_ref",
        pl.col("id_number").fill_null(""),
        pl.col("name").fill_null(""),
        of_identity.alias(IDENTITY_COLUMN),
        pl.lit("").alias(NOTE),
        *[of_items.alias(f"answer.{item}") for item in items],
        pl.col(PERSON).fill_null(NOBODY),
        pl.when(there).then(pl.lit(CAUSE)).otherwise(pl.lit("")).alias(CAUSES_COLUMN),
    )
