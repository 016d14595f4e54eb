"""The mapped snapshot of this software."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.lookup import Find, Row, row
from benchmarks.match.ours import published

_COLUMNS = ["name", "sex", "birth_date", "doubt"]


@contextmanager
def opened(world: Path) -> Iterator[Find]:
    people = published(world, "population").open("people")

    def find(keys: list[int]) -> list[Row]:
        rows = people.find(np.array(keys, dtype=np.int64)).row
        found = zip(people.keys[rows].tolist(), people.take(rows, _COLUMNS).iter_rows(), strict=True)
        return [row(key, *values) for key, values in found]

    yield find
