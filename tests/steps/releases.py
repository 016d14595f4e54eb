"""A batch with rows that wait, on its way to a supplementary result: sent, decided, proposed, approved, opened."""

from __future__ import annotations

import csv
import io

import openpyxl
import polars as pl

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Decision, Release
from exchange.review.case import load_cases
from exchange.review.decisions import complete

RECORDS = ("id_number", "name", "criminal_record")


def rows(*people: pl.DataFrame) -> tuple[bytes, int]:
    """A request's rows about these people."""
    asked = pl.concat([each.select("id_number", "name") for each in people]).with_row_index("row_ref", offset=1)
    return asked.with_columns(pl.format("R{}", "row_ref").alias("row_ref")).write_csv().encode(), asked.height


def school(education: DemoPartner, number: str, data: bytes, count: int) -> Request:
    basis = "未成年人保护法第六十二条"
    return Request(f"{education.id}.{number}", "quarterly", "2026-Q4", "hiring_teachers", basis, RECORDS, count, data)


def sent(app: App, partner: DemoPartner, request: Request) -> str:
    partner.drop(partner.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def supplement(partner: DemoPartner, batch: str, number: int) -> dict[str, dict[str, str]]:
    """Row reference → the row of a supplementary result, checked and opened as its partner would."""
    result = partner.result(batch, number)
    assert result.manifest["supplement"] == number - 1
    if result.manifest["plain"]["name"].endswith(".csv"):
        rows = csv.DictReader(io.StringIO(result.data.decode("utf-8-sig")))
        return {next(iter(row.values())): row for row in rows}
    head, *cells = openpyxl.load_workbook(io.BytesIO(result.data)).worksheets[0].values
    return {str(row[0]): dict(zip(map(str, head), map(str, row), strict=True)) for row in cells}


def proposed(app: App, batch: str) -> list[Release]:
    return [release for release in pipeline.propose_all(app).releases if release.batch == batch]


def approve(leader: App, release: Release) -> None:
    leader.register.releases.approve(release.batch, release.number, release.answers_sha256 or "")


def decide(app: App, batch: str, row: int, **answers: str) -> None:
    review = app.register.reviews.get(batch, row)
    sight = load_cases(app, batch, [review])[0]
    said = complete(sight.open, answers)
    app.register.reviews.decide(batch, [Decision(row, review.version, said, "archive")])
