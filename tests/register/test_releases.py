"""The names of releases."""

from __future__ import annotations

import pytest

from exchange.base.errors import Halt
from exchange.register.releases import parse_id

NONE = ["", "b", "b.release-", "b.release-x", "b.release-²", "b.release--1", "b.release-" + "9" * 5000]


def test_a_releases_name_is_its_batch_and_its_number() -> None:
    assert parse_id("court.release-1.release-2") == ("court.release-1", 2)


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_releases_name(name: str) -> None:
    with pytest.raises(Halt, match="not the name of a release"):
        parse_id(name)
