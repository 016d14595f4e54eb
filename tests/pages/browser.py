"""The pages in a real Chromium, as somebody who is logged in, by the steps of ``desk/test/browser.mjs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.desk.browser import DRIVER, Driven
from tests.pages.conftest import Pages

LOGGED_OUT: dict[str, Any] = {"do": "headers", "headers": {}}


def logged_in(login: str) -> dict[str, Any]:
    return {"do": "headers", "headers": {"x-login": login}}


def opened(pages: Pages, path: str) -> dict[str, Any]:
    return {"do": "open", "address": f"{str(pages.client.base_url).rstrip('/')}{path}"}


def drive(pages: Pages, login: str, path: str, place: Path, *steps: dict[str, Any]) -> Driven:
    """Opens the page as this account and runs the steps; nothing was asked of another server."""
    page, base = opened(pages, path)["address"], str(pages.client.base_url)
    driven = DRIVER.driven("chromium", page=page, downloads=str(place), headers={"x-login": login}, steps=steps)
    assert all(address.startswith((base, "data:")) for address in driven.requests), driven.requests
    return driven
