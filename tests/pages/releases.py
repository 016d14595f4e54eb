"""A release that waits for a leader, as officers bring it about."""

from __future__ import annotations

import itertools

import polars as pl

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Decision, Release
from exchange.review.case import load_cases
from exchange.review.decisions import complete

RECORDS = ("id_number", "name", "criminal_record")
_numbers = itertools.count(1)


def asked_of_records(officer: App, education: DemoPartner, asked: pl.DataFrame) -> str:
    """A quarterly batch about these people, answered as far as it can be without officers."""
    batch = f"{education.id}.pages-{next(_numbers)}"
    data = asked.select("id_number", "name").with_row_index("row_ref").write_csv().encode()
    basis = "未成年人保护法第六十二条"
    request = Request(batch, "quarterly", "2026-Q4", "hiring_teachers", basis, RECORDS, asked.height, data)
    education.drop(education.make_set(request))
    poll(officer)
    assert pipeline.run(officer, batch)
    return batch


def release_of(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    """Such a batch whose hit is confirmed; the release that waits for a leader."""
    batch = asked_of_records(officer, education, asked)
    review = officer.register.reviews.get(batch, 1)
    said = complete(load_cases(officer, batch, [review])[0].open, {"criminal_record": "record_found"})
    officer.register.reviews.decide(batch, [Decision(1, review.version, said, "case_file")])
    (found,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    return found
