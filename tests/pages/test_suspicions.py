"""Held suspicions and more time for objections, on the leader's page."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import GUARD_RULES
from exchange.calendar.deadlines import EXTENDED_OBJECTION
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import LEADER_ID
from exchange.guard.rules import Counts, Failed, Span, _measured
from exchange.guard.thresholds import THRESHOLDS
from exchange.intake.collect import poll
from exchange.register import Decision, Register, State
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.supervision.labels import Words, trip
from tests.pages.conftest import Pages

Ask = Callable[..., Request]


@pytest.mark.parametrize(("word", "state"), [("release", State.CLOSED), ("refuse", State.REFUSED)])
def test_a_leader_decides_what_the_guard_holds(pages: Pages, app: App, held: str, word: str, state: State) -> None:
    text = pages.get("leader", "/approval")[1]
    assert held in text
    assert f"{GUARD_RULES['sequence'].zh}：{THRESHOLDS.sequence_numbers}" in text
    assert "22010418500101" not in text
    given = {"batch": held, "word": word, "why": "已核实"}
    for login in ("op", "officer", "supervisor"):
        assert pages.post(login, "/approval/hold", **given)[0] == 403
    wrong = [
        ({"why": " "}, 409),
        ({"why": "见11010519491231002X"}, 409),
        ({"word": "x"}, 400),
        ({"batch": "no.such"}, 404),
    ]
    for change, status in wrong:
        assert pages.post("leader", "/approval/hold", **given | change)[0] == status
    assert app.register.batch(held).state is State.PREPARED
    assert pages.post("leader", "/approval/hold", **given)[0] == 303
    assert app.register.batch(held).state is state
    assert held not in pages.get("leader", "/approval")[1]
    other = {"word": "refuse" if word == "release" else "release"}
    assert pages.post("leader", "/approval/hold", **given | other)[0] == 409


def test_board_and_batch_say_that_it_is_held_why_and_what_to_do(pages: Pages, held: str) -> None:
    for path in ("/board?waits=leader", f"/batch/{held}"):
        text = pages.get("op", path)[1]
        assert held in text
        assert "请领导在“审批”页放行或不予答复" in text
        assert any(rule.zh in text for rule in GUARD_RULES.values())
    assert held not in pages.get("op", "/board?waits=software")[1]


@pytest.mark.parametrize("word", ["release", "refuse"])
def test_a_decision_that_the_partner_was_not_told_stays_listed(pages: Pages, app: App, held: str, word: str) -> None:
    """As where the partner's server is in the way, or the process was killed between the two."""
    leader = Register(app.register.engine, LEADER_ID)
    if word == "release":
        leader.guard.release(held, "误触发")
    else:
        leader.guard.refuse(held, "无依据", "not_released")
    text = pages.get("leader", "/approval")[1]
    assert held in text
    assert "尚未告知部门" in text
    (form,) = [each for each in re.findall(r"<form.*?</form>", text, re.DOTALL) if held in each]
    assert (
        pages.post("leader", "/approval/hold", **dict(re.findall(r'name="(batch|word|why)" value="(.*?)"', form)))[0]
        == 303
    )
    assert held not in pages.get("leader", "/approval")[1]


def test_every_rule_of_the_guard_has_its_words() -> None:
    one = np.ones(1, np.uint64)
    failed = Failed(one, one, one)
    span = Span(Counts(), failed, failed, failed, agreed_rows=1)
    assert [*GUARD_RULES] == [trip.rule for trip in _measured(span, THRESHOLDS)]
    assert trip("gone 3 >= 2") == Words("gone：3（限 2）", "")


def test_a_leader_gives_an_objection_more_time_once(pages: Pages, app: App, objection: str) -> None:
    given = {"batch": objection, "why": "须调取案卷"}
    assert objection in pages.get("leader", "/approval")[1]
    for change, status in ({"why": ""}, 409), ({"batch": "no.such"}, 404):
        assert pages.post("leader", "/approval/extend", **given | change)[0] == status
    assert pages.post("officer", "/approval/extend", **given)[0] == 403
    assert pages.post("leader", "/approval/extend", **given)[0] == 303
    assert app.register.batch(objection).due_working_days == EXTENDED_OBJECTION
    assert objection not in pages.get("leader", "/approval")[1]
    assert pages.post("leader", "/approval/extend", **given)[0] == 409


