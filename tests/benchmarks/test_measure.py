"""What is measured of a process, and how it is written down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.match.part import DUCKDB, OURS
from benchmarks.measure import Failed, Run, in_turn, middle, run
from benchmarks.report import Goal, Part, Table, keep, markdown_table

MEGABYTES = 80
ALLOCATES = f"""
import json, time
held = bytearray({MEGABYTES} << 20)
for place in range(0, len(held), 4096): held[place] = 1
time.sleep(0.1)
print(json.dumps({{"said": "so"}}))
"""


def test_a_process_is_measured() -> None:
    found = run([sys.executable, "-c", ALLOCATES])
    assert found.own >= MEGABYTES << 20
    assert found.resident >= found.own
    assert found.seconds >= 0.1
    assert found.told == {"said": "so"}


def test_mapped_pages_are_not_own_memory(tmp_path: Path) -> None:
    mapped = tmp_path / "mapped"
    mapped.write_bytes(bytes(MEGABYTES << 20))
    reads = f"""
import mmap, time
with open({str(mapped)!r}, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
    sum(pages[place] for place in range(0, len(pages), 4096)); time.sleep(0.1)
"""
    found = run([sys.executable, "-c", reads])
    assert found.resident >= MEGABYTES << 20
    assert found.own < MEGABYTES << 20


def test_a_process_that_fails_gives_no_figure() -> None:
    with pytest.raises(Failed):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_commands_take_turns_after_a_round_that_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = {name: ["sh", "-c", f"echo {name} >> {log}"] for name in ("a", "b")}
    found = in_turn(commands, 3, {"b": 1})
    assert log.read_text().split() == ["a", "b", "a", "b", "a", "a"]
    assert [len(found["a"]), len(found["b"])] == [3, 1]


def test_median_of_each_figure() -> None:
    runs = [Run(seconds, 1, own, own, {}) for seconds, own in ((3.0, 10), (1.0, 30), (2.0, 20))]
    assert (middle(runs).seconds, middle(runs).own) == (2.0, 20)


def test_parts_stand_until_they_are_measured_again(tmp_path: Path) -> None:
    for name, measured in (("match", "2.00 ×"), ("other", "1.00 ×"), ("match", "0.40 ×")):
        goal = Goal(f"{name} goal", "0.5", measured, met=measured == "0.40 ×")
        keep(
            Part(name, f"Title of {name}", "make", "About.", [Table(("way", "time"), [("ours", measured)])], [goal]),
            tmp_path,
        )
    results = json.loads((tmp_path / "results.json").read_bytes())
    assert sorted(results) == ["match", "other"]
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| match goal | 0.5 | 0.40 × | yes |" in page
    assert "| other goal | 0.5 | 1.00 × | **no** |" in page
    assert "2.00 ×" not in page


def test_markdown_table() -> None:
    assert markdown_table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"


def test_growth_is_drawn(tmp_path: Path) -> None:
    found = {
        (way, people, rows): Run(rows * people / 1e13, 0, 0, 0, {})
        for way in (OURS, DUCKDB[0])
        for people in (1_000_000, 3_000_000)
        for rows in (10_000, 100_000)
    }
    growth.draw(found, tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text()
    assert drawn.startswith("<svg")
    assert "DuckDB" in drawn
