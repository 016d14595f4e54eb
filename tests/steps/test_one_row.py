"""One row decided alone is the row of the whole batch decided: of every row, order and kind of batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province import unregistered_claims
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.matching import unregistered
from exchange.matching.decide import decide
from exchange.snapshots.versions import Snapshots
from exchange.steps import rows as by_number
from exchange.steps.answers import BatchContext, second_pass

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "birth_date", "former_name", "kinship", "migration", "criminal_record")
ROWS = 40


def accepted(app: App, partner: DemoPartner, request: Request) -> BatchContext:
    partner.drop(partner.make_set(request))
    poll(app)
    assert pipeline.receive(app, request.batch)
    return anew(app, request.batch)


def anew(app: App, batch: str) -> BatchContext:
    """As a new task sees it: nothing is remembered."""
    return BatchContext.of(app, app.register.batch(batch))


@contextmanager
def missing(monkeypatch: pytest.MonkeyPatch, source: str) -> Iterator[None]:
    """A source of which no snapshot is published."""
    current = Snapshots.current
    with monkeypatch.context() as without:
        without.setattr(Snapshots, "current", lambda self, name: None if name == source else current(self, name))
        yield


def by_mother(app: App, health: DemoPartner, people: pl.DataFrame) -> BatchContext:
    """A batch in which rows are counted."""
    claims = unregistered_claims.by_mother(people, 20, seed=3)
    twice = pl.concat([claims.rows, claims.rows.with_columns(pl.format("again {}", "row_ref").alias("row_ref"))])
    basis = "母婴保健法第二十三条"
    number = app.now().timestamp()
    return accepted(
        app, health, Request(f"{health.id}.one{number:.0f}", "ad_hoc", "2026-11-23", "birth_certificate", basis,
        (unregistered.CODE,), twice.height, to_csv(twice)),
    )  # fmt: skip


def of_the_court(
    kind: str, app: App, court: DemoPartner, ask: Ask, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> BatchContext:
    """A batch with every kind of fault and oddity; one whose rows waited for a source and were asked again; an
    objection to rows of another, some of them unknown.
    """
    rows = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(pl.lit(rows["row_ref"][5])).otherwise("row_ref").alias("row_ref")
    )
    sent = ask(to_csv(rows), ROWS, items=ITEMS)
    if kind == "waited":
        with missing(monkeypatch, "drug_control"):
            first = accepted(app, court, sent)
            assert first.matched()["answer.criminal_record"].is_in(["source_not_ready"]).any()
        assert second_pass(first)
        return first
    first = accepted(app, court, sent)
    if kind == "answered":
        return first
    pipeline.process(app, sent.batch)
    pipeline.deliver(app, sent.batch)
    refs = [*rows["row_ref"][:20], "nobody's", rows["row_ref"][7]]
    data = pl.DataFrame({"row_ref": refs}).write_csv().encode()
    about = {"cycle": "objection", "items": ("name", "sex"), "objects_to": sent.batch}
    return accepted(app, court, ask(data, len(refs), **about))


@pytest.fixture(scope="module")
def asked_once() -> dict[str, str]:
    """Kind of batch → its id: a row that is asked for changes nothing, so that all tests ask the same batches."""
    return {}


@pytest.fixture(params=["answered", "waited", "objected", "by_mother"])
def context(
    request: pytest.FixtureRequest,
    asked_once: dict[str, str],
    app: App,
    court: DemoPartner,
    health: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    monkeypatch: pytest.MonkeyPatch,
) -> BatchContext:
    """A batch of each kind, as a new task sees it."""
    kind = request.param
    monkeypatch.setattr(by_number, "ROWS_IN_BLOCK", 7)
    if kind not in asked_once:
        rows = make_claims(people, offenders, ITEMS, ROWS, seed=11, approved=True).rows
        made = (
            by_mother(app, health, people)
            if kind == "by_mother"
            else of_the_court(kind, app, court, ask, rows, monkeypatch)
        )
        asked_once[kind] = made.batch.id
    return anew(app, asked_once[kind])


def test_every_row_alone_is_the_row_of_the_whole(context: BatchContext, asked_once: dict[str, str]) -> None:
    """Of the plain batch every row; of the others, whose rows are the same ones on another way, each second."""
    step = 1 if context.batch.id == asked_once.get("answered") else 2
    for settled in (False, True):
        whole = context.matched(settled=settled)
        assert whole.height == context.manifest.rows
        rows = range(1, whole.height + 1, 4 * step if settled else step)
        alone = [anew(context.app, context.batch.id).matched([row], settled=settled) for row in rows]
        assert_frame_equal(pl.concat(alone), whole[[row - 1 for row in rows]])


def test_any_rows_in_any_order(context: BatchContext) -> None:
    """And matched together with what is proposed, as each by itself."""
    whole = context.table, context.answers(), context.first_matched()
    both = None if context.earlier else (context.matched(), context.matched(settled=True))

    @settings(max_examples=4)
    @given(st.lists(st.integers(1, context.manifest.rows), unique=True, max_size=20))
    def the_same(rows: list[int]) -> None:
        asked = anew(context.app, context.batch.id)
        alone = asked.claims(rows), asked.answers(rows), asked.first_matched(rows)
        for some, every in zip(alone, whole, strict=True):
            assert_frame_equal(some, every[[row - 1 for row in rows]])
        if both is not None:
            for some, every in zip(asked.matched_and_proposed(rows), both, strict=True):
                assert_frame_equal(some, every[[row - 1 for row in rows]])

    the_same()


def test_no_other_row_is_decided(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = make_claims(people, offenders, ITEMS, ROWS, seed=12, approved=True).rows
    context, decided = accepted(app, court, ask(to_csv(rows), ROWS, items=ITEMS)), []

    def counted(table: pl.DataFrame, *args: object, **kwargs: object) -> pl.DataFrame:
        decided.append(table.height)
        return decide(table, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("exchange.steps.answers.decide", counted)
    context.matched([5])
    context.answers([5, 30])
    assert decided == [1, 2]


def test_what_the_cache_lacks_or_holds_wrong_is_read_anew(context: BatchContext) -> None:
    app, batch = context.app, context.batch.id
    expected = context.table[[20]]
    assert_frame_equal(anew(app, batch).claims([21]), expected)
    (kept,) = app.cache.folder.glob(f"{context.manifest.data.sha256}.*.rows")
    assert not any(ref.encode() in kept.read_bytes() for ref in context.table["row_ref"] if len(ref) > 3)
    content = kept.read_bytes()
    for wrong in (b"", content[:-1], content[:-9], bytes(len(content)), content[100:], bytes([content[0] ^ 1]) * 999):
        kept.write_bytes(wrong)
        assert_frame_equal(anew(app, batch).claims([21]), expected)
    app.cache.remove(context.manifest.data.sha256)
    assert not kept.exists()
    assert_frame_equal(anew(app, batch).claims([21]), expected)
