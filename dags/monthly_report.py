"""Nightly from the 1st to the 5th: the report of the month before, for the office and for outside."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import dag, task
from household.notifier import OfficeNotifier
from household.tasks import OFFICE_ARGS, in_office
from pendulum import datetime

if TYPE_CHECKING:
    from exchange.app import App

PAGE = """
### 月报 · monthly report

每月 1 至 5 日每夜制作上月统计（5 日为期限），写到 `home/reports/YYYY-MM/`：网页和 XLSX，内部（`YYYY-MM`）和对外（`YYYY-MM.outside`，小数不公布）各一份。重做内容相同，只是覆盖。
Made each night from the 1st to the 5th, the day on which it is due: a page and a workbook, for the office and for outside (small counts not shown). Making it
again gives the same.

失败 = 登记库或磁盘的问题，当夜自动重试，次夜再做；5 日后仍缺则 `exchange report monthly YYYY-MM`。 *failed*: tried again by itself, and the next
night; after the 5th by hand.
"""


def _write(app: App) -> list[str]:
    from exchange.supervision.month import month_before
    from exchange.supervision.report import write_reports

    return [path.name for path in write_reports(app, month_before(app.now()))]


@dag(
    dag_id="monthly_report",
    dag_display_name="月报 · monthly report",
    description="每月 1 至 5 日制作上月统计 makes last month's report from the 1st to the 5th",
    schedule="40 4 1-5 * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,  # after a standstill one run makes what the missed ones would have made
    max_active_runs=1,
    default_args=OFFICE_ARGS
    | {
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
        "on_failure_callback": OfficeNotifier(),
    },
    doc_md=PAGE,
    tags=["exchange", "每夜 nightly"],
    is_paused_upon_creation=False,
)
def monthly_report() -> None:
    @task(task_display_name="制作 write")
    def write() -> list[str]:
        return in_office(_write)

    write()


monthly_report()
