"""A batch by ranges: the same answers as in one go, however many there are, and nothing plain on disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.register import ReviewFilter, State
from exchange.steps.answers import POPULATION, BatchContext
from exchange.steps.disclosure import SpotCheck
from exchange.steps.ranges import merge_ranges, range_of
from exchange.wire.envelope import decrypt, encrypt

ITEMS = ("id_number", "name", "sex", "birth_date", "former_name", "kinship", "migration", "criminal_record")
ROWS = 120

Accept = Callable[[App], BatchContext]


@pytest.fixture
def accept(court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame, offenders: pl.Series) -> Accept:
    """Brings a batch with every kind of fault and oddity to where it is matched."""

    def make(app: App) -> BatchContext:
        claims = make_claims(people, offenders, ITEMS, ROWS, seed=11, approved=True)
        request = ask(to_csv(claims.rows), ROWS, items=ITEMS)
        court.drop(court.make_set(request))
        poll(app)
        assert pipeline.receive(app, request.batch)
        return BatchContext.of(app, app.register.batch(request.batch))

    return make


def together(context: BatchContext, hashes: Sequence[str]) -> pl.DataFrame:
    return pl.concat(answers for _, answers in merge_ranges(context, hashes))


def with_policy(app: App, **given: int) -> App:
    policy = app.settings.policy.model_copy(update=given)
    return App(app.settings.model_copy(update={"policy": policy}), app.register)


def test_ranges_put_together_are_the_whole(app: App, accept: Accept) -> None:
    context = accept(app)
    whole = context.matched()
    for of in (1, 2, 5):
        ranges = [pipeline.match_range(app, context.batch.id, number, of) for number in range(of)]
        assert_frame_equal(together(context, ranges), whole)


def test_every_row_is_in_one_range_and_an_unreadable_number_in_the_first(app: App, accept: Accept) -> None:
    context = accept(app)
    people = context.sources().population.people
    number = range_of(context.table, people, 5, context.today)
    assert set(number) == set(range(5))
    unreadable = context.matched()["identity"].is_in(["id_number_missing", "id_number_format", "id_number_check"])
    assert unreadable.any()
    assert set(number.filter(unreadable)) == {0}
    ends = pl.Series([people.keys[0], people.keys[-1]])
    numbers = ends.cast(pl.String) + ends.map_elements(_check_character, pl.String)
    claimed = pl.DataFrame({"id_number": numbers})
    assert range_of(claimed, people, 5, context.today).to_list() == [0, 4]


def _check_character(key: int) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(str(key), weights, strict=True)) % 11]


def test_the_result_has_the_same_bytes(
    app: App, court: DemoPartner, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SpotCheck, "of", lambda *_: SpotCheck(b"the same rows of both", "court", date(2026, 11, 2), 0.05)
    )
    whole, cut = accept(app), accept(cutting := with_policy(app, large_rows=1, range_rows=50))
    pipeline.process(app, whole.batch.id)
    assert pipeline.plan(app, cut.batch.id) == 0
    assert pipeline.plan(cutting, cut.batch.id) == 3
    ranges = [pipeline.match_range(app, cut.batch.id, number, 3) for number in range(3)]
    pipeline.process_ranges(app, cut.batch.id, ranges)
    for context in (whole, cut):
        pipeline.deliver(app, context.batch.id)
    assert court.result(whole.batch.id).data == court.result(cut.batch.id).data
    reviews = [app.register.reviews.find(ReviewFilter(batch=context.batch.id)) for context in (whole, cut)]
    assert [each.row for each in reviews[0]] == [each.row for each in reviews[1]]


def test_ranges_are_sealed_and_go_with_the_result(app: App, accept: Accept) -> None:
    context = accept(app)
    ranges = [pipeline.match_range(app, context.batch.id, number, 2) for number in range(2)]
    for digest in ranges:
        assert not any(name.encode() in app.archive.read(digest) for name in context.table["name"] if name)
    pipeline.process_ranges(app, context.batch.id, ranges)
    assert not any(app.archive.has(digest) for digest in ranges)


def test_a_range_is_decided_again_and_late_tries_do_nothing(app: App, accept: Accept) -> None:
    context = accept(app)
    batch = context.batch.id
    first = [pipeline.match_range(app, batch, number, 2) for number in range(2)]
    again = pipeline.match_range(app, batch, 1, 2)
    pipeline.process_ranges(app, batch, [first[0], again])
    assert app.register.batch(batch).state is State.PREPARED
    assert (pipeline.plan(app, batch), pipeline.match_range(app, batch, 0, 2)) == (0, "")
    pipeline.process_ranges(app, batch, ["", ""])
    assert len(app.register.transitions(batch)) == 3


def test_what_is_not_this_batch_is_not_put_together(app: App, accept: Accept) -> None:
    context, other = accept(app), accept(app)
    mine = [pipeline.match_range(app, context.batch.id, number, 2) for number in range(2)]
    theirs = pipeline.match_range(app, other.batch.id, 1, 2)
    of_three = pipeline.match_range(app, context.batch.id, 1, 3)
    for ranges in ([mine[0]], [mine[1], mine[0]], [mine[0], theirs], [mine[0], of_three], [*mine, mine[0]]):
        with pytest.raises(Halt, match="do not make up this batch"):
            together(context, ranges)


def test_a_range_that_the_office_did_not_write_is_not_put_together(app: App, accept: Accept) -> None:
    """Whoever has a folder here can have any file kept, encrypted to the office's certificate, which is no secret; and
    whoever may write XComs can name it in a range's place.
    """
    context = accept(app)
    key, sound = app.decryption, pipeline.match_range(app, context.batch.id, 0, 1)
    name, code, table = decrypt(app.archive.verified_path(sound), key).split(b"\n", 2)
    told = pl.read_ipc(table).with_columns(criminal_record=pl.lit("no_record").cast(pl.Categorical))
    forged = io.BytesIO()
    told.write_ipc(forged)
    for content in (
        b"%b\n%b" % (name, forged.getvalue()),
        b"%b\n%b\n%b" % (name, code, forged.getvalue()),
        b"%b\n\n%b" % (name, forged.getvalue()),
        b"%b\n%b\n%b" % (name, code[::-1], table),
    ):
        planted = app.archive.keep(encrypt(content, key.certificate))
        with pytest.raises(Halt, match="do not make up this batch"):
            pipeline.process_ranges(app, context.batch.id, [planted])
        assert app.archive.has(planted), "nothing is removed, either"
    assert app.register.batch(context.batch.id).state is State.ACCEPTED


@pytest.mark.parametrize("instead", ["", "a hash", "0" * 64, 7, None], ids=repr)
def test_what_airflow_gives_instead_of_a_range_is_told_as_that(app: App, accept: Accept, instead: object) -> None:
    """A part that was marked successful or cleared alone, an XCom that somebody wrote, a range that was removed by a
    try of which an older register knows nothing: to be decided anew, and no file to be brought back.
    """
    context = accept(app)
    ranges: list[Any] = [pipeline.match_range(app, context.batch.id, 0, 2), instead]
    for given in (ranges, ranges[::-1], ranges[1:]):
        with pytest.raises(Halt, match="clear the task `plan`"):
            pipeline.process_ranges(app, context.batch.id, given)
    assert app.register.batch(context.batch.id).state is State.ACCEPTED
    pipeline.process(app, context.batch.id)
    assert app.register.batch(context.batch.id).state is State.PREPARED


def test_who_has_no_number_is_not_cut_by_it(app: App, accept: Accept) -> None:
    context = accept(app)
    assert pipeline.plan(with_policy(app, large_rows=ROWS), context.batch.id) == 1
    assert pipeline.plan(with_policy(app, large_rows=ROWS + 1), context.batch.id) == 0
    assert set(context.pins) >= {POPULATION}


def test_very_large_sets_have_a_lane_of_their_own(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    request = ask(cycle="monthly", period="2026-11", rows=5, data=b"row_ref,id_number,name\n" + b"R,,\n" * 5)
    court.drop(court.make_set(request))
    for large_rows, lane in ((6, Lane.BATCH), (5, Lane.LARGE)):
        assert poll(with_policy(app, large_rows=large_rows)).waiting[request.batch] is lane
