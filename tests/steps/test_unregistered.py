"""``unregistered`` the whole way: a request without the subject's number, answered, masked, sealed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import ANSWERS
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province import unregistered_claims
from exchange.intake.collect import poll
from exchange.steps import request as step

BASIS = "母婴保健法第二十三条"
ITEM = ("unregistered",)


def asked(partner: DemoPartner, name: str, data: bytes, rows: int, items: Sequence[str] = ITEM) -> Request:
    return Request(f"{partner.id}.{name}", "ad_hoc", "2026-11-23", "birth_certificate", BASIS, items, rows, data)


def run(app: App, partner: DemoPartner, request: Request) -> bool:
    partner.drop(partner.make_set(request))
    assert request.batch in poll(app).waiting
    return pipeline.run(app, request.batch)


@pytest.mark.parametrize("chinese", [True, False])
def test_result_has_the_right_answers(app: App, health: DemoPartner, people: pl.DataFrame, chinese: bool) -> None:
    claims = unregistered_claims.by_mother(people, 200, seed=3)
    rows = claims.rows.height
    request = asked(health, f"born-{chinese}", to_csv(claims.rows, chinese=chinese), rows)
    assert run(app, health, request)
    result = health.result(request.batch)
    words = result.data.decode("utf-8-sig")
    answered = list(csv.DictReader(io.StringIO(words)))
    assert [row["业务编号"] for row in answered] == claims.rows["row_ref"].to_list()
    assert {row["公民身份号码"] for row in answered} == {row["姓名"] for row in answered} == {"***"}
    assert {row["号码与姓名"] for row in answered} == {"不适用"}
    assert set(answered[0]) == {"业务编号", "公民身份号码", "姓名", "号码与姓名", "说明", "未登记户口核查结果"}
    expected = dict(claims.expected["unregistered"].value_counts().iter_rows())
    assert result.manifest["answers"] == {"identity": {"not_applicable": rows}, "unregistered": expected}
    assert not pl.Series([words]).str.contains(r"\d{14}").item()


def test_rows_that_ask_the_same_are_counted_however_far_apart(
    app: App, health: DemoPartner, people: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One child is registered, two rows ask for it: a twin may be missing."""
    monkeypatch.setattr(step, "BYTES_IN_PART", 1_000)
    claims = unregistered_claims.by_mother(people, 200, seed=3)
    place = claims.expected["unregistered"].to_list().index("registered")
    again = claims.rows[place].with_columns(pl.lit("once more").alias("row_ref"))
    rows = pl.concat([claims.rows, again])
    request = asked(health, "twice", to_csv(rows), rows.height)
    assert run(app, health, request)
    answered = list(csv.DictReader(io.StringIO(health.result(request.batch).data.decode("utf-8-sig"))))
    answers = [row["未登记户口核查结果"] for row in answered]
    assert answers[place] == answers[-1] == ANSWERS["under_review"].zh


@pytest.mark.parametrize(
    ("name", "items", "data", "rows", "code", "column"),
    [
        ("beside", ("unregistered", "sex"), b"row_ref\nR\n", 1, "item_not_alone", "items.0"),
        ("number", ITEM, b"row_ref,mother_id_number,birth_date,id_number\nR,1,1,1\n", 1, "column_unknown", "#4"),
        ("name", ITEM, b"row_ref,name,birth_date,sex\nR,1,1,1\n", 1, "column_unknown", "#2"),
        ("motherless", ITEM, b"row_ref,birth_date\nR,1\n", 1, "column_missing", "mother_id_number"),
        ("unread", ITEM, b"row_ref,mother_id_number,birth_date\n" + b"R,1,1\n" * 30, 30, "rows_unreadable", None),
    ],
)
def test_requests_that_do_not_fit(
    app: App,
    health: DemoPartner,
    name: str,
    items: tuple[str, ...],
    data: bytes,
    rows: int,
    code: str,
    column: str | None,
) -> None:
    request = asked(health, name, data, rows, items)
    assert not run(app, health, request)
    refusal = health.verified(f"{request.batch}.receipt.json")["refusal"]
    assert (refusal["code"], refusal.get("column")) == (code, column)
