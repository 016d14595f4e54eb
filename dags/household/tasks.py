"""What the DAG files share: a step of the package run as an Airflow task, its errors told in Airflow's words.

Rules: Retryable fails the try and Airflow tries again; Halt fails the task at once, for a person; a refusal is no
error, its receipt has gone out. Work outside of the immediate lane gives way to it. Nothing but a batch id, counts and
sentences without values goes back to Airflow.

What the package computes with is imported where a task runs, here and in the DAG files: the DAG processor reads them
and runs none of them, and a scheduler has it imported before it forks (``docker/airflow_local_settings.py``).

Why a try ended: it is logged as two lines, Chinese and English, which say who goes on: Airflow, the next run, or after
the last try a person. It is left where the board finds it (``TOLD``); without the frames of Airflow's own calls, for
which it ends by SystemExit: Airflow logs the trace of every other end.
What is left there is shown and decides nothing; it goes when the task is run again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
    ErrorType,
)
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DagRunResult, ErrorResponse, GetDagRun, TriggerDagRun

from exchange.base import silence
from exchange.base.errors import ExchangeError, Halt, Retryable, without_values
from exchange.base.explained import Explanation, explained

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from exchange.app import App

log = logging.getLogger(__name__)

TOLD: Final = "told"
"""The XCom in which a try that ended leaves why: ``code``, of ``schemas/troubles.toml``, and ``en``, the sentence."""


class Ended(SystemExit):
    """The try has ended for something outside; Airflow tries again."""


class Stopped(Ended):
    """The task waits for a person."""


OFFICE_ARGS: Final[dict[str, Any]] = {
    "owner": "户政 household",
    "retry_policy": ExceptionRetryPolicy([RetryRule(Stopped, RetryAction.FAIL, reason="a person must look")]),
}
"""For every task."""

RETRY_ARGS: Final[dict[str, Any]] = OFFICE_ARGS | {
    "retries": 8,  # with these pauses the last try comes after more than the patience with incomplete sets
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
    "weight_rule": "absolute",
}
"""For tasks that talk to servers. All weigh the same: by Airflow's own rule what others depend on comes first, so that
the first tasks of runs that are tried again and again hold up the last ones of all others.
"""

MOST_RUNS: Final = 1024
"""Of a DAG with a run for each batch or release: one that waits for a partner's server is active all the while, and
holds up no other partner's. How much is at work at a time the pools say.
"""

BULK_POOL: Final[dict[str, Any]] = {"pool": "bulk"}
"""For tasks that take much of the machine."""

_IMMEDIATE: Final = frozenset({"lookout", "immediate"})
_GIVING_WAY: Final = 10
"""The niceness of every other task: on two cores a million rows then cost the lane some tenths of a second (ADR 17)."""

_ENDS_THE_TRY: Final = (AirflowTaskTimeout, AirflowTaskTerminated)
"""What Airflow raises inside a step from outside; its texts are its own."""

_CLEAR: Final = ("处理后清除（Clear）此任务。", "When it is in order, clear this task.")
_LOOKED_AT_ANEW: Final = (
    "处理后不必清除此任务，下一次运行重新查看。",
    "When it is in order the next run finds it so; this task, cleared, says the same again.",
)

_LONGEST: Final = 1000
"""Characters of a sentence that are left for the board; the log has all of it."""

_ENDED_WELL: Final = "success"
_FAILED: Final = "failed"

T = TypeVar("T")
E = TypeVar("E", bound=Ended)


def in_office(step: Callable[[App], T]) -> T:
    """Runs a step in the opened office, in the name of this task."""
    instance = get_current_context()["ti"]
    if instance.dag_id not in _IMMEDIATE:
        os.setpriority(os.PRIO_PROCESS, 0, _GIVING_WAY)  # threads that are started from here on inherit it
    actor, comes_again = f"airflow:{instance.dag_id}.{instance.task_id}#{instance.try_number}", _comes_again(instance)
    try:
        return _opened(actor, step, comes_again=comes_again)
    except Retryable as error:
        raise _ended(error, instance) from None
    except ExchangeError as error:  # whatever refuses after the receipt is for a person
        raise _stopped(f"{error}", explained(error)) from None


def in_the_name_of(actor: str, step: Callable[[App], T]) -> T:
    """Runs a step in the opened office where there is no task; its errors are told in Airflow's words."""
    try:
        return _opened(actor, step)
    except Retryable as error:
        raise AirflowException(str(error)) from None
    except ExchangeError as error:
        raise AirflowFailException(str(error)) from None


def _comes_again(instance: RuntimeTaskInstanceProtocol) -> bool:
    """Whether Airflow tries again by itself what this try does not do."""
    return instance.try_number <= instance.max_tries


def _opened(actor: str, step: Callable[[App], T], *, comes_again: bool = False) -> T:
    from exchange.app import App

    silence.install()
    with silence.native_code_muted(), without_values(*_ENDS_THE_TRY), App.open(actor) as app:
        app.comes_again = comes_again
        return step(app)


def a_person_must_look(troubles: Sequence[str]) -> Stopped:
    """Ends a task that only tells what is in trouble: whoever cleared it would be told the same again, of then."""
    return _stopped("; ".join(troubles), explained(Halt()), _LOOKED_AT_ANEW)


