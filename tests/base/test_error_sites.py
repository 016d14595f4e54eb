"""No error of ours takes along what a library said: a rule over every place in the package that handles one.

Libraries quote values (a cell, a date, a line of a file) in their messages. So a handler of an error that is not ours
tells its kind, the system's own words for an errno, or nothing; and raises its own ``from None``, or the library's text
would hang on it and stand in logs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.base.paths import ROOT

OURS = frozenset({"ExchangeError", "Refused", "Retryable", "Halt", "Denied", "Unsettled", "NotAsSentError"})
"""Errors whose text is ours, made without values."""

EXEMPT = {
    "base/toml.py": "the office's own files, settings and agreements: at most a key of theirs is quoted",
    "review/locked.py": "its words are looked at to tell a wrong password from damage, and are not passed on",
    "base/legal_bases.py": "the software's own table of articles, which holds nobody: a field of it is quoted",
    "base/tables.py": "the software's own tables, which hold nobody: a field of theirs is quoted",
}
"""File → why what a library says of what it reads is no person's."""

PACKAGE = ROOT / "exchange"
FILES = sorted(PACKAGE.rglob("*.py"))


def handlers(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {ast.unparse(kind).rpartition(".")[2] for kind in kinds if kind is not None}
            if not names or names - OURS:
                yield node


def quoted(handler: ast.ExceptHandler) -> Iterator[ast.Name]:
    """Where the caught error itself goes into a text."""
    for node in ast.walk(handler):
        told = [node.value] if isinstance(node, ast.FormattedValue) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("str", "repr", "log.error", "log.warning"):
            told = node.args
        for each in told:
            if isinstance(each, ast.Name) and each.id == handler.name:
                yield each


def unparted(handler: ast.ExceptHandler) -> Iterator[ast.Raise]:
    """Raises of another error that keep the caught one as their cause or context."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise) and node.exc is not None and ast.unparse(node.exc) != handler.name:
            parted = isinstance(node.cause, ast.Constant) and node.cause.value is None
            if not parted:
                yield node


def troubles(path: Path, text: str) -> list[str]:
    found = []
    for handler in handlers(ast.parse(text)):
        found += [f"{path.name}:{each.lineno} quotes what a library said" for each in quoted(handler)]
        found += [f"{path.name}:{each.lineno} raises without `from None`" for each in unparted(handler)]
    return found


def test_no_handler_takes_a_librarys_words_along() -> None:
    found = {str(path.relative_to(PACKAGE)): troubles(path, path.read_text("utf-8")) for path in FILES}
    assert {name for name, each in found.items() if each} == set(EXEMPT), found


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise Halt(f'no: {error}') from None", "quotes"),
        ("raise Halt(str(error)) from None", "quotes"),
        ("log.error('no: %s', error)", "quotes"),
        ("raise Halt('no')", "from None"),
        ("raise Halt('no') from error", "from None"),
        ("raise Halt(f'no: {error.strerror}') from None", None),
        ("raise Halt(f'no: {type(error).__name__}') from None", None),
        ("raise", None),
    ],
)
def test_the_rule_finds_each_way(body: str, said: str | None) -> None:
    found = troubles(Path("x.py"), f"try:\n    pass\nexcept ValueError as error:\n    {body}\n")
    assert bool(found) == (said is not None)
    assert all(said in each for each in found if said)
