"""For half an hour: look into the folders of partners that may ask ad hoc each half second, claim what is complete, start
its run and have small ad hoc sets answered at once by processes beside it. A run begins every five minutes; where one
is on duty its task is skipped at once.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException
from household.tasks import OFFICE_ARGS, in_office, start_run

if TYPE_CHECKING:
    from exchange.app import App

LOOKOUTS = int(os.environ.get("EXCHANGE_LOOKOUTS", "1"))
SECONDS = 1820.0 if LOOKOUTS == 1 else 320.0  # at most: see exchange/intake/shifts.py

PAGE = """
### 值守 · lookout

一直有一个运行在值守：与每个可提临时请求的部门保持一个 SFTP 连接，约每半秒看一次，齐全的请求立即登记并启动 `immediate`（大的或定期的启动 `batch`）。每逢整点、半点换班，交接时短暂有两个；每五分钟开始一个运行，有人在岗的随即结束（任务为 *skipped*），无人在岗的接班。改了设置、密钥、工作日或增减协议，或三分钟无人收件（`collect`），下一个五分钟换班：数据库重启之后，调度器要等值守结束才能重新启动。
One run is always on duty: it keeps one SFTP connection open to each partner that may ask ad hoc, looks about each half second, claims
what is complete and starts its run at once. They change over every half hour; then there are two for a while. A run begins every five
minutes: where one is on duty it ends at once (its task is *skipped*), where none is it takes over. Where settings, keys, office days or the list of agreements were changed, or nobody has collected for three
minutes, they change over with the next five: after a restart of the database a scheduler waits for the lookout to end before it can be started again.

小的临时请求由值守旁的常驻进程（`resident_workers` 个）当即答复，答复后其 `immediate` 运行约每三秒开始一个（还有件等着时先答复，至多让五分钟，之后每十五秒一个），核对已办完即结束；常驻进程没有办成的，运行立即开始并办完；来不及办的，下一班的常驻进程接着办。
Small ad hoc sets are answered at once by resident processes beside it; then their runs of `immediate` start, one in three seconds (none while sets wait; what has waited for five minutes, one in fifteen), and find the work done. What
a resident process could not do has its run at once, which does it; what they did not come to is the next lookout's.

环境变量 `EXCHANGE_LOOKOUTS` 大于 1 时，各部门分给几个任务 `watch_1`、`watch_2`……，各有 Celery 队列 `lookout-1`、`lookout-2`……（各由一台工作机取）；一个没有声音 10 秒，其余的代看。
With `EXCHANGE_LOOKOUTS` above 1 the partners are shared among tasks `watch_1`, `watch_2` …, each with a Celery queue of its own,
`lookout-1`, `lookout-2` …, for a worker of its own; where one is silent for 10 s, the others watch its partners, too.

没有它也不会漏：`collect` 每分钟全部查看一遍，失败、暂停或停机只是慢一些。 Nothing is lost without it: `collect` looks each minute.

某部门服务器不通时日志有 `tried again in … s`，其他部门不受影响；`collect` 的 `troubles` 会报告。 A partner's server that does not
answer is tried again, the others are watched; `troubles` of `collect` reports it.
"""


@dag(
    dag_id="lookout",
    dag_display_name="值守 · lookout",
    description="一直查看可提临时请求的部门的目录 looks all the time, for ad hoc requests",
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=2,
    dagrun_timeout=timedelta(seconds=SECONDS + 100),  # what waits for a worker that is gone holds up no later run
    default_args=OFFICE_ARGS
    | {
        "pool": "lookout",
        "priority_weight": 100,
        "weight_rule": "absolute",
        "retries": 0,  # the next one comes anyway
        "execution_timeout": timedelta(seconds=2 * SECONDS),
    },
    doc_md=PAGE,
    tags=["exchange", "收件 intake"],
    is_paused_upon_creation=False,
)
def lookout() -> None:
    @task(task_display_name="值守 watch")
    def watch(number: int) -> None:
        if not in_office(partial(_watch, number)):
            msg = "有人在岗，本次不值守 another lookout is on duty"
            raise AirflowSkipException(msg)

    for number in range(LOOKOUTS):
        apart = {"task_id": f"watch_{number + 1}", "queue": f"lookout-{number + 1}"} if LOOKOUTS > 1 else {}
        watch.override(**apart)(number)


def _watch(number: int, app: App) -> bool:
    """Whether it was on duty; where somebody else is, nothing is done."""
    from exchange.app import App
    from exchange.intake.lanes import Lane
    from exchange.intake.lookout import monitor
    from exchange.intake.owed import OwedRuns
    from exchange.intake.resident import resident_workers
    from exchange.intake.shares import Share
    from exchange.intake.shifts import arrangements, is_on_duty, shift_seconds
    from exchange.intake.starting import RunStarter

    def open_app() -> App:
        return App.open(app.register.actor)

    share, read = Share(number, LOOKOUTS), arrangements(app)
    if is_on_duty(app, share):
        return False
    owed = OwedRuns.of_home(app.settings.home)
    runs = RunStarter(partial(start_run, app), owed)
    with (
        closing(runs),
        resident_workers(open_app, app.settings.policy.resident_workers, owed, runs.start) as workers,
    ):
        for batch_id, lane in monitor(app, shift_seconds(share, time.time()), workers.look, share, read):
            if lane is Lane.IMMEDIATE:
                workers.pass_on(batch_id)
            else:
                runs.start(batch_id, lane)  # where it cannot be started, ``collect`` finds the batch
    return True


lookout()
