"""Approval in the pages: what a leader sees, the word by the hash that was shown, four eyes, and pauses of a clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import pytest
from fastapi import FastAPI

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import RETURNS
from exchange.demo.partner import DemoPartner
from exchange.demo.world import LEADER_ID, World
from exchange.operation import office as checks
from exchange.operation.finding import Condition
from exchange.operation.health import Health
from exchange.operation.metrics import exposition
from exchange.register import Release, ReleaseState, ReviewState
from tests.pages.conftest import Pages, served
from tests.pages.releases import release_of


@pytest.fixture
def release(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    return release_of(officer, education, asked)


def state(app: App, release: Release) -> ReleaseState:
    return app.register.releases.get(release.batch, release.number).state


def test_a_leader_sees_what_it_is_about_and_nobody(pages: Pages, release: Release, asked: pl.DataFrame) -> None:
    _, listed = pages.get("leader", "/approval")
    status, text = pages.get("leader", f"/approval/{release.id}")
    assert status == 200
    assert re.search(r"<b>1</b> 有记录", text)
    assert re.search(r"<b>2</b> 未发现记录", text)
    for part in ("未成年人保护法第六十二条", "省厅核实员", "教育厅", "经办人"):
        assert part in text
    assert text.index("有记录") < text.index("部门") < text.index("各项答复")
    for seen in (listed, text):
        assert release.id in seen
        for person in asked.iter_rows(named=True):
            assert person["id_number"] not in seen
            assert person["name"] not in seen
    assert release.id not in (re.search(r"<title>.*?</title>", text) or [""])[0]


def test_what_nobody_was_asked_about_in_airflow_stands_on_page_and_board(pages: Pages, release: Release) -> None:
    """It is proposed in the register, and nothing at all runs in Airflow here."""
    assert release.id in pages.get("leader", "/approval")[1]
    assert release.batch in pages.get("op", "/board?waits=leader")[1]


def shown(pages: Pages, release: Release) -> dict[str, str]:
    """The fields of the form by which the leader approves."""
    text = pages.get("leader", f"/approval/{release.id}")[1]
    (form,) = [each for each in re.findall(r"<form.*?</form>", text, re.DOTALL) if "/approval/approve" in each]
    return dict(re.findall(r'name="(release|shown)" value="(.*?)"', form))


def test_the_hash_that_was_shown_is_approved_and_no_other(pages: Pages, app: App, release: Release) -> None:
    given = shown(pages, release)
    for other in ({}, {"shown": ""}, {"shown": "f" * 64}):
        without = {name: text for name, text in given.items() if name != "shown"}
        status, text = pages.post("leader", "/approval/approve", **without | other)
        assert status == 409
        assert "not what was shown" in text
    assert state(app, release) is ReleaseState.PROPOSED
    assert pages.post("leader", "/approval/approve", **given)[0] == 303
    found = app.register.releases.get(release.batch, release.number)
    assert (found.state, found.judged_by) == (ReleaseState.APPROVED, LEADER_ID)
    assert f'"release.1.answers": "{given["shown"]}"' in app.register.steps(release.batch)[-1].facts
    assert "待发出" in pages.get("leader", "/approval")[1]
    assert "/approval/approve" not in pages.get("leader", f"/approval/{release.id}")[1]
    assert pages.post("leader", "/approval/approve", **given)[0] == 303, "a second press"
    assert sum('"release.1": "approved' in step.facts for step in app.register.steps(release.batch)) == 1


def test_what_was_approved_and_does_not_leave_is_told(
    pages: Pages, app: App, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> tuple[bool, bool, bool]:
        office = pages.context.app
        sentence = f"{release.id}: may leave since"
        troubles = pages.get("op", "/board")[1].partition("异常")[2]
        flagged = f'<tr class="late"><td class="id">{release.id}' in pages.get("leader", "/approval")[1]
        return any(each.startswith(sentence) for each in pipeline.unsent(office)), release.id in troubles, flagged

    def counted() -> tuple[str, str]:
        """Where nobody need look at Airflow or the board: what health and the metrics say, of others' releases, too."""
        office = pages.context.app
        (found,) = checks.releases(office)
        number = found.en.partition(" ")[0] if found.condition is Condition.WARNING else "0"
        (metric,) = re.findall(r"^exchange_unsent_releases (\d+)", exposition(Health(office)).decode(), re.MULTILINE)
        return number, metric

    def passed(minutes: int) -> None:
        monkeypatch.setattr(pages.context.app, "now", lambda: datetime.now(UTC) + timedelta(minutes=minutes))

    passed(31)
    assert not any(told()), "it waits for a leader, however long"
    others = int(counted()[0])
    passed(0)
    assert pages.post("leader", "/approval/approve", **shown(pages, release))[0] == 303
    passed(29)
    assert not any(told())
    passed(31)
    assert all(told())
    assert counted() == (f"{others + 1}", f"{others + 1}")
    pipeline.issue(app, release.id)
    assert not any(told())
    assert counted() == (f"{others}", f"{others}")


def test_where_it_is_mounted_every_way_on_leads_back_into_it(pages: Pages, release: Release) -> None:
    """As Airflow mounts it: an application around ours, which knows none of our names."""
    around = FastAPI()
    around.mount("/exchange", pages.application)
    with served(around) as url, httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
        given = {"release": release.id, "shown": release.answers_sha256 or "", "token": pages.token("leader")}
        answer = client.post("/exchange/approval/approve", headers={"x-login": "leader"}, data=given)
        assert answer.headers["location"] == "/exchange/approval?done=approved"
        answer = client.get(f"/exchange/run/{release.id}", headers={"x-login": "op"})
        assert answer.headers["location"] == f"/exchange/batch/{release.batch}"


