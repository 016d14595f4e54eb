"""Sends one release that was approved. The run id begins with the release's name.

Airflow finds the operator's page in ``doc_md`` below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import dag, get_current_context, task
from household.runs import release_of
from household.tasks import MOST_RUNS, RETRY_ARGS, in_office

from exchange.base.errors import Halt

if TYPE_CHECKING:
    from exchange.app import App

PAGE = """
### 一次放行 · one release

| 任务 task | 做什么 | what it does |
|---|---|---|
| `send` | 登记簿中已批准的放行：签名加密，放到协作部门目录 | encrypts and delivers a release that the register says was approved |

领导在页面“审批”中批准或退回，登记簿记名；本 DAG 不提问，也不接受任何答复。未批准的放行，无论怎样运行、清除、标记，都不会发出。
Leaders approve on the page *Approval*, in the register, in their own name; nothing is asked or answered here. What was not approved is not sent, whatever is run, cleared or marked.

`send` 失败：看日志中“须人工处理”两行，处理后点 *Clear*。一小时后仍未送达的，自动另启动一个运行。
*failed* `send`: read the two lines *a person must look* of its log, put in order what they say, press *Clear*. What was not delivered an hour later gets another run by itself.
"""


@dag(
    dag_id="release",
    dag_display_name="放行 · release",
    description="一次放行：发出补充答复 one release: its supplementary result",
    schedule=None,
    catchup=False,
    max_active_runs=MOST_RUNS,
    default_args=RETRY_ARGS,
    doc_md=PAGE,
    tags=["exchange", "批次 batches"],
    is_paused_upon_creation=False,
)
def release() -> None:
    @task(task_display_name="发出 send")
    def send() -> None:
        from exchange import pipeline

        release_id = release_of(get_current_context()["run_id"])

        def issue(app: App) -> None:
            try:
                pipeline.issue(app, release_id)
            except Halt:
                pipeline.check_known_release(app, release_id)
                raise

        in_office(issue)

    send()


release()
