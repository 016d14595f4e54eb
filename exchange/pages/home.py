"""The first page: what the reader may open; and a run in Airflow, led to its batch's page."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.pages.asked import PageRequest


def start(asked: PageRequest) -> Response:
    """The start page."""
    return asked.page("start.html")


def run(asked: PageRequest) -> Response:
    """The run id is the batch id, or a release's name, which begins with it."""
    batch_id = asked.request.path_params["run_id"].partition(".release-")[0]
    if asked.app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    return asked.see(f"/batch/{quote(batch_id)}")


PAGES: Final = {"start": start, "run": run}
