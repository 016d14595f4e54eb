"""Whom releases are about, and the leader who approves them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from exchange.app import App

ABOUT_CONNECTIONS = frozenset(
    {
        "test_apart",
        "test_believes_nothing",
        "test_check",
        "test_every_trouble",
        "test_interruptions",
        "test_notice",
        "test_pickup",
    }
)
"""Files whose tests are about servers that fail, stop or answer oddly: there the office connects as it does."""


@pytest.fixture(scope="module", autouse=True)
def _stays_connected(request: pytest.FixtureRequest) -> None:
    if request.path.stem not in ABOUT_CONNECTIONS:
        request.getfixturevalue("office_stays_connected")


@pytest.fixture(autouse=True)
def _looked_into(asked_partners: None) -> None:
    """Each look is at three partners."""


@pytest.fixture
def clean(people: pl.DataFrame, offenders: pl.Series, barred: pl.Series) -> pl.DataFrame:
    """Nobody of whom court or school may be told."""
    told = pl.col("id_number").is_in(offenders.implode()) | pl.col("id_number").is_in(barred.implode())
    return people.filter((pl.col("oddity") == "") & ~told)


@pytest.fixture
def hit(people: pl.DataFrame, offenders: pl.Series, barred: pl.Series) -> pl.DataFrame:
    """Of whom both are told."""
    told = pl.col("id_number").is_in(offenders.implode()) & pl.col("id_number").is_in(barred.implode())
    return people.filter((pl.col("oddity") == "") & told)


@pytest.fixture
def leader(opened: Callable[[str], App]) -> App:
    return opened("leader")
