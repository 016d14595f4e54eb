"""What a function gives in columns is said where it stands: whoever calls it need not read it for its dtype."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from exchange.base.paths import ROOT

ROOMS: Final = ("guard", "matching", "output", "validate")
"""Rooms whose public functions give columns that others read."""

COLUMNS: Final = re.compile(r"\bpl\.(Expr|Series|DataFrame)\b|\bNDArray\b|\b(Keys|Rows|Days|Octets)\b")
"""Types of columns, whose dtype no annotation says."""

SAID: Final = re.compile(r"\b(String|Boolean|Date|Struct|List|U?Int(8|16|32|64)|u?int(8|16|32|64)|bool|dtypes?)\b")


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    """Public ones, and public methods, that give columns."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node.body)
        elif isinstance(node, ast.FunctionDef) and node.name[0] != "_" and node.returns is not None:
            yield from [node] if COLUMNS.search(ast.unparse(node.returns)) else []


def found() -> list[Any]:
    package = ROOT / "exchange"
    return [
        pytest.param(function, id=f"{path.relative_to(package)}:{function.name}")
        for room in ROOMS
        for path in sorted(package.joinpath(room).rglob("*.py"))
        for function in functions(ast.parse(path.read_text(encoding="utf-8")).body)
    ]


@pytest.mark.parametrize("function", found())
def test_the_docstring_says_of_which_dtype_the_columns_are(function: ast.FunctionDef) -> None:
    assert SAID.search(ast.get_docstring(function) or "")


@pytest.mark.parametrize("said", ["Whether two names are the same.", "As ``decide`` gives them.", ""])
def test_what_says_nothing_of_it_is_found(said: str) -> None:
    assert not SAID.search(said)
