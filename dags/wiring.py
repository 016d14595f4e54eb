"""What the DAG files share: a step of the package run as an Airflow task, its errors told in Airflow's words.

Rules: Retryable fails the try and Airflow tries again; Halt fails the task at once, for a person; a refusal is no
error, its receipt has gone out. Nothing but a batch id, counts and sentences without values goes back to Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from exchange.errors import Halt, Refused, Retryable, without_values
from exchange.office import Office

log = logging.getLogger(__name__)
logging.getLogger("paramiko").setLevel(logging.WARNING)  # its own words would drown ours in a task's log

PATIENT: Final[dict[str, Any]] = {
    "retries": 8,  # with these pauses the last try comes after more than the patience with incomplete sets
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}
"""For tasks that talk to servers."""

T = TypeVar("T")


def in_office(step: Callable[[Office], T]) -> T:
    """Runs a step in the opened office, in the name of this task."""
    instance = get_current_context()["ti"]
    return in_the_name_of(f"airflow:{instance.dag_id}.{instance.task_id}#{instance.try_number}", step)


def in_the_name_of(actor: str, step: Callable[[Office], T]) -> T:
    """Runs a step in the opened office, in the name of whoever answered in Airflow's pages."""
    try:
        with without_values(), Office.open(actor) as office:
            return step(office)
    except Retryable as error:
        log.warning("will be tried again: %s", error)
        raise AirflowException(str(error)) from None
    except (Halt, Refused) as error:  # whatever refuses after the receipt is for a person
        log.error("a person must look: %s. When it is in order, clear this task.", error)
        raise AirflowFailException(str(error)) from None


def run_step(step: Callable[[Office, str], T]) -> T:
    """Runs a step of ``exchange.pipeline`` for the batch of this run: the run id is the batch id."""
    batch_id = get_current_context()["run_id"]
    return in_office(lambda office: step(office, batch_id))
