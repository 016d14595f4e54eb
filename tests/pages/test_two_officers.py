"""Rows that two officers decide, unseen by each other; a third where they differ; undoing; a row that is open."""

from __future__ import annotations

import re

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner
from exchange.demo.world import LEADER_ID, OFFICER_ID, SECOND_OFFICER_ID
from exchange.register import ReleaseState, Review, ReviewState
from exchange.review.second_eyes import UNDONE
from exchange.steps.release import CHANGED
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records

HIT, NONE = "record_found", "no_record"


@pytest.fixture
def batch(officer: App, education: DemoPartner, asked: pl.DataFrame) -> str:
    """Three people, the first of them with a record that counts."""
    return asked_of_records(officer, education, asked)


def opened(pages: Pages, login: str, batch: str) -> tuple[int, str]:
    return pages.post(login, "/review/open", batch=batch, row="1")


def say(pages: Pages, login: str, batch: str, answer: str) -> int:
    text = opened(pages, login, batch)[1]
    version = (re.search(r'name="version" value="(\d+)"', text) or ["", "0"])[1]
    said = {"answer.criminal_record": answer, "reason": "case_file", "version": version}
    return pages.post(login, "/review/decide", batch=batch, row="1", **said)[0]


def row(app: App, batch: str) -> Review:
    return app.register.reviews.get(batch, 1)


def listed(pages: Pages, login: str, batch: str) -> bool:
    """Whether it is among the rows that this officer may take."""
    queue = pages.get(login, "/review")[1].partition("可撤回的结论")[0]
    return f"{batch} · 1" in queue


