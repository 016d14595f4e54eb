"""A sample of a release's rows before the leader: registered, what the officer sees, the same ones each time."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.demo.world import LEADER_ID
from exchange.register import Release
from exchange.review.sample import SAMPLE_ROWS, drawn
from tests.pages.conftest import Pages
from tests.pages.releases import release_of


@pytest.fixture
def release(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    return release_of(officer, education, asked)


def test_a_leader_sees_rows_once_it_is_registered(
    pages: Pages, app: App, release: Release, asked: pl.DataFrame
) -> None:
    for login in ("viewer", "op", "officer", "supervisor"):
        assert pages.post(login, "/approval/sample", release=release.id)[0] == 403
    before = len(app.register.steps(release.batch))
    status, text = pages.post("leader", "/approval/sample", release=release.id)
    assert status == 200
    for person in asked.iter_rows(named=True):
        assert person["id_number"] in text
    assert text.count("<b>有记录") == 1
    assert text.count("<b>未发现记录") == 2
    assert "查看已登记" in text
    (step,) = app.register.steps(release.batch)[before:]
    assert (step.actor, json.loads(step.facts)["opened"]) == (LEADER_ID, "1,2,3")
    for name in ("no.such", f"{release.batch}.release-9"):
        assert pages.post("leader", "/approval/sample", release=name)[0] == 404


def test_of_what_does_not_wait_no_row_is_seen(pages: Pages, release: Release) -> None:
    assert pages.post("leader", "/approval/return", release=release.id, reason="person")[0] == 303
    assert pages.post("leader", "/approval/sample", release=release.id)[0] == 404


@given(st.sets(st.integers(1, 500), max_size=60), st.sets(st.integers(1, 500), max_size=60), st.text(max_size=8))
def test_what_is_drawn(rows: set[int], decided: set[int], seed: str) -> None:
    found = drawn(rows, decided, seed)
    assert found == sorted(set(found)) == drawn(rows, decided, seed)
    assert set(found) <= rows
    assert len(found) == min(SAMPLE_ROWS, len(rows))
    by_officer = len(set(found) & decided)
    assert by_officer >= min(SAMPLE_ROWS // 2, len(rows & decided))
