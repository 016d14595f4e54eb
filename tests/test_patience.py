"""Whoever waits in a test for something that is to come waits for a minute at least: at a load of twenty everything
takes ten times as long, and a longer limit costs nothing where the thing comes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from exchange.base.paths import ROOT

LEAST = 60
WAITS = {"wait_for": 1, "join": 0}
"""Functions whose limit is the argument at this place; of all others, the one that is named ``timeout``."""


def limits(tree: ast.AST) -> Iterator[tuple[int, float]]:
    """Line and seconds of each limit that stands there as a number."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = WAITS.get(name, len(node.args))
        given = [*node.args[place : place + 1], *(each.value for each in node.keywords if each.arg == "timeout")]
        for each in given:
            if isinstance(each, ast.Constant) and isinstance(each.value, int | float):
                yield node.lineno, each.value


def test_limits_are_found() -> None:
    code = "wait_for(f, 5); thread.join(7); queue.get(timeout=8); ', '.join(names); wait_for(f, SECONDS)"
    assert [seconds for _, seconds in limits(ast.parse(code))] == [5, 7, 8]


def test_no_wait_is_short() -> None:
    short = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, seconds in limits(ast.parse(path.read_bytes()))
        if seconds < LEAST
    ]
    assert short == []
