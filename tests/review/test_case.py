"""What an officer sees of real rows, and that looking is registered."""

from __future__ import annotations

import json

import polars as pl

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province import unregistered_claims
from exchange.intake.collect import poll
from exchange.matching import id_numbers
from exchange.register import ReviewFilter
from exchange.review.case import CaseView, load_cases


def seen(app: App, batch: str) -> list[CaseView]:
    return load_cases(app, batch, app.register.reviews.find(ReviewFilter(batch=batch)))


def test_candidates_of_a_newborn(app: App, health: DemoPartner, people: pl.DataFrame) -> None:
    claims = unregistered_claims.by_mother(people, 300, seed=8)
    unclear = claims.expected["unregistered"] == "under_review"
    rows = claims.rows.filter(unclear).head(20)
    request = Request(
        f"{health.id}.sight", "ad_hoc", "2026-11-23", "birth_certificate", "母婴保健法第二十三条",
        ("unregistered",), rows.height, to_csv(rows),
    )  # fmt: skip
    health.drop(health.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    cases = seen(app, request.batch)
    assert cases
    for case in cases:
        mother = id_numbers.standardise(
            pl.DataFrame({"id_number": [case.claim["mother_id_number"]]}), app.now().date()
        )["key"][0]
        former = people.filter(pl.col("former_id_number") == case.claim["mother_id_number"])["id_number"]
        mothers = {mother, *(int(number[:17]) for number in former)}
        assert mothers & set(case.people["key"]), "the mother herself"
        named = [key for key, whose in zip(case.people["key"], case.others, strict=True) if whose == "mother_id_number"]
        assert set(named) == mothers & set(case.people["key"])
        assert len(case.others) == case.people.height
        assert case.people.height > 1, "and a child near that birth, or who shares her number"
        assert {"key", "name", "birth_date", "sex"} <= set(case.people.columns), "what the claim is held against"
        assert not {"household", "relation", "native_place", "registered_address"} & set(case.people.columns)
    opened = [json.loads(step.facts).get("opened") for step in app.register.steps(request.batch)]
    assert [rows for rows in opened if rows] == [",".join(str(case.review.row) for case in cases)]
