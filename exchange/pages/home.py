"""The first page: what the reader may open; and a run in Airflow, led to its batch's page."""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import RedirectResponse, Response

from exchange.pages.asked import Asked


def start(asked: Asked) -> Response:
    return asked.page("start.html")


def run(asked: Asked) -> Response:
    """The run id is the batch id, or a release's name, which begins with it."""
    batch_id = asked.request.path_params["run_id"].partition(".release-")[0]
    if asked.app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    return RedirectResponse(asked.request.url_for("batch", batch_id=batch_id).path, 303)


PAGES: Final = {"start": start, "run": run}
