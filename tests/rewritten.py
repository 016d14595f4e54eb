"""A plugin of runs with several processes: the tests' assertions are rewritten once, before any of them collects.

pytest rewrites each assertion so that a failure says what was compared, and keeps the outcome beside the file. All
processes of a run collect at the same time: in a new checkout each of them rewrote all files for itself, 4 s of
processor each. Where Python may write no bytecode nothing is kept, nor here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import (
    PYC_TAIL,
    _read_pyc,
    _rewrite_test,
    _write_pyc,
    assertstate_key,
    get_cache_dir,
    try_makedirs,
)

TESTS = Path(__file__).parent


def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """In the process that shares the tests out, before it starts the others."""
    if not sys.dont_write_bytecode:
        for file in files():
            rewrite(file, config)


def files() -> Iterator[Path]:
    """Those whose assertions pytest rewrites."""
    for pattern in ("test_*.py", "conftest.py"):
        yield from TESTS.rglob(pattern)


def rewrite(file: Path, config: pytest.Config) -> None:
    """Writes what pytest reads instead of the file, unless it is there already, of the same source."""
    folder = get_cache_dir(file)
    kept = folder / f"{file.stem}{PYC_TAIL}"
    if try_makedirs(folder) and _read_pyc(file, kept) is None:
        source_hash, code = _rewrite_test(file, config)
        _write_pyc(config.stash[assertstate_key], code, source_hash, kept)
