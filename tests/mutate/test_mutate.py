"""The table of ``make mutate``, and the switch by which one process tries change after change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from exchange.base.paths import ROOT
from tests.mutate import switch
from tests.mutate.prepared import prepared, put_back
from tests.mutate.switch import NOW, ORIGINAL, cache, forget, through
from tests.mutate.table import table


def functions(module: str) -> Iterator[str]:
    """``<module>.<function>`` of a file, as the table and the report name them."""
    name = module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield f"{name}.{node.name}"
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield f"{name}.{ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])}"
        if isinstance(node, ast.ClassDef):
            yield from (f"{name}.{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef))


def test_the_table_names_what_is_there() -> None:
    for room in table().rooms:
        assert [each for each in (*room.modules, *room.tests) if not (ROOT / each).exists()] == []
    modules = [module for room in table().rooms for module in room.modules]
    assert len(modules) == len(set(modules))
    there = [name for module in modules for name in functions(module)]
    assert [each.where for each in table().may_live if not any(each.fits_in(name) for name in there)] == []
    for each in table().may_live:
        re.compile(each.change)
        assert each.why


def test_one_change_is_on_and_what_was_kept_of_it_is_forgotten() -> None:
    def one() -> int:
        return 1

    changes = {ORIGINAL: lambda: 1, "x_one__mutmut_1": lambda: 2}
    called = through(changes)(one)
    asked: list[int] = []

    @cache
    def kept(number: int) -> int:
        asked.append(number)
        return number + int(called())

    @cache
    def apart() -> int:
        asked.append(0)
        return 0

    name = f"{one.__module__}.{one.__qualname__}"
    assert (kept(1), kept(1), apart(), asked) == (2, 2, 0, [1, 0])
    NOW.called = []
    assert kept(1) == 2
    assert NOW.called == [name], "whoever asks for what is kept has called what it came of"
    NOW.switch("elsewhere", "x_one__mutmut_1")
    assert called() == 1
    try:
        NOW.switch(one.__module__, "x_one__mutmut_1")
        assert (called(), kept(1)) == (2, 2)
        forget(name)
        assert (kept(1), apart(), asked) == (3, 0, [1, 0, 1])
    finally:
        NOW.switch("", "")
        switch._KEPT.clear()


CODE = """
from functools import cache

X: Final = pl.col("a") > 1
\"\"\"What it is.\"\"\"
Y = (
    pl.lit(2)  # why
)
Z = 3


@cache
def one() -> int:
    return 1


class Two:
    @property
    def one(self) -> int:
        return 2

    @cached_property
    def two(self) -> int:
        return 3
"""


def test_nothing_is_left_out() -> None:
    code, taken = prepared(CODE)
    assert "@" not in code
    named = [(decorator, name) for _, decorator, name in taken]
    assert named == [("cache", "one"), ("property", "one"), ("cached_property", "two")]
    names = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert names == ["made__X", "made__Y", "one"]
    back = ast.parse(put_back(code, taken))
    found = {ast.unparse(each) for each in ast.walk(back) if isinstance(each, ast.FunctionDef)}
    assert {"@cache\ndef one() -> int:\n    return 1", "@property\ndef one(self) -> int:\n    return 2"} <= found
    assert "@property\ndef two(self) -> int:\n    return 3" in found, "what an object keeps would be of another change"
    assert "Y = made__Y()" in ast.unparse(back)
