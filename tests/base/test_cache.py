"""Derived data: encrypted, read block by block, and worth nothing once anything about it was changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.cache import Cache
from tests.examples import one_in

SECRET = b"the office's own key"
NAME = "0" * 64 + ".rows"
blocks = st.lists(st.binary(max_size=200), max_size=6)


def cache(folder: Path, secret: bytes = SECRET) -> Cache:
    return Cache(folder, lambda: secret)


@one_in(3)
@given(blocks, st.data())
def test_any_blocks_come_back_in_the_order_asked(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], data: st.DataObject
) -> None:
    kept = cache(tmp_path_factory.mktemp("cache"))
    kept.write(NAME, written)
    numbers = data.draw(st.lists(st.sampled_from(range(len(written))), max_size=6)) if written else []
    assert kept.read(NAME, numbers) == [written[number] for number in numbers]
    assert kept.read(NAME, [len(written)]) is None


@one_in(3)
@given(st.data())
def test_any_change_of_the_file_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    kept = cache(tmp_path_factory.mktemp("cache"))
    written = [b"first block", b"second block"]
    kept.write(NAME, written)
    path = kept.folder / NAME
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    path.write_bytes(content)
    assert kept.read(NAME, [0, 1]) is None


def test_another_name_key_or_place_is_not_taken_for_it(tmp_path: Path) -> None:
    kept, other = cache(tmp_path), "1" * 64 + ".rows"
    kept.write(NAME, [b"a person's row"])
    assert b"person" not in (tmp_path / NAME).read_bytes()
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0
    (tmp_path / other).write_bytes((tmp_path / NAME).read_bytes())
    assert kept.read(other, [0]) is None
    assert cache(tmp_path, b"another key").read(NAME, [0]) is None
    assert kept.read("2" * 64 + ".rows", [0]) is None
    kept.remove({"0" * 64})
    assert [path.name for path in tmp_path.iterdir()] == [other]


def test_what_cannot_be_opened_is_none(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's."""
    kept = cache(tmp_path / "cache")
    (tmp_path / "cache" / NAME).mkdir(parents=True)
    assert kept.read(NAME, [0]) is None
    (tmp_path / "file").touch()
    assert cache(tmp_path / "file").read(NAME, [0]) is None
