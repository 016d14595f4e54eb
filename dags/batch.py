"""One run for each batch; the run id is the batch id.

Airflow finds the operator's page in ``doc_md`` below.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from household.deadline_alert import alert
from household.tasks import BULK_POOL, MOST_RUNS, RETRY_ARGS, run_step

PAGE = """
### 一个批次 · one batch

运行编号就是批次号。The run id is the batch id.

| 任务 task | 做什么 | what it does |
|---|---|---|
| `receive` | 取回请求、存原件、验签、核对协议，发回执（受理或不予受理） | fetches, keeps the original, trusts or refuses, sends the receipt |
| `process` | 比对、脱敏、检查、签名加密 | matches, masks, judges, encrypts |
| `deliver` | 放到协作部门目录，登记办结 | puts the result into the partner's folder, closes the batch |

**任务失败怎么办 · when a task has failed**：看任务日志中“须人工处理”两行（看板和批次页上也有），按其说明处理后点 *Clear*。任何任务、任何时候都可以清除重跑：结果相同，只送达一次。
Read the two lines *a person must look* of its log (the board and the batch's page have them, too), put in order what they
say, press *Clear*. Any task may be cleared at any time: same
result, delivered once.

`receive` 之后两个任务为 *skipped*：不予受理，回执已说明原因。 *skipped* after `receive`: refused, the receipt says why.

登记 · register: `exchange register show <batch id>`
"""


@dag(
    dag_id="batch",
    dag_display_name="批次 · batch",
    description="一个批次：收件、比对、送达 one batch: received, matched, delivered",
    schedule=None,
    catchup=False,
    max_active_runs=MOST_RUNS,
    default_args=RETRY_ARGS | BULK_POOL,
    deadline=alert(),
    doc_md=PAGE,
    tags=["exchange", "批次 batches"],
    is_paused_upon_creation=False,
)
def batch() -> None:
    @task.short_circuit(task_display_name="受理 receive")
    def receive() -> bool:
        from exchange import pipeline

        return run_step(pipeline.receive)

    @task(task_display_name="比对 process")
    def process() -> None:
        from exchange import pipeline

        run_step(pipeline.process)

    @task(task_display_name="送达 deliver")
    def deliver() -> None:
        from exchange import pipeline

        run_step(pipeline.deliver)

    receive() >> process() >> deliver()


batch()
