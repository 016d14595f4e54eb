"""Read by every Airflow component as it starts; stands in ``$AIRFLOW_HOME/config``.

Tasks are forks of the local executor's scheduler or of a Celery worker. What is imported here once is there in each of
them, in memory that they share: a task begins its own work after 1 s instead of 7 s (measured, 2 cores; Great
Expectations alone takes 5 s to import). Nobody else needs it: DAG files import it inside of their tasks.

Things are only imported, nothing of them is run: a thread pool that was started before a fork is dead after it. The
package keeps to that (``tests/airflow/test_warm_imports.py``). After an update of the package they are started again.
"""

import gc
import sys

import psycopg

# By psycopg 2's ``pgcode`` Airflow knows that somebody else has a lock, and comes again; psycopg 3 says ``sqlstate``.
# Without this its scheduler ends where a pool is changed while it looks at the pools, and so does one of two schedulers
# (``airflow.utils.sqlalchemy.is_lock_not_available_error``, Airflow 3.3).
psycopg.Error.pgcode = property(lambda error: error.sqlstate)

WORKER = {"celery", "worker"} <= set(sys.argv)

if "scheduler" in sys.argv or WORKER:
    import airflow.sdk.execution_time.supervisor  # noqa: F401
    import pandas  # noqa: F401
    import paramiko  # noqa: F401
    import pyarrow.csv  # noqa: F401
    from airflow.sdk import task
    from airflow.sdk.api.client import Client

    import exchange.base.explained
    import exchange.base.silence
    import exchange.intake.lookout
    import exchange.intake.resident
    import exchange.intake.starting
    import exchange.pipeline
    import exchange.status.publish
    import exchange.watch.all_watches
    import exchange.watch.run_note  # noqa: F401
    from exchange.intake.stopping import stop
    from exchange.validate.gate import library

    library()
    _ = task.python  # the decorator is imported when it is first named
    Client(base_url="http://localhost", token="").close()  # reads the authorities' certificates, once: 2 MiB each
    # Airflow freezes what is there while it forks and thaws it then, so that its next collection would write to, and so
    # copy, all that it shares with its forks (100 MiB, measured). It is there until the end in any case.
    gc.unfreeze = lambda: None

    # Who stops waits for its tasks and starts none meanwhile, also where it failed: a lookout goes at once.
    if WORKER:
        from celery.signals import worker_shutting_down

        worker_shutting_down.connect(lambda **_: stop(), weak=False)
    else:
        from airflow.executors.local_executor import LocalExecutor

        wait_for_tasks = LocalExecutor.end

        def end(executor: LocalExecutor) -> None:
            stop()
            wait_for_tasks(executor)

        LocalExecutor.end = end
