"""Each night: destroy what is kept of ended batches and is past its time."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from household.notifier import OfficeNotifier
from household.tasks import OFFICE_ARGS, in_office
from pendulum import datetime

PAGE = """
### 销毁 · retention

每夜销毁已过保管期限的原件、结果、回执等文件（`exchange.toml` 的 `[retention]`，协议可另定）；登记簿的各行保留，销毁记入流水。被保全（`exchange retention hold`）的批次、有异议未办结的批次、
其他批次仍在用的文件不销毁。任务可随时清除重跑。
Destroys originals, results and records past their time, as settings and agreements say; the register's lines stay and the ledger says what went. Nothing of a batch
that is held, or to which an open objection is made; no file that another batch lives by. May be cleared at any time.

到期清单 what is due: `exchange retention run --dry-run`
"""


@dag(
    dag_id="retention",
    dag_display_name="销毁 · retention",
    description="每夜销毁已过保管期限的文件 destroys each night what is past its time",
    schedule="50 3 * * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    default_args=OFFICE_ARGS
    | {
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": OfficeNotifier(),
    },
    doc_md=PAGE,
    tags=["exchange", "每夜 nightly"],
    is_paused_upon_creation=False,
)
def retention() -> None:
    @task(task_display_name="销毁 destroy")
    def destroy() -> dict[str, int]:
        from exchange.retention import run

        return dict(in_office(run))

    destroy()


retention()
