"""A lookout ends soon where whoever runs it stops."""

from __future__ import annotations

import mmap
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.processes import wait_for
from exchange.intake import stopping
from exchange.intake.lookout import monitor
from exchange.intake.scan import FolderScan

Ask = Callable[..., Request]

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


@pytest.mark.parametrize("seconds", [LONG, 0.5])
def test_what_it_is_claiming_as_it_ends_is_told(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Else the set would be claimed, and left to the poll of the next minute: where it is stopped, and where its shift
    ends.
    """
    claim, begun, request = FolderScan.claim_if_complete, threading.Event(), ask()

    def slowly(scan: FolderScan, stem: str) -> str | None:
        begun.set()
        time.sleep(3)
        return claim(scan, stem)

    monkeypatch.setattr(FolderScan, "claim_if_complete", slowly)
    court.drop(court.make_set(request))
    ends = stopping.stop if seconds == LONG else lambda: None
    claimed = [batch for batch, _ in monitor(app, seconds, between=lambda: begun.wait(WAIT_SECONDS) and ends())]
    known = {batch.id for batch in app.register.batches()}
    assert set(claimed) == {request.batch} & known != set()


def test_a_lookout_whose_runner_was_killed_ends(app: App, tmp_path: Path) -> None:
    """As where the machine's memory was full: Airflow begins another one within five minutes, which is not to find it
    on duty, since it can start no run any more.
    """
    began, ended = tmp_path / "began", tmp_path / "ended"

    def watch() -> None:
        app.register.engine.dispose(close=False)
        try:
            list(monitor(app, WAIT_SECONDS, between=began.touch))
        finally:
            ended.touch()
            os._exit(0)

    if (runner := os.fork()) == 0:
        if os.fork() == 0:
            watch()
        signal.pause()
    assert wait_for(began.exists, WAIT_SECONDS)
    os.kill(runner, signal.SIGKILL)
    os.waitpid(runner, 0)
    assert wait_for(ended.exists, WAIT_SECONDS / 4), "it goes on"


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
