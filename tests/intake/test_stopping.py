"""A lookout ends soon where whoever runs it stops."""

from __future__ import annotations

import mmap
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exchange.app import App
from exchange.intake import stopping
from exchange.intake.lookout import monitor

LONG = 600.0
WAIT_SECONDS = 120


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the tests are not stopped."""
    monkeypatch.setattr(stopping, "_STOPPING", mmap.mmap(-1, 1))


def test_a_lookout_ends_long_before_its_shift(app: App) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        watching = beside.submit(list, monitor(app, LONG, between=stopping.stop))
        assert watching.result(WAIT_SECONDS) == []
    assert time.monotonic() - began < LONG / 2


def test_whoever_is_forked_is_told() -> None:
    """By one word to all."""
    child = os.fork()
    if child == 0:
        until = time.monotonic() + WAIT_SECONDS
        while not stopping.is_stopping() and time.monotonic() < until:
            time.sleep(0.05)
        os._exit(0 if stopping.is_stopping() else 1)
    assert not stopping.is_stopping()
    stopping.stop()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
