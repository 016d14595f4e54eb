"""Airflow's tasks on Celery workers instead of in the scheduler: what is set, and how a worker is started.

Rules: workers share with each other the office's home, the register and Airflow's logs, and nothing else; a worker may
be killed at any moment and its task is tried again elsewhere. Messages are acknowledged when a task has ended. What
detects a dead worker is the scheduler, by the missing heartbeat of its task; Redis hands a message out again only after
``VISIBLE_AGAIN_SECONDS``, longer than any task may run, and Airflow's API then lets nobody begin it a second time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from exchange.demo.servers.redis import Redis

VISIBLE_AGAIN_SECONDS: Final = 3 * 3600
"""Above ``dags/household/tasks.py``'s execution timeout of two hours: a message that came back sooner would wake a
second worker for nothing."""

Settings = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Celery:
    """``workers`` processes of ``concurrency`` tasks each, together as many as the pools have slots: what waits then
    waits in Airflow's database, where priorities are seen, and not in Redis. ``database_url``: SQLAlchemy's, for the
    results.

    ``heartbeat_seconds``: after how long without a sign of life a task counts as dead (Airflow's own choice is 300).
    """

    broker: Redis
    database_url: str
    workers: int = 2
    concurrency: int = 1
    heartbeat_seconds: int = 300

    def settings(self) -> Settings:
        """What stands in ``airflow.cfg`` beside, or in the place of, the rest."""
        return {
            "core": {"executor": "CeleryExecutor"},
            "celery": {
                "broker_url": self.broker.url,
                "result_backend": f"db+{self.database_url}",
                "worker_concurrency": self.concurrency,
                "worker_prefetch_multiplier": 1,
                "task_acks_late": True,
                "sync_parallelism": 1,  # the scheduler sends by itself: a process for each message costs more
                "operation_timeout": 10,  # seconds; Airflow's one second is short where all share two cores
            },
            "celery_broker_transport_options": {"visibility_timeout": VISIBLE_AGAIN_SECONDS},
            "scheduler": {"task_instance_heartbeat_timeout": self.heartbeat_seconds},
        }

    def commands(self) -> dict[str, list[str]]:
        """Name → command line of each worker. None of them listens: their logs lie on the shared file system. Where
        there are several lookouts (``EXCHANGE_LOOKOUTS``), each takes the one of its number.
        """
        options = ["--skip-serve-logs", "--without-mingle", "--without-gossip", "--concurrency", str(self.concurrency)]
        worker = [sys.executable, "-m", "airflow", "celery", "worker", *options]
        return {
            name: [*worker, "--celery-hostname", name, "--queues", f"default,lookout-{number}"]
            for number, name in enumerate(self.names(), 1)
        }

    def names(self) -> list[str]:
        """The workers' names."""
        return [f"worker-{number}" for number in range(1, self.workers + 1)]
