"""Keyed hashes: the same under the same key, brought to the next one without the values, and nothing without a key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.base.keyed import KeyRing, Kind, make_keys, read_keys, text_values, with_new_key, write_keys

DAY = date(2026, 11, 27)
Keys = npt.NDArray[np.int64]
KEYS = st.lists(st.integers(0, 10**17 - 1), max_size=20).map(lambda keys: np.array(keys, np.int64))


def ring(generations: int) -> KeyRing:
    made = with_new_key(None, DAY)
    for _ in range(generations - 1):
        made = with_new_key(made, DAY)
    return made


THREE = ring(3)


@given(KEYS, st.sampled_from(Kind), st.integers(1, 3))
def test_what_is_brought_to_the_newest_key_is_what_that_key_gives(values: Keys, kind: Kind, generation: int) -> None:
    before = THREE.hashed(values, kind, generation)
    assert THREE.renewed(before, kind, generation).tolist() == THREE.hashed(values, kind).tolist()


def test_each_value_kind_key_and_generation_has_a_hash_of_its_own() -> None:
    values = np.arange(10_000)
    rings = (THREE, ring(1))
    hashes = [
        key_ring.hashed(values, kind, generation)
        for key_ring in rings
        for kind in Kind
        for generation in range(1, key_ring.generation + 1)
    ]
    assert len(np.unique(np.concatenate(hashes))) == len(hashes) * len(values)


def test_a_value_has_the_same_hash_in_whatever_company() -> None:
    values = np.array([7, 220104198001010017, 7])
    together = THREE.hashed(values, Kind.NUMBER)
    assert together[0] == together[2]
    assert together[1] == THREE.hashed(values[1:2], Kind.NUMBER)[0]
    assert text_values(["张三", "李四", "张三"]).tolist()[::2] == text_values(["张三"]).tolist() * 2


def test_the_key_file_is_private_and_read_as_it_was_written(tmp_path: Path) -> None:
    place = tmp_path / "told.keys"
    make_keys(place, DAY)
    first = place.read_bytes()
    make_keys(place, DAY)
    assert place.read_bytes() == first
    assert place.stat().st_mode & 0o777 == 0o600
    write_keys(place, THREE)
    assert read_keys(place.read_bytes(), place) == THREE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"1 2026-11-27\n",
        b"1 2026-11-27 00\n",
        b"1 2026-13-27 " + b"0" * 64,
        b"2 2026-11-27 " + b"0" * 64,
        b"1 2026-11-27 " + b"0" * 64 + b"\n3 2026-11-27 " + b"0" * 64,
    ],
)
def test_a_key_file_that_is_not_whole_is_said_so_without_its_content(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Halt) as said:
        read_keys(content, tmp_path / "told.keys")
    assert "000" not in str(said.value)


def test_a_text_is_tagged_by_the_newest_key_alone() -> None:
    texts = ["", "a", "ab", "张"]
    tags = [key_ring.tag(text) for key_ring in (THREE, ring(1), ring(1)) for text in texts]
    assert len(set(tags)) == len(tags)
    assert THREE.tag("a") == KeyRing(THREE.keys[-1:]).tag("a")
    assert {len(tag) for tag in tags} == {64}
