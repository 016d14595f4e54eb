"""The list of places that say Halt or Retryable finds each, and tells those that a run did not reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.raise_sites import all_sites, sites, unreached

SOURCE = """
def first():
    raise Halt("no")

class Other:
    def second(self):
        def inner():
            raise errors.Retryable("later") from None
        if self:
            raise Refused("code")
        raise
"""


def test_each_place_is_found() -> None:
    found = [(site.line, site.function, site.error) for site in sites(SOURCE, "x.py")]
    assert found == [(3, "first", "Halt"), (8, "inner", "Retryable")]


@pytest.mark.parametrize("reached", [0, 1])
def test_what_a_run_reached_is_left_out(tmp_path: Path, reached: int) -> None:
    every = all_sites()
    lines = {site.file: {"executed_lines": [site.line]} for site in every[:reached]}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": lines}), "utf-8")
    assert len(every) > 100
    assert unreached(report) == list(every[reached:])
