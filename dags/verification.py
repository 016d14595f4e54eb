"""Each night: hold the register against its ledger, and a part of the archive against the register."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from household.notifier import OfficeNotifier
from household.tasks import OFFICE_ARGS, in_office
from pendulum import datetime

PAGE = """
### 核对 · verification

每夜核对登记簿各表、流水和各日检查点，并按摘要核对三十分之一的档案文件（30 夜一轮）。不符即失败并告警：保全现场，按《运行手册》“登记簿被改动”处理；不要反复清除重跑。
Holds the register's tables, its ledger and the kept checkpoints against each other, and a thirtieth of the kept files against their hashes. Where something differs the
task fails and says what: secure what is there and follow the operations guide; clearing it again changes nothing.

设置了 `[timestamps]` 的，为前一日的检查点取可信时间戳。With `[timestamps]` in the settings the checkpoint of each day that is over is stamped by the authority.

手工 by hand: `exchange register verify --deep`
"""


@dag(
    dag_id="verification",
    dag_display_name="核对 · verification",
    description="每夜核对登记簿、流水和档案 holds register, ledger and archive against each other each night",
    schedule="20 4 * * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    default_args=OFFICE_ARGS
    | {
        "retries": 1,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": OfficeNotifier(),
    },
    doc_md=PAGE,
    tags=["exchange", "每夜 nightly"],
    is_paused_upon_creation=False,
)
def verification() -> None:
    @task(task_display_name="登记簿 register")
    def register() -> int:
        from exchange.operation.verification import verify_register

        return in_office(verify_register)[0]

    @task(task_display_name="档案 archive", trigger_rule="all_done")
    def archive() -> int:
        from exchange.operation.verification import verify_tonights_archive

        return in_office(verify_tonights_archive)

    @task(task_display_name="时间戳 stamp")
    def stamp() -> list[str]:
        from exchange.operation.timestamps import stamp_days

        return in_office(stamp_days)

    register() >> [archive(), stamp()]


verification()