def test_two_who_agree_decide_and_neither_sees_the_other(pages: Pages, officer: App, batch: str) -> None:
    assert say(pages, "officer", batch, HIT) == 303
    assert (row(officer, batch).state, row(officer, batch).decided_by) == (ReviewState.OPEN, None)
    assert not [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    assert not listed(pages, "officer", batch)
    assert say(pages, "officer", batch, HIT) == 409, "nobody is both"
    assert listed(pages, "officer-b", batch)
    status, seen = opened(pages, "officer-b", batch)
    assert status == 200
    assert "省厅核实员（虚构）" not in seen
    assert "checked" not in seen
    assert all(HIT not in step.facts for step in officer.register.steps(batch)[-3:]), "nor does the ledger say it yet"
    assert say(pages, "officer-b", batch, HIT) == 303
    found = row(officer, batch)
    assert (found.state, found.decided_by) == (ReviewState.DECIDED, SECOND_OFFICER_ID)
    assert officer.register.reviews.deciders(batch) == {OFFICER_ID, SECOND_OFFICER_ID}
    told = officer.register.steps(batch)[-1].facts
    assert OFFICER_ID in told
    assert HIT in told
    assert [each.rows for each in pipeline.propose_all(officer).releases if each.batch == batch] == [(1, 2, 3)]
    officer.register.verify()


def test_where_they_differ_a_leader_decides_and_does_not_approve(pages: Pages, officer: App, batch: str) -> None:
    assert opened(pages, "leader", batch)[0] == 404, "no row is a leader's before that"
    assert say(pages, "officer", batch, HIT) == 303
    assert opened(pages, "leader", batch)[0] == 404
    assert say(pages, "officer-b", batch, NONE) == 303
    assert row(officer, batch).is_disputed
    for login in ("officer", "officer-b"):
        assert not listed(pages, login, batch)
    assert f"{batch} · 1" in pages.get("leader", "/approval")[1]
    seen = opened(pages, "leader", batch)[1]
    assert "两人结论不一致" in seen
    assert "省厅核实员（虚构）" in seen
    assert say(pages, "leader", batch, HIT) == 303
    assert (row(officer, batch).state, row(officer, batch).decided_by) == (ReviewState.DECIDED, LEADER_ID)
    (release,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    assert "须由另一位领导审批" in pages.get("leader", f"/approval/{release.id}")[1]
    given = {"release": release.id, "shown": release.answers_sha256 or ""}
    assert pages.post("leader", "/approval/approve", **given)[0] == 409


def test_what_was_said_is_taken_back_until_it_was_approved(pages: Pages, officer: App, batch: str) -> None:
    one = {"batch": batch, "row": "1"}
    assert pages.post("officer", "/review/undo", **one)[0] == 409
    assert say(pages, "officer", batch, HIT) == 303
    assert batch in pages.get("officer", "/review")[1].partition("可撤回的结论")[2]
    assert pages.post("officer-b", "/review/undo", **one)[0] == 409, "nothing of hers"
    assert pages.post("officer", "/review/undo", **one)[0] == 303
    assert row(officer, batch).words == ()
    assert say(pages, "officer", batch, HIT) == 303
    assert say(pages, "officer-b", batch, HIT) == 303
    (release,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    assert pages.post("officer", "/review/undo", **one)[0] == 409, "who decided it last does"
    assert pages.post("officer-b", "/review/undo", **one)[0] == 303
    found = row(officer, batch)
    assert (found.state, [word.by for word in found.words]) == (ReviewState.OPEN, [OFFICER_ID])
    assert officer.register.releases.get(batch, release.number).state is ReleaseState.REOPENED
    assert say(pages, "officer-b", batch, HIT) == 303
    (release,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    given = {"release": release.id, "shown": release.answers_sha256 or ""}
    assert pages.post("leader", "/approval/approve", **given)[0] == 303
    assert pages.post("officer-b", "/review/undo", **one)[0] == 409, "a leader has approved it"


def own(pages: Pages, login: str, *batches: str) -> list[str]:
    """Of these batches those whose row this officer can take back, as listed: a key leads to the first."""
    found = re.findall(r'aria-label="撤回 Undo (\S+) 第 1 行"', pages.get(login, "/review")[1])
    return [batch for batch in found if batch in batches]


def test_what_was_said_last_is_the_first_to_be_taken_back_and_what_cannot_be_is_not_listed(
    pages: Pages, officer: App, batch: str, education: DemoPartner, asked: pl.DataFrame
) -> None:
    later = asked_of_records(officer, education, asked)
    assert say(pages, "officer", batch, HIT) == 303
    assert say(pages, "officer", later, HIT) == 303
    assert own(pages, "officer", batch, later) == [later, batch]
    assert say(pages, "officer-b", later, HIT) == 303
    assert say(pages, "officer-b", batch, NONE) == 303
    assert own(pages, "officer", batch, later) == [batch], "the other is decided, and by another"
    assert own(pages, "officer-b", batch, later) == [batch, later], "a word that waits is as old as it is"
    for login, mine in (("officer", [batch]), ("officer-b", [batch, later])):
        for each in mine:
            assert pages.post(login, "/review/undo", batch=each, row="1")[0] == 303, "what is listed can be"


def test_nobody_decides_what_they_did_not_open(pages: Pages, officer: App, batch: str) -> None:
    """Whatever version is guessed; and whoever opened it since has seen it, the one before decides no more."""
    said = {"answer.criminal_record": HIT, "reason": "case_file", "version": "1"}
    for opener in (None, "officer-b"):
        if opener is not None:
            assert opened(pages, opener, batch)[0] == 200
        assert pages.post("officer", "/review/decide", batch=batch, row="1", **said)[0] == 409
    assert (row(officer, batch).words, row(officer, batch).version) == ((), 1)
    assert pages.post("officer-b", "/review/decide", batch=batch, row="1", **said)[0] == 303


def test_a_word_that_is_taken_back_late_leaves_the_approval(pages: Pages, officer: App, batch: str) -> None:
    """The leader's word comes between the look at the releases and the step."""
    assert say(pages, "officer", batch, HIT) == 303
    assert say(pages, "officer-b", batch, HIT) == 303
    (release,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    given = {"release": release.id, "shown": release.answers_sha256 or ""}
    assert pages.post("leader", "/approval/approve", **given)[0] == 303
    with pytest.raises(Halt, match="is approved"):
        officer.register.releases.withdraw(batch, release.number, UNDONE, unjudged=True)
    assert officer.register.releases.get(batch, release.number).state is ReleaseState.APPROVED
    officer.register.releases.withdraw(batch, release.number, CHANGED)
    assert officer.register.releases.get(batch, release.number).state is ReleaseState.REOPENED


def test_a_row_that_somebody_has_open_says_by_whom(pages: Pages, officer: App, batch: str) -> None:
    assert opened(pages, "officer", batch)[0] == 200
    held = rf'{batch} · 1</td>\s*<td><span class="hint">省厅核实员（虚构）（{OFFICER_ID}） 正在查看'
    assert re.search(held, pages.get("officer-b", "/review")[1])
    status, text = opened(pages, "officer-b", batch)
    assert status == 409
    assert OFFICER_ID in text
    assert say(pages, "officer-b", batch, HIT) == 409
    assert opened(pages, "officer", batch)[0] == 200, "to whom it is open it opens again"
    assert say(pages, "officer", batch, HIT) == 303
    assert opened(pages, "officer-b", batch)[0] == 200, "decided, it is free"
