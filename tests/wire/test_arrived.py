"""What waits to be read: the bytes that came, in whatever pieces they came and are read, and an end to each wait."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko.buffered_pipe import PipeTimeout

from exchange.wire.arrived import AT_ONCE, Arrived

pieces = st.lists(st.binary(max_size=20) | st.integers(1, 9_000).map(bytes), max_size=20)


@given(pieces, st.lists(st.integers(1, 20_000), min_size=1, max_size=20))
def test_what_came_is_read_in_order(came: list[bytes], asked: list[int]) -> None:
    arrived, whole, read = Arrived(), b"".join(came), b""
    for piece in came:
        arrived.feed(piece)
    assert (len(arrived), arrived.read_ready()) == (len(whole), bool(whole))
    arrived.close()
    for count in asked:
        some = arrived.read(count)
        assert some == whole[len(read) :][:count]
        read += some
    assert arrived.empty() == whole[len(read) :]
    assert arrived.read(1) == b""


@given(st.lists(st.integers(0, 100), max_size=200))
def test_pieces_without_number_are_kept_as_a_few(sizes: list[int]) -> None:
    arrived = Arrived()
    for size in sizes:
        arrived.feed(bytes(size))
    assert len(arrived._pieces) <= 1 + sum(sizes) // 2_000


@pytest.mark.parametrize("asked", [1, AT_ONCE, 3 * AT_ONCE])
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_whoever_waits_is_woken_when_enough_has_come(asked: int, size: int) -> None:
    arrived, read = Arrived(), []
    reader = Thread(target=lambda: read.append(arrived.read(asked, 60)))
    reader.start()
    for _ in range(AT_ONCE // size + 1):
        arrived.feed(bytes(size))
    reader.join(60)
    (some,) = read
    assert min(asked, AT_ONCE) <= len(some) <= asked


def test_whoever_waits_is_told_of_the_end() -> None:
    arrived, read = Arrived(), []
    reader = Thread(target=lambda: read.append(arrived.read(100, 60)))
    reader.start()
    arrived.feed(b"some")
    arrived.close()
    reader.join(60)
    assert read == [b"some"]


@pytest.mark.parametrize("timeout", [0.0, 0.01])
def test_nobody_waits_for_ever(timeout: float) -> None:
    arrived = Arrived()
    arrived.feed(b"s")
    with pytest.raises(PipeTimeout):
        arrived.read(2, timeout)
    assert arrived.read(1, timeout) == b"s"
