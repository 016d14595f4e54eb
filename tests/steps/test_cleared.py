"""*Clear* in Airflow, long after: a batch that is done asks nothing of anybody, and touches nothing of another set."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import State

Ask = Callable[..., Request]


@pytest.fixture
def gone(app: App, court: DemoPartner) -> Iterator[Callable[[], None]]:
    """Takes the court's agreement away, as one that ended; it is back afterwards."""
    place = app.agreement_file(court.id)
    aside = place.with_name(f".{place.name}")

    def go() -> None:
        place.rename(aside)

    yield go
    aside.rename(place)


def _as_far_as(app: App, batch: str, state: State) -> None:
    pipeline.receive(app, batch)
    if state is not State.ACCEPTED:
        pipeline.process(app, batch)
    if state in (State.DELIVERED, State.CLOSED):
        pipeline.deliver(app, batch)
    assert app.register.batch(batch).state is state


@pytest.mark.parametrize("state", [State.PREPARED, State.DELIVERED, State.CLOSED])
def test_a_set_that_was_answered_is_received_no_more(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, gone: Callable[[], None], state: State
) -> None:
    """The run behind a resident worker's answer comes minutes later; the agreement may be another one by then."""
    doubtful = people.filter(pl.col("oddity") == ("doubtful" if state is State.DELIVERED else "")).head(1)
    data = doubtful.select(pl.lit("R1").alias("row_ref"), "id_number", "name", "sex").write_csv().encode()
    request = ask(data)
    court.drop(court.make_set(request))
    poll(app)
    _as_far_as(app, request.batch, state)
    lines = len(app.register.steps(request.batch))
    gone()
    assert pipeline.receive(app, request.batch)
    if state is not State.PREPARED:
        assert pipeline.run(app, request.batch)
    assert len(app.register.steps(request.batch)) == lines


@pytest.mark.parametrize("accepted", [False, True], ids=["refused", "accepted"])
@pytest.mark.parametrize("there", [1, 2, 3], ids=["its data", "with its signature", "whole"])
def test_what_is_sent_later_under_the_same_name_is_not_taken_for_the_set_that_was_kept(
    app: App, court: DemoPartner, ask: Ask, accepted: bool, there: int
) -> None:
    """A partner sends a set anew, under the id of one that was answered; the manifest comes last."""
    request = ask() if accepted else ask(items=("sex", "no_such_item"))
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.receive(app, request.batch) is accepted
    anew = ask(b"row_ref,id_number,name,sex\nR2,,,\n", batch=request.batch)
    data, manifest, signature = court.make_set(anew).items()
    files = [data, signature, manifest]
    court.drop(dict(files[:there]))
    assert pipeline.receive(app, request.batch) is accepted
    assert dict(files[:there]).keys() <= _lying(app, court)
    court.drop(dict(files[there:]))
    poll(app)
    (conflict,) = [batch for batch in app.register.waiting() if batch.startswith(f"{request.batch}.conflict-")]
    assert not pipeline.run(app, conflict)
    assert app.register.batch(conflict).refusal_code == "batch_id_reused"
    assert not dict(files).keys() & _lying(app, court)


def _lying(app: App, court: DemoPartner) -> set[str]:
    with app.folder(app.agreement(court.id)) as folder:
        return {file.name for file in folder.list_requests()}


def test_what_a_run_that_was_killed_left_of_a_set_is_removed(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    assert pipeline.receive(app, request.batch)
    court.drop(files)
    assert pipeline.receive(app, request.batch)
    assert not files.keys() & _lying(app, court)
