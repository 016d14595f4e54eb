"""One row after the other: what comes next, what somebody leaves, and what is gone through."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import LEADER_ID, OFFICER_ID, SECOND_OFFICER_ID
from exchange.intake.collect import poll
from exchange.register import ReviewFilter, ReviewState, Role
from tests.pages.conftest import Pages
from tests.steps.releases import sent
from tests.steps.test_decided_before import ITEMS, answered, doubtful, remembering
from tests.steps.test_decided_before import asked as data

IDENTITY = "identity"
FOLLOW = ("id_number", "name")
"""Whose answers follow the identity."""
SAID = {"answer.identity": "consistent", "answer.sex": "consistent", "reason": "archive"}


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> str:
    """Three rows for an officer."""
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    rows = pl.concat([doubtful] * 3).select("id_number", "name", "sex").with_row_index("row_ref")
    request = ask(rows.write_csv().encode(), rows.height)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def shown(text: str) -> int | None:
    found = re.search(r"第 (\d+) 行</small></h1>", text)
    return int(found[1]) if found else None


def go_on(pages: Pages, login: str, batch: str, after: int | None = None) -> int | None:
    given = {"only": batch, "causes": IDENTITY} | ({} if after is None else {"batch": batch, "row": str(after)})
    status, text = pages.post(login, "/review/next", **given)
    assert status in (200, 303)
    return shown(text)


def decided(pages: Pages, login: str, batch: str, row: int) -> None:
    assert pages.post(login, "/review/decide", batch=batch, row=str(row), version="1", **SAID)[0] == 303


def test_rows_come_one_after_the_other_and_the_first_again(pages: Pages, batch: str) -> None:
    assert go_on(pages, "officer", batch) == 1
    assert [go_on(pages, "officer", batch, after) for after in (1, 2, 3)] == [2, 3, 1]
    decided(pages, "officer", batch, 1)
    assert go_on(pages, "officer", batch, 1) == 2
    decided(pages, "officer", batch, 2)
    assert go_on(pages, "officer", batch, 2) == 3
    assert go_on(pages, "officer", batch, 3) is None, "none but the one that was skipped"


def test_a_batch_whose_data_is_lost_keeps_nobody_from_the_rows_behind_it(
    pages: Pages, app: App, batch: str, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame
) -> None:
    """Each *next* led to it again."""
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1).select("id_number", "name", "sex")
    request = ask(doubtful.with_row_index("row_ref").write_csv().encode(), 1)
    sent(app, court, request)
    kept = app.archive.path(app.register.file(batch, Role.DATA).sha256)
    aside = kept.rename(kept.with_suffix(".aside"))
    try:
        gone_through, after = list[tuple[str, str]](), dict[str, str]()
        while True:
            status, text = pages.post("officer", "/review/next", causes=IDENTITY, **after)
            assert status == 200
            here = re.findall(r'name="batch" value="([^"]+)"', text)[0], str(shown(text))
            if here in gone_through:
                break
            gone_through.append(here)
            after = {"batch": here[0], "row": here[1]}
        assert (request.batch, "1") in gone_through
        assert batch not in {each for each, _ in gone_through}
        assert app.register.reviews.get(batch, 1).held_by is None
        status, text = pages.post("officer", "/review/next", causes=IDENTITY, only=batch)
        assert (status, "请从备份恢复" in text) == (409, True)
    finally:
        aside.rename(kept)
    assert go_on(pages, "officer", batch) == 1


def test_what_another_has_open_is_passed_over_until_it_is_left(pages: Pages, app: App, batch: str) -> None:
    assert go_on(pages, "officer", batch) == 1
    assert go_on(pages, "officer-b", batch) == 2
    assert go_on(pages, "officer-b", batch, 2) == 3
    assert app.register.reviews.get(batch, 2).held_by is None, "skipped, it is free"
    assert pages.post("officer-b", "/review/leave", batch=batch, row="1")[0] == 303
    assert app.register.reviews.get(batch, 1).held_by == OFFICER_ID, "nobody frees what another has"
    assert pages.post("officer", "/review/leave", batch=batch, row="1")[0] == 303
    assert go_on(pages, "officer-b", batch, 3) == 1
    assert app.register.reviews.get(batch, 1).held_by == SECOND_OFFICER_ID
    app.register.verify()


def test_a_row_is_handed_to_a_colleague_who_alone_opens_it(pages: Pages, app: App, batch: str) -> None:
    given = {"batch": batch, "row": "1"}
    go_on(pages, "officer", batch)
    _, row = pages.post("officer", "/review/open", **given)
    offered = re.findall(r'<option value="([^"]+)">[^<]+（\1）', row)
    assert SECOND_OFFICER_ID in offered
    assert OFFICER_ID not in offered
    assert pages.post("officer", "/review/hand", **given, to=SECOND_OFFICER_ID)[0] == 303
    assert pages.post("officer", "/review/open", **given)[0] == 409, "not even by who handed it over"
    assert go_on(pages, "officer", batch) == 2, "passed over"
    assert re.search(rf"{SECOND_OFFICER_ID}） 已接移交", pages.get("officer", "/review")[1])
    caption = "同事移交给您的行"
    assert caption not in pages.get("officer", "/review")[1]
    assert caption in pages.get("officer-b", "/review")[1]
    assert shown(pages.post("officer-b", "/review/open", **given)[1]) == 1
    assert caption not in pages.get("officer-b", "/review")[1], "it is open with them as any other"
    decided(pages, "officer-b", batch, 1)
    app.register.verify()


def test_nobody_decides_unseen_what_was_handed_to_them(pages: Pages, app: App, batch: str) -> None:
    go_on(pages, "officer", batch)
    assert pages.post("officer", "/review/hand", batch=batch, row="1", to=SECOND_OFFICER_ID)[0] == 303
    given = {"batch": batch, "row": "1"}
    status, said = pages.post("officer-b", "/review/decide", **given, version="1", **SAID)
    assert (status, "请先打开" in said) == (409, True)
    assert pages.post("officer-b", "/review/open", **given)[0] == 200
    decided(pages, "officer-b", batch, 1)
    assert app.register.reviews.get(batch, 1).decided_by == SECOND_OFFICER_ID


@pytest.mark.parametrize("to", ["", "nobody", OFFICER_ID, LEADER_ID, "p-yanbian"])
def test_a_row_is_handed_to_nobody_who_may_not_decide_it(pages: Pages, app: App, batch: str, to: str) -> None:
    go_on(pages, "officer", batch)
    status, said = pages.post("officer", "/review/hand", batch=batch, row="1", to=to)
    assert (status, "请选择有权核实" in said) == (409, True)
    assert app.register.reviews.get(batch, 1).held_by == OFFICER_ID


def test_nobody_hands_over_what_they_have_not_open(pages: Pages, app: App, batch: str) -> None:
    assert pages.post("yanbian", "/review/hand", batch=batch, row="1", to=SECOND_OFFICER_ID)[0] == 404
    assert pages.post("officer", "/review/hand", batch=batch, row="1", to=SECOND_OFFICER_ID)[0] == 409
    go_on(pages, "officer-b", batch)
    assert pages.post("officer", "/review/hand", batch=batch, row="1", to=SECOND_OFFICER_ID)[0] == 409
    assert app.register.reviews.get(batch, 1).held_by == SECOND_OFFICER_ID


def test_what_is_decided_is_offered_to_no_colleague(pages: Pages, batch: str) -> None:
    go_on(pages, "officer", batch)
    decided(pages, "officer", batch, 1)
    _, row = pages.post("officer", "/review/open", batch=batch, row="1")
    assert shown(row) == 1
    assert "/review/hand" not in row


def test_what_is_objected_to_is_handed_to_nobody_who_decided_it(
    pages: Pages, officer: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame
) -> None:
    first = answered(officer, court, ask, doubtful(people, 21))
    assert OFFICER_ID in officer.register.reviews.deciders(first)
    assert pages.post("officer-b", "/objection/open", batch=first, row="1", letter="2026-14")[0] == 303
    waiting = [each.batch for each in officer.register.reviews.find(ReviewFilter())]
    (second,) = [each for each in waiting if officer.register.batch(each).objects_to == first]
    status, row = pages.post("officer-b", "/review/open", batch=second, row="1")
    assert (status, shown(row)) == (200, 1)
    assert OFFICER_ID not in re.findall(r'<option value="([^"]+)">[^<]+（\1）', row)
    status, said = pages.post("officer-b", "/review/hand", batch=second, row="1", to=OFFICER_ID)
    assert (status, "请选择有权核实" in said) == (409, True)
    assert officer.register.reviews.get(second, 1).held_by == SECOND_OFFICER_ID


def test_a_row_decided_as_before_says_so_and_what_was_decided(
    pages: Pages, officer: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame
) -> None:
    office = remembering(officer)
    person = doubtful(people, 20)
    first = answered(office, court, ask, person)
    again = sent(office, court, ask(data(person), 1, items=ITEMS))
    assert "沿用您前次的结论" in pages.get("officer", "/review")[1]
    _, row = pages.post("officer", "/review/open", batch=again, row="1")
    assert f"{first} · 1" in row
    assert row.count("<em>原结论 <span") == len(office.register.reviews.get(first, 1).answers) - len(FOLLOW)


@pytest.mark.parametrize("given", [{"only": "no.such"}, {"causes": "name_variant;none"}])
def test_nothing_fits(pages: Pages, batch: str, given: dict[str, str]) -> None:
    status, text = pages.post("officer", "/review/next", **{"only": batch, "causes": IDENTITY} | given)
    assert (status, shown(text)) == (303, None)


def test_nobody_goes_through_another_offices_rows(pages: Pages, batch: str) -> None:
    assert go_on(pages, "yanbian", batch) is None
    assert pages.post("yanbian", "/review/next", batch=batch, row="1")[0] == 404
    assert pages.post("yanbian", "/review/leave", batch=batch, row="1")[0] == 404
    assert pages.post("yanbian", "/review/alike", only=batch, causes=IDENTITY)[0] == 404


def test_the_list_tells_the_heap(pages: Pages, app: App, batch: str) -> None:
    _, listed = pages.get("officer", "/review")
    assert re.search(rf'name="only" value="{batch}"><input type="hidden" name="causes" value="{IDENTITY}"', listed)
    assert "同类一并 Together " + batch not in listed, "three are few"
    assert f"<option>{batch}</option>" in listed, "a batch can be taken whole"
    assert f'<option value="{IDENTITY}">' in listed, "and a cause of all batches"
    for given in ({"only": batch}, {"causes": IDENTITY}):
        status, text = pages.post("officer", "/review/next", **given)
        assert (status, shown(text) is not None) == (200, True)
    _, row = pages.post("officer", "/review/next", only=batch, causes=IDENTITY)
    assert "尚余 <b>3</b> 行" in row
    assert app.register.reviews.get(batch, 1).state is ReviewState.OPEN


def test_an_officer_asks_for_the_clock_to_be_paused_and_a_leader_decides(
    pages: Pages, app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    rows = doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode()
    request = ask(rows, 1, cycle="monthly", period=f"{office_day(app.now()):%Y-%m}")
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    given = {"batch": request.batch, "row": "1", "reason": "record_unclear"}
    assert "报请停止计时" in pages.post("officer", "/review/open", batch=request.batch, row="1")[1]
    for login, change, status in (
        ("yanbian", {}, 404),
        ("leader", {}, 403),
        ("officer", {"reason": "none"}, 409),
        ("officer", {"reason": "other"}, 409),
        ("officer", {"note": "见11010519491231002X"}, 409),
        ("officer", {}, 303),
    ):
        assert pages.post(login, "/review/stop", **given | change)[0] == status
    (asked,) = app.register.clock.proposals(request.batch)
    assert (asked.proposed_by, asked.reason) == (OFFICER_ID, "record_unclear")
    assert not app.register.batch(request.batch).clock_stands
    assert request.batch in pages.get("leader", "/approval")[1]
