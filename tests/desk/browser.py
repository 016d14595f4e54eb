"""The page in a real Chromium or Firefox, opened from disk."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.desk.node import run

BROWSERS: Final = {"chromium": "chromium", "firefox": "firefox-esr"}
"""Each with Debian's package and program."""


def picture(name: str, folder: Path) -> dict[str, Any]:
    """The step that takes a picture of the whole page: for the guide, where ``DESK_PICTURES`` says so."""
    place = Path(os.environ.get("DESK_PICTURES", folder))
    return {"do": "screenshot", "to": str(place / f"desk-{name}.png"), "full": True}


@dataclass(frozen=True)
class Driven:
    """What each step gave, the addresses that the page asked for, what its console said of errors, what axe found."""

    gave: list[Any]
    requests: list[str]
    errors: list[str]
    violations: list[Any]


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
    program = BROWSERS[browser]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    downloads.mkdir(exist_ok=True)
    given = {"page": str(page), "downloads": str(downloads), "width": width, "height": height, "steps": steps}
    given |= {"browser": browser, "axe": browser == "chromium"}
    driven = Driven(**json.loads(run("browser.mjs", given=json.dumps(given))))
    assert driven.violations == []
    assert all(address.startswith(("file://", "blob:", "data:")) for address in driven.requests), driven.requests
    assert driven.errors == []
    return driven
