"""Whom releases are about, and the leader who approves them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from exchange.app import App
from exchange.demo.world import World


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
def leader(world: World) -> Iterator[App]:
    with App.open("leader", world.config) as opened:
        yield opened
