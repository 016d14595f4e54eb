"""Where the package says Halt or Retryable, and which of these places no test has reached.

    python tests/raise_sites.py COVERAGE.json

``make coverage-whole`` calls it with the JSON report that pytest-cov wrote; it prints them, by file and function.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ERRORS: Final = frozenset({"Halt", "Retryable", "Denied", "Unsettled", "Unreadable"})
"""The two, and the kinds of Retryable and Halt that the transport tells apart."""

PACKAGE: Final = Path(__file__).parent.parent / "exchange"


@dataclass(frozen=True)
class Site:
    """``file``: from the tree's root."""

    file: str
    line: int
    function: str
    error: str


def sites(text: str, file: str) -> Iterator[Site]:
    """The places in this source, in its order; a function within another has the inner one's name."""
    found: dict[int, Site] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            for raised in ast.walk(node):
                if isinstance(raised, ast.Raise) and isinstance(raised.exc, ast.Call):
                    error = ast.unparse(raised.exc.func).rpartition(".")[2]
                    if error in ERRORS:
                        found[raised.lineno] = Site(file, raised.lineno, node.name, error)
    yield from (found[line] for line in sorted(found))


@cache
def all_sites() -> tuple[Site, ...]:
    root = PACKAGE.parent
    return tuple(
        site
        for path in sorted(PACKAGE.rglob("*.py"))
        for site in sites(path.read_text("utf-8"), path.relative_to(root).as_posix())
    )


def unreached(report: Path) -> list[Site]:
    """Those that the report's run has not executed."""
    files = json.loads(report.read_text("utf-8"))["files"]
    ran = {name: frozenset(each["executed_lines"]) for name, each in files.items()}
    return [site for site in all_sites() if site.line not in ran.get(site.file, frozenset())]


def main(report: str) -> None:
    left = unreached(Path(report))
    for site in left:
        sys.stdout.write(f"{site.file}:{site.line} {site.function}: {site.error}\n")
    sys.stdout.write(f"{len(left)} of {len(all_sites())} places that say Halt or Retryable were reached by no test\n")


if __name__ == "__main__":
    main(sys.argv[1])
