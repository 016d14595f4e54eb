"""For machines: whether this server is healthy, in a word, without an account, for load balancers and containers; the
metrics, for whoever may see the board.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import PlainTextResponse, Response

from exchange.operation.metrics import exposition
from exchange.pages.asked import PageContext, PageRequest


def health(context: PageContext) -> PlainTextResponse:
    """200 ``ok``, or 503; ``exchange health`` says what is wrong, to accounts of the machine."""
    if context.health.serving():
        return PlainTextResponse("ok\n")
    return PlainTextResponse("not ok\n", 503)


def metrics(asked: PageRequest) -> Response:
    """Prometheus' text form; Prometheus comes with a token of an account of its own (docs/operations.md)."""
    return Response(exposition(asked.context.health), media_type="text/plain; version=0.0.4; charset=utf-8")


OPEN: Final = {"health": health}
PAGES: Final = {"metrics": metrics}
