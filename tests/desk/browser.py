"""The page in a real Chromium or Firefox, opened from disk; one node drives all pages of this process."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Final

import pytest

from tests.desk.node import DESK, SECONDS, node

BROWSERS: Final = {"chromium": "chromium", "firefox": "firefox-esr"}
"""Each with Debian's package and program."""


def picture(name: str) -> list[dict[str, Any]]:
    """The step that takes a picture of the whole page for the guide, into ``DESK_PICTURES``; none where nobody wants
    one.
    """
    folder = os.environ.get("DESK_PICTURES")
    return [{"do": "screenshot", "to": f"{folder}/desk-{name}.png", "full": True}] if folder else []


@dataclass(frozen=True)
class Driven:
    """What each step gave, the addresses that the page asked for, what its console said of errors, what axe found."""

    gave: list[Any]
    requests: list[str]
    errors: list[str]
    violations: list[Any]


class Driver:
    """``desk/test/browser.mjs``, which lasts with its browsers until this process ends, or until it has hung."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[str] | None = None
        atexit.register(self._end)

    def driven(self, browser: str, **job: Any) -> Driven:
        """What came of one job in a fresh profile; skips where the browser is not installed."""
        program = BROWSERS[browser]
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {program}")
        answer = self._answer(json.dumps(job | {"browser": browser}))
        assert "failed" not in answer, answer["failed"]
        return Driven(**answer)

    def _answer(self, job: str) -> dict[str, Any]:
        running = self._started()
        assert running.stdin is not None
        assert running.stdout is not None
        limit = Timer(SECONDS, running.kill)
        limit.start()
        try:
            running.stdin.write(f"{job}\n")
            running.stdin.flush()
            line = running.stdout.readline()
        finally:
            limit.cancel()
            limit.join()  # who forks after this has no thread but its own
        assert line, f"it ended, or answered nothing in {SECONDS} s"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._running is None or self._running.poll() is not None:
            command, pipe = [node(), str(DESK / "test" / "browser.mjs")], subprocess.PIPE
            self._running = subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8")
        return self._running

    def _end(self) -> None:
        """It closes its browsers when its input ends."""
        if self._running is not None:
            self._running.communicate(timeout=SECONDS)


DRIVER: Final = Driver()


def drive(
    page: Path,
    downloads: Path,
    *steps: dict[str, Any],
    width: int = 1366,
    height: int = 768,
    browser: str = "chromium",
) -> Driven:
    """Runs the steps (``desk/test/browser.mjs``) on the page; nothing was asked of any network, and however the steps
    leave the page, axe finds nothing (in Chromium, where the page's own policy does not keep it out).
    """
    downloads.mkdir(exist_ok=True)
    given = {"page": str(page), "downloads": str(downloads), "width": width, "height": height, "steps": steps}
    driven = DRIVER.driven(browser, **given, axe=browser == "chromium")
    assert driven.violations == []
    assert all(address.startswith(("file://", "blob:", "data:")) for address in driven.requests), driven.requests
    assert driven.errors == []
    return driven
