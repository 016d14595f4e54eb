"""Code as mutmut can change all of it: it leaves decorated functions alone, and what stands in no function.

``@cache`` and ``@property`` are taken off and put back on what mutmut has written; ``@cached_property`` as
``@property``, for what an object keeps would be of another change. An expression of Polars or an item's
rule that stands in the module itself is put into a function, ``made__<NAME>``, and ``<NAME>`` is what that gives.
"""

from __future__ import annotations

import ast
import re
from typing import Final

MADE: Final = "made__"
_DECORATED: Final = re.compile(r"^( *)@(cache|property|cached_property)\n(?= *def (\w+)\()", re.MULTILINE)
_RULES: Final = frozenset({"pl", "ItemRule", "event_rule", "place_rule", "compared", "registered", "meant"})


def prepared(code: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The code for mutmut; and indentation, decorator and function of what was taken off, in their order."""
    code = _in_functions(code)
    return _DECORATED.sub("", code), _DECORATED.findall(code)


def put_back(code: str, taken: list[tuple[str, str, str]]) -> str:
    parts, begin = [], 0
    for indent, decorator, name in taken:
        found = re.compile(rf"^(?:{indent}@_mutmut_mutated\(.*\)\n)?{indent}def {name}\(", re.MULTILINE)
        place = found.search(code, begin)
        assert place is not None, f"mutmut has written {name} in another way"
        parts += [code[begin : place.start()], f"{indent}@{decorator.removeprefix('cached_')}\n", place.group()]
        begin = place.end()
    return "".join([*parts, code[begin:]])


def _in_functions(code: str) -> str:
    lines = code.splitlines(keepends=True)
    for node in reversed(ast.parse(code).body):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or isinstance(node.value, ast.Subscript | None):
            continue  # a subscript: the name of a type
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        names = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        if not isinstance(target, ast.Name) or not names & _RULES:
            continue
        made = f"{MADE}{target.id}"
        text = f"def {made}():\n    return (\n{ast.get_source_segment(code, node.value)}\n)\n\n{target.id} = {made}()\n"
        lines[node.lineno - 1 : node.end_lineno] = [text]
    return "".join(lines)
