"""*Clear* in Airflow, long after: a batch that is done asks nothing of anybody, and touches nothing of another set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake import scan
from exchange.intake.collect import poll
from exchange.register import Role, State
from exchange.register.retention import KeptFile
from exchange.steps import clearing, receive
from exchange.steps.agreed import keep_version
from exchange.steps.receipt import send_receipt

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


@pytest.mark.parametrize("accepted", [False, True], ids=["refused", "accepted"])
@pytest.mark.parametrize(
    ("anew", "large"),
    [("manifest", False), ("signature", False), ("data", False), ("data", True), ("data", None), ("all", False)],
)
def test_what_is_put_there_while_a_set_is_judged_is_left(
    app: App,
    court: DemoPartner,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    accepted: bool,
    anew: str,
    large: bool | None,
) -> None:
    """A partner that finds its mistake a second later overwrites what it sent; the office has the first by then. A
    large file is known by its time, and where that is the same, and its size, by its end.
    """
    monkeypatch.setattr(receive, "READ_TWICE", most := 1024 if large is False else 0)
    monkeypatch.setattr(clearing, "READ_TWICE", most)
    request = ask() if accepted else ask(items=("sex", "no_such_item"))
    sent = court.make_set(request)
    court.drop(sent)
    dated = [court.server.home / "to-office" / name for name in (sent if large is not False else ())]
    for path in dated:
        os.utime(path, (0, 0))
    poll(app)
    files = court.make_set(ask(b"row_ref,id_number,name,sex\nR2,,,\n", batch=request.batch))
    named = dict(zip(("data", "manifest", "signature"), files, strict=True))
    later_ones = {name: content for name, content in files.items() if anew in ("all", *_kinds(named, name))}
    keep = keep_version

    def put_anew() -> None:
        court.drop(later_ones)
        for path in dated if large is None else ():
            os.utime(path, (0, 0))

    def overwritten(*given: object) -> object:
        put_anew()
        return keep(*given)  # type: ignore[arg-type]

    refuse = app.register.refuse

    def refused(*given: object, **more: object) -> object:
        put_anew()
        return refuse(*given, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(receive, "keep_version", overwritten)
        patch.setattr(app.register, "refuse", refused)
        assert pipeline.receive(app, request.batch) is accepted
    lying = _lying(app, court)
    assert later_ones.keys() <= lying
    if anew in ("data", "signature"):
        assert lying == later_ones.keys()
    court.drop({name: content for name, content in files.items() if name not in later_ones})
    poll(app)
    (conflict,) = [batch for batch in app.register.waiting() if batch.startswith(f"{request.batch}.conflict-")]
    assert not pipeline.run(app, conflict)
    assert app.register.batch(conflict).refusal_code == "batch_id_reused"
    assert not files.keys() & _lying(app, court)


def _kinds(named: dict[str, str], name: str) -> list[str]:
    return [kind for kind, of in named.items() if of == name]


def test_the_same_data_under_a_manifest_put_right_is_left_for_it(app: App, court: DemoPartner, ask: Ask) -> None:
    """The manifest was wrong, its data was not: of the set that is kept nothing is removed from under the new one."""
    request = ask(items=("sex", "no_such_item"))
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    assert not pipeline.receive(app, request.batch)
    right = court.make_set(ask(batch=request.batch, data=request.data))
    data, manifest, _ = files
    court.drop({data: files[data]} | {name: content for name, content in right.items() if name != data})
    assert not pipeline.receive(app, request.batch)
    assert right.keys() <= _lying(app, court)
    assert manifest in right


def test_a_set_that_comes_again_is_removed_as_it_was_looked_at(
    app: App, court: DemoPartner, ask: Ask, later: Callable[[timedelta], App], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    assert pipeline.run(app, request.batch)
    court.drop(files)
    others = court.make_set(ask(b"row_ref,id_number,name,sex\nR2,,,\n", batch=request.batch))
    send = send_receipt

    def overwritten(*given: object, **more: object) -> object:
        court.drop(others)
        return send(*given, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(scan, "send_receipt", overwritten)
        poll(later(timedelta(minutes=2)))
    assert others.keys() <= _lying(app, court)


@pytest.mark.parametrize("gone_role", [Role.RECEIPT, Role.RECEIPT_SIGNATURE])
def test_a_refusal_whose_receipt_is_past_its_time_is_received_no_more(
    app: App, court: DemoPartner, ask: Ask, gone_role: Role, gone: Callable[[], None]
) -> None:
    """*Clear* of a run of years ago: nothing is wrong with an archive whose files were destroyed on record."""
    request = ask(items=("sex", "no_such_item"))
    court.drop(court.make_set(request))
    poll(app)
    assert not pipeline.run(app, request.batch)
    kept, moment = app.register.file(request.batch, gone_role), app.now()
    file = KeptFile(request.batch, court.id, gone_role, kept.sha256, moment, "3650 days")
    app.register.retention.intend([(file, "records")], moment)
    for number, digest, _ in app.register.retention.intended():
        with app.register.retention.destroying(number, moment) as destruction:
            destruction.done = app.archive.destroy(digest, moment + timedelta(days=1))
    lines = len(app.register.steps(request.batch))
    gone()
    assert not pipeline.run(app, request.batch)
    assert len(app.register.steps(request.batch)) == lines
