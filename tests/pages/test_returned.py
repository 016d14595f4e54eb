"""A returned release in the officer's pages: the reason, rows decided anew or kept, proposed again without any file."""

from __future__ import annotations

import re

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import RETURNS
from exchange.demo.partner import DemoPartner
from exchange.register import Release, ReleaseState, ReviewState
from tests.pages.conftest import Pages
from tests.pages.releases import release_of


@pytest.fixture
def release(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    return release_of(officer, education, asked)


def give_back(pages: Pages, release: Release) -> None:
    assert pages.post("leader", "/approval/return", release=release.id, reason="evidence")[0] == 303


def decide(pages: Pages, release: Release, answer: str) -> None:
    """Two officers say so."""
    for login in ("officer", "officer-b"):
        version = re.search(r'name="version" value="(\d+)"', pages.post(login, "/review/open", **row(release))[1])
        assert version
        said = {"answer.criminal_record": answer, "reason": "case_file", "version": version[1]}
        assert pages.post(login, "/review/decide", **row(release), **said)[0] == 303


def row(release: Release) -> dict[str, str]:
    return {"batch": release.batch, "row": "1"}


@pytest.mark.parametrize("answer", ["record_found", "no_record"])
def test_kept_or_decided_anew_it_is_before_the_leader_again(
    pages: Pages, officer: App, release: Release, answer: str
) -> None:
    give_back(pages, release)
    reason = RETURNS["evidence"].zh
    assert f"/returned/{release.id}" in pages.get("officer", "/review")[1]
    status, text = pages.get("officer", f"/returned/{release.id}")
    assert status == 200
    assert reason in text
    assert "还有 1 行待重新核实" in text
    opened = pages.post("officer", "/review/open", **row(release))[1]
    assert reason in opened
    assert re.search(r'value="record_found"[^>]*data-before="1"', opened), "what was decided before can be kept"
    assert not re.search(r'value="no_record"[^>]*data-before="1"', opened)

    decide(pages, release, answer)
    assert "待重新核实；" not in pages.get("officer", f"/returned/{release.id}")[1]
    given = {"release": release.id, "note": "已再次查阅案卷"}
    assert pages.post("officer", "/returned/propose", **given)[0] == 303
    assert "已重新送审" in pages.get("officer", "/review?proposed=1")[1]
    assert pages.get("officer", f"/returned/{release.id}")[0] == 404
    (second,) = [each for each in pipeline.propose_all(officer).releases if each.batch == release.batch]
    assert second.counts["criminal_record"] == (
        {"no_record": 2, "record_found": 1} if answer == "record_found" else {"no_record": 3}
    )
    earlier = pages.get("leader", f"/approval/{second.id}")[1]
    assert "已再次查阅案卷" in earlier, "the leader reads what was done"


def test_what_is_still_open_stays_behind(pages: Pages, officer: App, release: Release) -> None:
    give_back(pages, release)
    assert pages.post("officer", "/returned/propose", release=release.id, note="先送其余")[0] == 303
    assert [each for each in pipeline.propose_all(officer).releases if each.batch == release.batch] == []
    assert officer.register.reviews.get(release.batch, 1).state is ReviewState.OPEN


def test_another_offices_release_is_as_if_it_were_not_there(pages: Pages, officer: App, release: Release) -> None:
    division = officer.register.reviews.get(release.batch, 1).division
    assert not division.startswith("2224")
    give_back(pages, release)
    assert release.id not in pages.get("yanbian", "/review")[1]
    assert pages.get("yanbian", f"/returned/{release.id}")[0] == 404
    assert pages.post("yanbian", "/returned/propose", release=release.id, note="已核")[0] == 404
    assert officer.register.releases.get(release.batch, 1).state is ReleaseState.REJECTED


@pytest.mark.parametrize("note", ["", " ", "见11010519491231002X", "长" * 201])
def test_a_note_that_does_not_hold_proposes_nothing(pages: Pages, officer: App, release: Release, note: str) -> None:
    give_back(pages, release)
    status, text = pages.post("officer", "/returned/propose", release=release.id, note=note)
    assert status == 409
    assert "11010519491231002X" not in text
    assert officer.register.releases.get(release.batch, 1).state is ReleaseState.REJECTED


def test_what_was_not_returned_is_no_page(pages: Pages, release: Release) -> None:
    for name in (release.id, "no.such", f"{release.batch}.release-9"):
        assert pages.get("officer", f"/returned/{name}")[0] == 404
        assert pages.post("officer", "/returned/propose", release=name, note="已核")[0] == 404
