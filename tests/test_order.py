"""Each process of a parallel run collects the same tests in the same order, or pytest-xdist refuses the whole run:
what tests are made of is a list, a tuple or a mapping, or is sorted; a set of texts stands in another order in each
process, and a set of two in the same one every second time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from exchange.base.paths import ROOT

MAKES_SETS = {"set", "frozenset"}


def _is_set(node: ast.expr, names: set[str]) -> bool:
    """A set as such, a name of one, or what ``|``, ``&``, ``-`` and ``^`` make of one."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(name):
            return name in names
        case ast.Call(func=ast.Name(name)):
            return name in MAKES_SETS
        case ast.BinOp(left=left, right=right):
            return _is_set(left, names) or _is_set(right, names)
    return False


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    """What is done while a module is read: decorators among it, bodies of functions not."""
    yield node
    below = node.decorator_list if isinstance(node, ast.FunctionDef) else ast.iter_child_nodes(node)
    for each in below:
        yield from _outside_of_functions(each)


def _in_order(node: ast.AST) -> list[ast.expr]:
    """What is gone through by this, one behind the other, and makes something in that order."""
    match node:
        case ast.ListComp(generators=generators) | ast.GeneratorExp(generators=generators):
            return [each.iter for each in generators]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [each.value for each in elements if isinstance(each, ast.Starred)]
        case ast.For(iter=gone_through):
            return [gone_through]
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[_, given, *_]):
            return [given]
        case ast.Call(func=ast.Name("list" | "tuple" | "enumerate" | "product"), args=given):
            return given
    return []


def in_no_order(tree: ast.Module) -> Iterator[int]:
    """The lines on which a module goes through a set, unless the outcome is sorted at once."""
    assigned = [each for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign) and each.value]
    names: set[str] = set()
    for each in assigned:
        targets = each.targets if isinstance(each, ast.Assign) else [each.target]
        if each.value and _is_set(each.value, names):
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    nodes = list(_outside_of_functions(tree))
    orderless = {"sorted", *MAKES_SETS, "all", "any", "sum", "len", "max", "min"}
    within = {
        below
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in orderless
        for argument in node.args
        for below in ast.walk(argument)
    }
    for node in nodes:
        if node not in within and any(_is_set(gone_through, names) for gone_through in _in_order(node)):
            yield getattr(node, "lineno", 0)


def test_sets_that_are_gone_through_are_found() -> None:
    code = """A = {"x", "y"}
B = [(n, a) for n in (1, 2) for a in A]
C = (*A, "z")
D = sorted(a for a in A | {"z"})
E = {a for a in A}
F = {"a": 1}
@pytest.mark.parametrize("a", E - {"x"})
def test(a): return [*A]
@pytest.mark.parametrize("a", [*F, *sorted(A)])
def test(a): ...
"""
    assert list(in_no_order(ast.parse(code))) == [2, 3, 7]


def test_tests_stand_in_one_order() -> None:
    lines = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in in_no_order(ast.parse(path.read_bytes()))
    ]
    assert lines == []
