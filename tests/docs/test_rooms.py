"""The map of the rooms: contract and package name the same ones, else there is no map."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.docs.rooms import rooms_page

CONTRACT = """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["top | beside", "bottom"]
[[tool.importlinter.contracts]]
name = "no servers"
type = "forbidden"
source_modules = ["exchange.bottom"]
forbidden_modules = ["paramiko"]
"""


def page(place: Path, *rooms: str) -> str:
    (place / "pyproject.toml").write_text(CONTRACT, encoding="utf-8")
    (place / "package").mkdir()
    (place / "package" / "__init__.py").touch()
    for room in rooms:
        (place / "package" / room).parent.mkdir(exist_ok=True)
        (place / "package" / room).write_text(f'"""For ``{room}``:\na | b.\n\nMore."""\n', encoding="utf-8")
    return rooms_page(place / "pyproject.toml", place / "package")


def test_each_room_stands_in_its_layer_with_its_purpose(tmp_path: Path) -> None:
    drawn = page(tmp_path, "top/__init__.py", "beside.py", "bottom/__init__.py", "bottom/inner.py")
    assert "| 1 | `top` | For `top/__init__.py`: a \\| b. |" in drawn
    assert "| 1 | `beside` | For `beside.py`: a \\| b. |" in drawn
    assert "| 2 | `bottom` |" in drawn
    assert 'layer0["top · beside"]' in drawn
    assert "- no servers: `exchange.bottom` never import `paramiko`." in drawn


@pytest.mark.parametrize("rooms", [("top.py", "beside.py"), ("top.py", "beside.py", "bottom.py", "new.py")])
def test_a_room_that_one_of_the_two_does_not_know_is_found(tmp_path: Path, rooms: tuple[str, ...]) -> None:
    with pytest.raises(Halt, match=r"bottom|new"):
        page(tmp_path, *rooms)


def test_every_room_says_what_it_is_for() -> None:
    assert "|  |" not in rooms_page(ROOT / "pyproject.toml")
