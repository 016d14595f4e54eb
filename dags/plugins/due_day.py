"""The due day of a batch as the reference of an Airflow deadline alert, used by ``dags/batch.py``.

Rules
- Airflow asks it once, in the API server, when it creates the run; what it says stays, while the register's due day may
  move. So the alert only says when to look, and its callback asks the register what holds (decision 14).
- Whatever is in the way (no settings, no database, an unknown batch), there is no alert and the run is created all the
  same: ``deadline_watch`` sees every due day anyway.
"""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineReference, deadline_reference

log = logging.getLogger(__name__)


@deadline_reference(DeadlineReference.TYPES.DAGRUN_CREATED)
class DueDay(BaseDeadlineReference):
    """The end of the day on which the batch is due, as it is counted when its run is created; None: no alert."""

    required_kwargs: ClassVar[set[str]] = {"run_id"}

    def _evaluate_with(self, *, session: Any, run_id: str) -> datetime | None:  # noqa: ARG002  (Airflow's own)
        try:
            return _end_of_due_day(run_id)
        except Exception as error:  # a batch must start whatever is wrong with its alert
            log.warning("%s: no deadline alert (%s)", run_id, type(error).__name__)
            return None


def _end_of_due_day(batch_id: str) -> datetime:
    from exchange.app import App  # only where it is asked: every component of Airflow loads this file
    from exchange.calendar.working_days import OFFICE_ZONE
    from exchange.watch.deadlines import due_of

    with App.open("airflow:batch.deadline") as app:
        due = due_of(app, app.register.batch(batch_id), app.register.clock.stops(batch_id))
    return datetime.combine(due.day + timedelta(days=1), time(), OFFICE_ZONE)


class ExchangePlugin(AirflowPlugin):
    name = "exchange"
    deadline_references = [DueDay]  # noqa: RUF012  (Airflow's own)
