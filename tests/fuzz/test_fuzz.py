"""No input gives anything but accepted, refused, retryable: a few of what ``make fuzz`` tries for five minutes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import one_in
from tests.fuzz.targets import CRASHES, TARGETS, holds, mutated, seeds


@pytest.mark.parametrize("target", TARGETS)
def test_sound_inputs_and_any_change_of_them(target: str) -> None:
    pool = seeds(target)
    assert pool
    assert all(holds(target, content) for content in pool)

    @one_in(3)
    @given(content=st.sampled_from(pool), seed=st.integers(0, 1 << 32))
    def changed(content: bytes, seed: int) -> None:
        assert holds(target, mutated(content, pool, random.Random(seed)))  # noqa: S311  (no secret)

    changed()


@pytest.mark.parametrize("path", sorted(CRASHES.glob("*-*")), ids=lambda path: path.name)
def test_what_once_broke_something(path: object) -> None:
    assert isinstance(path, type(CRASHES))
    assert holds(path.name.rpartition("-")[0], path.read_bytes())


@one_in(3)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_at_all_as_csv(content: bytes) -> None:
    header = b"row_ref,id_number,name,sex\n"
    assert holds("csv", content)
    assert holds("csv", header + content)
    assert holds("gb18030", header + content)