def test_nobody_else_approves(pages: Pages, app: App, release: Release) -> None:
    given = shown(pages, release)
    for login in ("viewer", "op", "admin", "officer", "supervisor"):
        assert pages.post(login, "/approval/approve", **given)[0] == 403
        assert pages.post(login, "/approval/return", reason="person", **given)[0] == 403
    assert state(app, release) is ReleaseState.PROPOSED


def test_it_is_returned_with_a_reason_of_the_table(pages: Pages, app: App, release: Release) -> None:
    for reason in ("", "free words"):
        assert pages.post("leader", "/approval/return", release=release.id, reason=reason)[0] == 400
    assert pages.post("leader", "/approval/return", release=release.id, reason="person")[0] == 303
    assert state(app, release) is ReleaseState.REJECTED
    review = app.register.reviews.get(release.batch, 1)
    assert (review.state, review.returned_for) == (ReviewState.OPEN, RETURNS["person"].zh)
    assert pages.post("leader", "/approval/approve", release=release.id, shown=release.answers_sha256 or "")[0] == 409


def test_what_was_returned_in_another_tab_is_told_in_words(pages: Pages, release: Release) -> None:
    """The first word stands, and the second tab says which it was."""
    assert release.answers_sha256 is not None
    pages.post("leader", "/approval/return", release=release.id, reason=next(iter(RETURNS)))
    status, text = pages.post("leader", "/approval/approve", release=release.id, shown=release.answers_sha256)
    assert status == 409
    assert f"{release.id} 已有变动（已退回），不能再作此处理" in text


def test_a_note_to_the_officer_goes_with_it(pages: Pages, app: App, release: Release) -> None:
    given = {"release": release.id, "reason": "person"}
    for note in ("见11010519491231002X", "长" * 201):
        status, text = pages.post("leader", "/approval/return", **given, note=note)
        assert status == 409
        assert note not in text
    assert state(app, release) is ReleaseState.PROPOSED
    assert pages.post("leader", "/approval/return", **given, note="请核对照片")[0] == 303
    assert "请核对照片" in pages.get("officer", "/review")[1]


def test_who_decided_a_row_is_not_offered_and_not_taken(
    pages: Pages, world: World, education: DemoPartner, asked: pl.DataFrame
) -> None:
    with App.open(LEADER_ID, world.config) as decider:
        release = release_of(decider, education, asked)
        assert "/approval/approve" not in pages.get("leader", f"/approval/{release.id}")[1]
        given = {"release": release.id, "shown": release.answers_sha256 or ""}
        status, text = pages.post("leader", "/approval/approve", **given)
        assert status == 409
        assert "who decided a row cannot approve it" in text
        assert state(decider, release) is ReleaseState.PROPOSED


@pytest.mark.parametrize("path", ["no.such", "no.such.release-1", "x.release-²", "%3Cb%3E.release-1"])
def test_what_is_no_release_is_no_page(pages: Pages, path: str) -> None:
    status, text = pages.get("leader", f"/approval/{path}")
    assert status == 404
    assert "<b>" not in text


def test_what_the_ledger_does_not_say_is_not_shown(world: World, pages: Pages, release: Release) -> None:
    altered = "UPDATE release SET counts = replace(counts, %s, %s) WHERE batch_id = %s"
    before, after = '"record_found": 1', '"record_found": 0'
    with world.postgres.connected("exchange", "exchange") as owner:
        owner.execute(altered, (before, after, release.batch))
        try:
            status, text = pages.get("leader", f"/approval/{release.id}")
        finally:
            owner.execute(altered, (after, before, release.batch))
    assert status == 409
    assert "not what the ledger says" in text


def proposed_stop(proposer: App, batch: str) -> dict[str, str]:
    assert proposer.register.clock.propose(batch, proposer.now(), "record_unclear")
    (asked,) = [each for each in proposer.register.clock.proposals(batch) if each.decided_at is None]
    return {"batch": batch, "number": str(asked.number)}


def test_a_clock_is_paused_or_not_as_it_was_shown(pages: Pages, officer: App, release: Release) -> None:
    given = proposed_stop(officer, release.batch)
    assert release.batch in pages.get("leader", "/approval")[1]
    assert pages.post("leader", "/approval/stop", word="neither", **given)[0] == 400
    assert pages.post("leader", "/approval/stop", word="reject", **given)[0] == 409, "no reason"
    assert pages.post("leader", "/approval/stop", word="reject", why="不需要", **given)[0] == 303
    assert pages.post("leader", "/approval/stop", word="approve", **given)[0] == 409
    second = proposed_stop(officer, release.batch)
    assert pages.post("leader", "/approval/stop", word="approve", **given)[0] == 409, "the first was shown"
    assert not officer.register.batch(release.batch).clock_stands
    assert pages.post("leader", "/approval/stop", word="approve", **second)[0] == 303
    assert officer.register.batch(release.batch).clock_stands


def test_who_proposed_a_stop_does_not_decide_it(pages: Pages, world: World, release: Release) -> None:
    with App.open(LEADER_ID, world.config) as proposer:
        given = proposed_stop(proposer, release.batch)
        assert "由您报请" in pages.get("leader", "/approval")[1]
        assert pages.post("leader", "/approval/stop", word="approve", **given)[0] == 409
        assert not proposer.register.batch(release.batch).clock_stands
