"""What an officer sees of real rows, and that looking is registered."""

from __future__ import annotations

import json

import polars as pl

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province import unregistered_claims
from exchange.matching import id_numbers
from exchange.office import Office
from exchange.register import ReviewFilter
from exchange.review.sight import Sight, see


def seen(office: Office, batch: str) -> list[Sight]:
    return see(office, batch, office.register.reviews.find(ReviewFilter(batch=batch)))


def test_candidates_of_a_newborn(office: Office, health: DemoPartner, people: pl.DataFrame) -> None:
    claims = unregistered_claims.by_mother(people, 300, seed=8)
    unclear = claims.expected["unregistered"] == "under_review"
    rows = claims.rows.filter(unclear).head(20)
    request = Request(
        f"{health.id}.sight", "ad_hoc", "2026-11-23", "birth_certificate", "母婴保健法第二十三条",
        ("unregistered",), rows.height, to_csv(rows),
    )  # fmt: skip
    health.drop(health.make_set(request))
    sweep(office)
    assert pipeline.run(office, request.batch)
    sights = seen(office, request.batch)
    assert sights
    for sight in sights:
        mother = id_numbers.standardise(
            pl.DataFrame({"id_number": [sight.claim["mother_id_number"]]}), office.now().date()
        )["key"][0]
        former = people.filter(pl.col("former_id_number") == sight.claim["mother_id_number"])["id_number"]
        mothers = {mother, *(int(number[:17]) for number in former)}
        assert mothers & set(sight.people["key"]), "the mother herself"
        assert sight.people.height > 1, "and a child near that birth, or who shares her number"
    opened = [json.loads(step.facts).get("opened") for step in office.register.steps(request.batch)]
    assert [rows for rows in opened if rows] == [",".join(str(sight.review.row) for sight in sights)]
