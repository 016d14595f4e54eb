"""The pages in a real Chromium, as somebody who is logged in, by the steps of ``desk/test/browser.mjs``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.desk.browser import Driven
from tests.desk.node import run
from tests.pages.conftest import Pages

LOGGED_OUT: dict[str, Any] = {"do": "headers", "headers": {}}


def logged_in(login: str) -> dict[str, Any]:
    return {"do": "headers", "headers": {"x-login": login}}


def opened(pages: Pages, path: str) -> dict[str, Any]:
    return {"do": "open", "address": f"{str(pages.client.base_url).rstrip('/')}{path}"}


def drive(pages: Pages, login: str, path: str, place: Path, *steps: dict[str, Any]) -> Driven:
    """Opens the page as this account and runs the steps; nothing was asked of another server."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    page, base = opened(pages, path)["address"], str(pages.client.base_url)
    given = {"page": page, "downloads": str(place), "headers": {"x-login": login}, "steps": steps}
    driven = Driven(**json.loads(run("browser.mjs", given=json.dumps(given))))
    assert all(address.startswith((base, "data:")) for address in driven.requests), driven.requests
    return driven
