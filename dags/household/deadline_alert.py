"""The deadline alert of a batch's run: at the end of its due day, look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from household.tasks import in_the_name_of


def look_now(**_: Any) -> None:
    """Airflow's callback: writes down what holds by the register. ``deadline_watch`` sends it: Airflow lets no callback
    read a connection.
    """
    from exchange.watch.deadlines import watch_deadlines

    in_the_name_of("airflow:batch.deadline", watch_deadlines)


def alert() -> DeadlineAlert | None:
    """None where Airflow was not told of our plugins: one waker less, ``deadline_watch`` does not need it."""
    try:
        from due_day import DueDay
    except ImportError:
        return None
    return DeadlineAlert(reference=DueDay(), interval=timedelta(0), callback=SyncCallback(look_now))
