"""What needs a server is known from the fixtures: none that starts one may be missing from the list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from exchange.base.paths import ROOT
from tests.conftest import ONE_AIRFLOW, SERVERS

STARTING = {"start", "build"}  # of Postgres, SftpServer, Redis and Airflow; of World
STARTING_FUNCTIONS = {"build_world", "world_apart", "started"}


def starting_fixtures() -> Iterator[tuple[Path, str]]:
    """Each fixture of the tests whose body starts something, unless it asks for one that is listed."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(each, ast.FunctionDef):
                continue
            fixture = any(re.search(r"\bfixture\b", ast.unparse(decorator)) for decorator in each.decorator_list)
            calls = {_called(call.func) for call in ast.walk(each) if isinstance(call, ast.Call)}
            asked = {argument.arg for argument in each.args.args}
            if fixture and any(calls) and not asked & SERVERS:
                yield path, each.name


def _called(function: ast.expr) -> str:
    """The name of a method, where it starts a server; of a function only if it is one of the tests' own."""
    if isinstance(function, ast.Attribute):
        return function.attr if function.attr in STARTING else ""
    return name if (name := ast.unparse(function)) in STARTING_FUNCTIONS else ""


def test_every_fixture_that_starts_a_server_is_listed() -> None:
    found = list(starting_fixtures())
    assert {"world", "migrated", "airflow_world"} <= {name for _, name in found}
    assert [(path.name, name) for path, name in found if name not in SERVERS] == []


def test_every_file_that_needs_the_running_airflow_is_listed() -> None:
    asking = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.FunctionDef) and "airflow" in {argument.arg for argument in each.args.args}
    }
    assert asking == set(ONE_AIRFLOW)
