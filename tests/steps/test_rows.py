"""A request's rows are parsed once: what was found is kept, encrypted, and whoever answers it has the same rows as the
original has, whatever became of what was kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.register import State
from exchange.steps import request, rows
from exchange.steps.answers import BatchContext
from tests.examples import one_in

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "birth_date")
ROWS = 61
"""No multiple of a block."""


@pytest.fixture(autouse=True)
def _in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts and blocks that do not end together."""
    monkeypatch.setattr(rows, "ROWS_IN_BLOCK", 7)
    monkeypatch.setattr(rows, "BYTES_IN_PART", 2_000)
    monkeypatch.setattr(request, "BYTES_IN_PART", 1_000)


@pytest.fixture
def received(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, offenders: pl.Series
) -> Callable[[], BatchContext]:
    """Brings a batch with every kind of fault and oddity to where it is answered, a row of another width among them."""

    def make() -> BatchContext:
        lines = to_csv(make_claims(people, offenders, ITEMS, ROWS - 1, seed=11).rows).splitlines(keepends=True)
        asked = ask(b"".join([*lines[:30], b"R,too,few\r\n", *lines[30:]]), ROWS, items=ITEMS)
        court.drop(court.make_set(asked))
        poll(app)
        assert pipeline.receive(app, asked.batch)
        return BatchContext.of(app, app.register.batch(asked.batch))

    return make


def kept(context: BatchContext) -> list[Path]:
    return sorted(context.app.cache.folder.glob(f"{context.manifest.data.sha256}.*"))


def original(context: BatchContext) -> pl.DataFrame:
    return pl.concat(request.read_original(context.app, context.agreement, context.manifest))


def whole(context: BatchContext) -> pl.DataFrame:
    return pl.concat(context.request())


def test_who_answers_a_received_request_does_not_open_it_again(
    court: DemoPartner, received: Callable[[], BatchContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And sends the same bytes as if it had."""
    context, other = received(), received()
    app, expected = context.app, original(context)
    for path in kept(other):
        path.unlink()
    pipeline.process(app, other.batch.id)
    with monkeypatch.context() as closed:
        closed.delattr(request, "decrypt")
        assert_frame_equal(whole(context), expected)
        pipeline.process(app, context.batch.id)
    for each in (context, other):
        pipeline.deliver(app, each.batch.id)
    assert court.result(context.batch.id).data == court.result(other.batch.id).data


def test_nothing_of_it_can_be_read_without_the_offices_key(received: Callable[[], BatchContext]) -> None:
    context = received()
    (path,) = kept(context)
    content = path.read_bytes()
    assert not any(
        value.encode() in content for row in whole(context).rows() for value in row if value and len(value) > 5
    )


def test_what_was_altered_is_read_from_the_original(received: Callable[[], BatchContext]) -> None:
    context = received()
    (path,), expected = kept(context), original(context)
    sound = path.read_bytes()

    @one_in(4)
    @given(st.data())
    def the_same(data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(sound) - 1))
        altered = bytes([sound[place] ^ data.draw(st.integers(1, 255))])
        path.write_bytes(data.draw(st.sampled_from([sound[:place], sound[:place] + altered + sound[place + 1 :]])))
        assert_frame_equal(whole(context), expected)

    the_same()
    path.unlink()
    assert_frame_equal(whole(context), expected)


def test_nothing_is_kept_of_what_is_refused(app: App, court: DemoPartner, ask: Ask) -> None:
    """For its last row, or for what all of them are together."""
    unreadable = b"row_ref,id_number,name\n" + b"".join(b"R%d,1,2\n" % number for number in range(ROWS))
    before = set(app.cache.folder.glob("*"))
    for data, stated in ((unreadable, ROWS), (unreadable + b"R,1,2\n", ROWS)):
        asked = ask(data, stated, items=("id_number", "name"))
        court.drop(court.make_set(asked))
        poll(app)
        assert not pipeline.receive(app, asked.batch)
        assert app.register.batch(asked.batch).state is State.REFUSED
    assert set(app.cache.folder.glob("*")) == before


def test_it_is_kept_as_long_as_a_row_of_it_is_open(
    app: App, court: DemoPartner, received: Callable[[], BatchContext], ask: Ask
) -> None:
    waiting = received()
    nobody = b"row_ref,id_number,name\n" + b"".join(b"R%d,11010519491231002X,\xe5\xbc\xa0\n" % n for n in range(ROWS))
    asked = ask(nobody, ROWS, items=("id_number", "name"))
    court.drop(court.make_set(asked))
    poll(app)
    assert pipeline.receive(app, asked.batch)
    answered = BatchContext.of(app, app.register.batch(asked.batch))
    assert kept(answered)
    for each in (waiting, answered):
        pipeline.process(app, each.batch.id)
    rows_open = [app.register.batch(each.batch.id).rows_open for each in (waiting, answered)]
    assert (bool(rows_open[0]), rows_open[1]) == (True, 0)
    assert (bool(kept(waiting)), bool(kept(answered))) == (True, False)
