"""What all tests share is made by one of those that ask for it at once, and is whole when the others have it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.once import made_once


def test_of_many_that_ask_one_makes_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = []

    def make(place: Path) -> None:
        made.append(place)
        place.mkdir()
        time.sleep(0.05)
        (place / "whole").write_bytes(b"1")

    def ask(_: int) -> bytes:
        return (made_once(tmp_path_factory, "asked-by-many", make) / "whole").read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(8))) == [b"1"] * 8
    assert len(made) == 1


def test_what_a_killed_process_left_half_made_is_made_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    def half(place: Path) -> None:
        (place / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(tmp_path_factory, "half-made", half)
    place = made_once(tmp_path_factory, "half-made", lambda place: place.mkdir())
    assert list(place.iterdir()) == []
