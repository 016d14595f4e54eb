"""A partner that guesses: its result is held as prepared, the partner sees nothing of it, and a leader decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import PartnerProfile
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.guard.thresholds import THRESHOLDS
from exchange.intake.collect import poll
from exchange.matching.id_numbers import CHECK_CHARACTERS, WEIGHTS
from exchange.register import Role, State, numbered
from exchange.register.guard import Guard, Usual
from exchange.register.unmoved import unmoved
from exchange.steps import process
from exchange.steps.guarding import refuse_held, release_held

Ask = Callable[..., Request]
OTHERS = "18510101"
AT_ONCE, AT_ONCE_LARGE = "18520101", "18530101"
"""Born when nobody is whom another test guesses at."""


@pytest.fixture
def app(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> App:
    """The office with the guard on, as an office leaves it; what other tests asked in the court's name is released."""
    policy = app.settings.policy.model_copy(update={"guard_holds": True})
    guarded = App(app.settings.model_copy(update={"policy": policy}), app.register)
    before = ask(**hidden(range(THRESHOLDS.sequence_numbers), people, "18490101"))
    assert answered(guarded, court, before) is State.PREPARED
    release_held(guarded, before.batch, "误触发")
    return guarded


def number(sequence: int, born: str) -> str:
    first = f"220104{born}{sequence:03}"
    return first + CHECK_CHARACTERS[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]


def hidden(guesses: range, people: pl.DataFrame, born: str = "18500101") -> dict[str, Any]:
    """So many guesses among ordinary rows."""
    plain = people.filter(pl.col("oddity") == "").head(100).select("id_number", "name").rows()
    asked = [*plain, *[(number(place, born), "猜无此人") for place in guesses]]  # no other test's name
    lines = [f"R{place},{key},{name},1" for place, (key, name) in enumerate(asked)]
    return {"data": "\n".join(["row_ref,id_number,name,sex", *lines, ""]).encode(), "rows": len(lines)}


def answered(app: App, court: DemoPartner, request: Request) -> State:
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    return app.register.batch(request.batch).state


def test_guesses_wait_for_a_leader_who_refuses_or_releases_them(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    n = THRESHOLDS.sequence_numbers
    assert answered(app, court, ask(**hidden(range(n - 1), people))) is State.CLOSED
    first, second = ask(**hidden(range(n), people)), ask()
    assert answered(app, court, first) is State.PREPARED
    assert answered(app, court, second) is State.PREPARED, "the partner's span is what trips"
    own = {first.batch, second.batch}
    held = {each.batch: each.tripped for each in app.register.guard.holds() if each.batch in own}
    assert held.keys() == own
    assert f"sequence {n} >= {n}" in held[first.batch]
    assert own.isdisjoint(unmoved(app.register.engine, app.now(), timedelta())), "what is held is no run's"
    pipeline.deliver(app, first.batch)  # a cleared task changes nothing
    assert app.register.batch(first.batch).state is State.PREPARED
    assert not [name for name in court.answers() if name.startswith(f"{first.batch}.result")]

    for _ in range(2):
        refuse_held(app, first.batch, "无业务依据")
    batch = app.register.batch(first.batch)
    assert (batch.state, batch.refusal_code, batch.receipts_sent) == (State.REFUSED, "not_released", 2)
    receipt = json.loads(app.archive.read(app.register.file(first.batch, numbered(Role.RECEIPT, 2)).sha256))
    assert receipt["refusal"]["code"] == "not_released"
    with pytest.raises(Halt):
        release_held(app, first.batch, "误触发")

    for _ in range(2):
        release_held(app, second.batch, "误触发")
    assert app.register.batch(second.batch).state is State.CLOSED
    with pytest.raises(Halt):
        refuse_held(app, second.batch, "无业务依据")
    assert answered(app, court, ask()) is State.CLOSED, "what a leader released is not held against the partner again"
    assert not own & {each.batch for each in app.register.guard.holds()}
    assert app.register.verify()[0] > 0


def test_guesses_that_two_partners_share_are_held(
    app: App, world: World, all_partners: None, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    """Neither comes to the limit; a third one, who has no part in it, is answered."""
    n = THRESHOLDS.sequence_numbers
    today = str(office_day(app.now()))
    guards = ("ad_hoc", today, "hiring_guards", "保安服务管理条例第十七条")
    staff = ("ad_hoc", today, "hiring_staff", "学前教育法第四十四条；未成年人保护法第六十二条")

    def state(profile: PartnerProfile, about: tuple[str, str, str, str], guesses: range) -> State:
        partner, given = demo_partner(world, profile), hidden(guesses, people, OTHERS)
        data = given["data"].replace(b",sex", b"").replace(b",1\n", b"\n")
        request = Request(f"{partner.id}.shared", *about, ("id_number", "name"), given["rows"], data)
        return answered(app, partner, request)

    assert answered(app, court, ask(**hidden(range(n // 2), people, OTHERS))) is State.CLOSED
    assert state(PARTNERS[4], staff, range(0)) is State.CLOSED
    assert state(PARTNERS[5], guards, range(n // 2, n)) is State.PREPARED
    (held,) = [each for each in app.register.guard.holds() if each.batch == f"{PARTNERS[5].id}.shared"]
    assert f"sequence_by_many {n} >= {n}" in held.tripped


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_sets_that_are_worked_at_once_count_as_if_one_after_another(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """However many a partner drops together: each is judged with those that are through before it, one that was judged
    ahead as well.
    """
    if large:
        monkeypatch.setattr(process, "ROWS_IN_PART", 0)
    n, sets = THRESHOLDS.sequence_numbers, 4
    part = n // sets + 1
    born = AT_ONCE_LARGE if large else AT_ONCE
    requests = [ask(**hidden(range(k * part, (k + 1) * part), people, born)) for k in range(sets)]
    for request in requests:
        court.drop(court.make_set(request))
    poll(app)
    all_judge, usual = Barrier(sets), Guard.usual

    def together(*asked: Any) -> Usual:
        found = usual(*asked)
        with suppress(BrokenBarrierError):
            all_judge.wait(2)
        return found

    monkeypatch.setattr(Guard, "usual", together)
    with ThreadPoolExecutor(sets) as workers:
        for ran in [workers.submit(pipeline.run, app, request.batch) for request in requests]:
            ran.result()
    states = [app.register.batch(request.batch).state for request in requests]
    assert sorted(states) == sorted([State.PREPARED, *[State.CLOSED] * (sets - 1)])
