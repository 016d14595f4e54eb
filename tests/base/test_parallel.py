"""Parts are worked on at the same time, and come in their order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from exchange.base.parallel import MAX_IN_FLIGHT, map_ordered


def test_they_come_in_their_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number * number

    assert list(map_ordered(work, range(50))) == [(number, number * number) for number in range(50)]
    assert list(map_ordered(work, [])) == []


def test_some_are_under_way_at_once() -> None:
    all_there = threading.Barrier(MAX_IN_FLIGHT, timeout=60)
    assert len(list(map_ordered(lambda _: all_there.wait(), range(MAX_IN_FLIGHT)))) == MAX_IN_FLIGHT


@pytest.mark.parametrize("parts", range(4))
def test_what_all_parts_need_is_made_once_before_any_of_them_and_not_for_one_alone(parts: int) -> None:
    said: list[str] = []
    here = threading.current_thread().name

    def before() -> None:
        said.append(threading.current_thread().name)

    list(map_ordered(lambda _: said.append("a part"), range(parts), before))
    assert said == [*([here] if parts > 1 else []), *["a part"] * parts]


def test_no_more_are_taken_than_may_be_in_memory() -> None:
    taken = 0

    def parts() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    for done, _ in enumerate(map_ordered(str, parts()), start=1):
        assert taken - done <= MAX_IN_FLIGHT


def test_an_error_comes_in_the_place_of_its_part_and_ends_the_work() -> None:
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise KeyError(number)
        return number

    done = map_ordered(work, range(100))
    assert [next(done), next(done)] == [(0, 0), (1, 1)]
    with pytest.raises(KeyError, match="2"):
        next(done)
    assert len(begun) <= 2 + MAX_IN_FLIGHT + 1
