"""Whether this server is healthy, in a word: for load balancers and containers, who have no account."""

from __future__ import annotations

from typing import Final

from fastapi.responses import PlainTextResponse

from exchange.pages.asked import Office


def health(office: Office) -> PlainTextResponse:
    """200 ``ok``, or 503; what is wrong stands in ``exchange health``, which the machine's own accounts may run."""
    if office.health.serving():
        return PlainTextResponse("ok\n")
    return PlainTextResponse("not ok\n", 503)


PAGES: Final = {"health": health}