def test_an_officer_asks_for_more_time_and_another_person_decides(pages: Pages, app: App, objection: str) -> None:
    """Asked from a row that is the officer's; returned with why; asked again; given."""
    given = {"batch": objection, "row": "1", "why": "须调取案卷"}
    assert "报请延期" in pages.post("officer", "/review/open", batch=objection, row="1")[1]
    for login, change, status in (
        ("op", {}, 403),
        ("leader", {}, 403),
        ("officer", {"why": " "}, 409),
        ("officer", {"why": "见11010519491231002X"}, 409),
        ("officer", {"row": "2"}, 404),
        ("officer", {}, 303),
    ):
        assert pages.post(login, "/review/more-time", **given | change)[0] == status
    assert app.register.batch(objection).due_working_days != EXTENDED_OBJECTION
    line = pages.get("leader", "/approval")[1].partition(objection)[2].partition("</tr>")[0]
    assert "须调取案卷" in line
    assert "批准延期" in line
    asked = {"batch": objection, "number": "1"}
    assert pages.post("leader", "/approval/extend", batch=objection, why="x")[0] == 409, "that was asked for is decided"
    for change, status in (
        ({"word": "x"}, 400),
        ({"word": "reject", "why": ""}, 409),
        ({"word": "approve", "batch": "no.such"}, 404),
        ({"word": "approve", "number": "2"}, 409),
        ({"word": "reject", "why": "可按期"}, 303),
    ):
        assert pages.post("leader", "/approval/more-time", **asked | change)[0] == status
    assert pages.post("officer", "/review/more-time", **given)[0] == 303
    again = asked | {"number": "2", "word": "approve"}
    assert pages.post("officer", "/approval/more-time", **again)[0] == 403
    assert pages.post("leader", "/approval/more-time", **again)[0] == 303
    assert app.register.batch(objection).due_working_days == EXTENDED_OBJECTION
    app.register.verify()


def test_who_asked_does_not_decide(pages: Pages, app: App, objection: str) -> None:
    """By person: a leader who is an officer, too, asked at the command line."""
    Register(app.register.engine, LEADER_ID).extensions.propose(objection, app.now(), "须调取案卷")
    assert "由您报请，须由另一位领导审批" in pages.get("leader", "/approval")[1]
    asked = {"batch": objection, "number": "1"}
    assert pages.post("leader", "/approval/more-time", **asked, word="approve")[0] == 409
    assert pages.post("leader", "/approval/more-time", **asked, word="reject", why="否")[0] == 409


def test_who_decided_a_row_gives_no_more_time(pages: Pages, app: App, objection: str) -> None:
    as_leader = App(app.settings, Register(app.register.engine, LEADER_ID))
    review = as_leader.register.reviews.get(objection, 1)
    said = complete(load_cases(as_leader, objection, [review])[0].open, {"identity": "consistent", "sex": "consistent"})
    as_leader.register.reviews.decide(objection, [Decision(1, review.version, said, "archive")])
    assert "须由另一位领导延期" in pages.get("leader", "/approval")[1]
    assert pages.post("leader", "/approval/extend", batch=objection, why="须调取案卷")[0] == 409
    app.register.extensions.propose(objection, app.now(), "须调取案卷")
    asked = {"batch": objection, "number": "1", "word": "approve"}
    assert pages.post("leader", "/approval/more-time", **asked)[0] == 409
    assert app.register.batch(objection).due_working_days != EXTENDED_OBJECTION


def test_nor_does_who_decided_what_it_objects_to(
    pages: Pages, app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    """A leader who is an officer, too: whoever decided the row first prolongs no doubt about it."""
    person = people.filter(pl.col("oddity") == "doubtful").head(1).select("id_number", "name", "sex")
    first = ask(person.with_row_index("row_ref").write_csv().encode(), 1)
    court.drop(court.make_set(first))
    poll(app)
    assert pipeline.run(app, first.batch)
    as_leader = App(app.settings, Register(app.register.engine, LEADER_ID))
    said = dict.fromkeys(("identity", "id_number", "name", "sex"), "consistent")
    as_leader.register.reviews.decide(first.batch, [Decision(1, 1, said, "archive")])
    (release,) = [each for each in pipeline.propose_all(app).releases if each.batch == first.batch]
    pipeline.issue(app, release.id)
    second = ask(b"row_ref\n0\n", 1, cycle="objection", items=("sex",), objects_to=first.batch)
    court.drop(court.make_set(second))
    poll(app)
    assert pipeline.run(app, second.batch)
    line = pages.get("leader", "/approval")[1].partition(second.batch)[2].partition("</tr>")[0]
    assert "须由另一位领导延期" in line
    assert pages.post("leader", "/approval/extend", batch=second.batch, why="须调取案卷")[0] == 409
    assert app.register.batch(second.batch).due_working_days != EXTENDED_OBJECTION
