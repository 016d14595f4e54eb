"""Two who do the same at once: the first goes on when the second is done, or waits for it."""

from __future__ import annotations

from threading import Thread

from sqlalchemy import Engine, text

from exchange.demo.servers.processes import wait_for

SECONDS = 60


def start_beside(beside: Thread, engine: Engine) -> None:
    """Starts the second, and returns when it has ended or waits for a lock of the database."""

    def ended_or_waits() -> bool:
        with engine.connect() as looking:
            waits = looking.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
        return bool(waits) or not beside.is_alive()

    beside.start()
    assert wait_for(ended_or_waits, SECONDS)