def _ended(error: Retryable, instance: RuntimeTaskInstanceProtocol) -> Ended:
    why, tries = explained(error), instance.try_number
    if _comes_again(instance):
        log.warning("暂时受阻，会自动重试：%s。%s。", why.zh, why.todo_zh)
        log.warning("will be tried again: %s", error)
    elif not instance.task.retries:  # of a DAG that has a schedule
        log.warning("暂时受阻，下一次运行再做：%s。%s。", why.zh, why.todo_zh)
        log.warning("the next run does it: %s", error)
    else:
        log.error(
            "须人工处理：试了 %d 次未成，不再自动重试：%s。%s。恢复后清除（Clear）此任务。", tries, why.zh, why.todo_zh
        )
        log.error(
            "a person must look: %s. It was tried %d times and is not tried again by itself; when it is over, "
            "clear this task.",
            error,
            tries,
        )
    return _left(Ended(f"{error}"), why)


def _stopped(summary: str, why: Explanation, then: tuple[str, str] = _CLEAR) -> Stopped:
    is_none = why.code == "run_id"
    zh, en = then
    log.error("须人工处理：%s。%s。%s", why.zh, why.todo_zh, "" if is_none else zh)
    log.error("a person must look: %s. %s", summary, why.todo_en if is_none else en)
    return _left(Stopped(summary), why)


def _left(end: E, why: Explanation) -> E:
    """Leaves the sentence for the board; where that cannot be, the log has it."""
    with suppress(Exception):
        get_current_context()["ti"].xcom_push(TOLD, {"code": why.code, "en": str(end.code)[:_LONGEST]})
    return end


def run_step(step: Callable[[App, str], T]) -> T:
    """Runs a step of ``exchange.pipeline`` for the batch of this run: the run id is the batch id."""
    batch_id = get_current_context()["run_id"]
    log.info("%s: begins", batch_id)

    def of_batch(app: App) -> T:
        from exchange import pipeline

        try:
            return step(app, batch_id)
        except Halt:
            pipeline.check_known(app, batch_id)
            raise

    return in_office(of_batch)


def start_run(app: App, dag_id: str, run_id: str, batch_id: str | None = None) -> bool:
    """Starts a run from inside a task, with a note of the batch that it is about, whose id the run's is where none is
    named; whether there is one now. What cannot be started, is started within the minute by who looks each minute.
    Airflow has no public call for it: this is what its own operator sends, without ending the task.
    """
    from exchange.watch.run_note import run_note

    answer = _asked(run_id, TriggerDagRun(dag_id=dag_id, run_id=run_id, note=run_note(app, batch_id or run_id)))
    there = not isinstance(answer, ErrorResponse) or answer.error is ErrorType.DAGRUN_ALREADY_EXISTS
    if there:
        log.info("%s: %s has a run", run_id, dag_id)
    return there


def take_up_run(app: App, dag_id: str, run_id: str) -> str:
    """Likewise of a batch that stands still; what is in the way, in a sentence, empty where nothing is. A run that has
    ended well is cleared: the register says that its batch has not, and it decides (Airflow's database may be of
    another moment than the register's, or somebody marked the run); and so is one that ended before its batch came in.
    One that is at work is left alone, and one that failed: it waits for a person. One of a date to come, which somebody
    made by hand, begins nothing before it, and no other run may be called as it is: a person removes it.
    """
    not_started = f"{run_id}: its run could not be started"
    if not start_run(app, dag_id, run_id):
        return not_started
    run = _asked(run_id, GetDagRun(dag_id=dag_id, run_id=run_id))
    if not isinstance(run, DagRunResult):
        return not_started
    begins = max(run.run_after, run.logical_date or run.run_after)
    if run.state not in (_ENDED_WELL, _FAILED) and begins > app.now():
        log.warning("%s：其运行的日期在将来，到时才执行；请将该运行标记为失败并删除，随后自动另启动一个", run_id)
        when = f"{begins:%Y-%m-%d %H:%M}"
        return f"{run_id}: its run begins not before {when}; mark it failed and delete it, another one begins by itself"
    if run.state != _ENDED_WELL and not _ended_before(app, run):
        return ""
    log.warning("%s: its run has ended and its batch has not: it is cleared", run_id)
    cleared = _asked(run_id, TriggerDagRun(dag_id=dag_id, run_id=run_id, reset_dag_run=True))
    return not_started if isinstance(cleared, ErrorResponse) else ""


def _ended_before(app: App, run: DagRunResult) -> bool:
    """Whether a run that failed had ended when its batch came in: somebody had started it too early."""
    claimed = app.register.transitions(run.run_id)[0].at
    return run.state == _FAILED and run.end_date is not None and run.end_date < claimed


def _asked(run_id: str, message: Any) -> Any:
    """What the API server answers through this task's supervisor; whatever it has against it, the task goes on."""
    try:
        answer = task_runner.SUPERVISOR_COMMS.send(message)
    except Exception as error:
        log.warning("%s: Airflow did not answer (%s); asked again within the minute", run_id, type(error).__name__)
        return ErrorResponse(error=ErrorType.GENERIC_ERROR)
    if isinstance(answer, ErrorResponse) and answer.error is not ErrorType.DAGRUN_ALREADY_EXISTS:
        log.warning("%s: Airflow refused (%s); asked again within the minute", run_id, answer.error)
    return answer
