"""The pages' own server, for one reader whom a header names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread

import uvicorn
from fastapi import Request

from exchange.app import App
from exchange.pages.access import Account
from exchange.pages.application import make_application
from exchange.pages.asked import PageContext


@contextmanager
def served(app: App) -> Iterator[str]:
    """The pages on a port of loopback, a header naming who asks; the address."""

    def who(request: Request) -> Account:
        return Account(request.headers["x-login"], since=datetime.now(UTC))

    application = make_application(PageContext(app, dict), who)
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
