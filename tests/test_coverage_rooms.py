"""``make coverage`` tells of each room, names what was not taken, and fails where one is below the limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from tests.coverage_rooms import LIMIT, OTHERS, OWN, ROOMS, arguments, main


def test_its_rooms_and_tests_are_there() -> None:
    assert [each for each in (*OWN, *OTHERS) if not (ROOT / each).exists()] == []
    assert [room for room in ROOMS if not (ROOT / "exchange" / room).is_dir()] == []
    assert {*OWN, *OTHERS, "--cov-branch", *(f"exchange/{room}" for room in ROOMS)} < set(arguments())


@pytest.mark.parametrize(("taken", "there", "code"), [(100, 100, 0), (95, 100, 0), (94, 100, 1), (0, 0, 1)], ids=str)
def test_a_room_below_the_limit_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: int, there: int, code: int
) -> None:
    def room(name: str, taken: int, there: int) -> dict[str, object]:
        summary = {"covered_branches": taken, "num_branches": there}
        return {f"exchange/{name}/a.py": {"summary": summary, "missing_branches": [[7, 9], [8, -6]]}}

    files = room(ROOMS[0], taken, there)
    for name in ROOMS[1:]:
        files |= room(name, 1, 1)
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": files | room("pages", 0, 50)}), "utf-8")
    assert main(str(report)) == code
    said = capsys.readouterr().out
    assert f"exchange/{ROOMS[0]}/a.py:7 -> 9\nexchange/{ROOMS[0]}/a.py:8 -> end\n" in said
    assert (f"below {LIMIT} %" in said) == bool(code)
    assert "pages" not in said
