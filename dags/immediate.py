"""One run for each small ad hoc set; the run id is the batch id. The same steps as ``batch``, in one task.

Airflow finds the operator's page in ``doc_md`` below.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from household.deadline_alert import alert
from household.tasks import MOST_RUNS, RETRY_ARGS, run_step

PAGE = """
### 临时批次 · one small ad hoc batch

运行编号就是批次号。The run id is the batch id. 临时请求、不超过 10,000 行且 4 MB 的走这里，其余走 `batch`；有自己的池（`immediate`），定期批次占不了。
Ad hoc sets of at most 10,000 rows and 4 MB come here, all others to `batch`; they have a pool of their own that no periodic batch can take.

| 任务 task | 做什么 | what it does |
|---|---|---|
| `answer` | 取回、验签、回执、比对、签名加密、送达；不予受理的到回执为止 | all steps of `batch` in one: receive, process, deliver; a refused set ends with its receipt |

**任务失败怎么办 · when the task has failed**：看任务日志中“须人工处理”两行（看板和批次页上也有），按其说明处理后点 *Clear*。任何时候都可以清除重跑：从登记簿所记的步骤接着做，结果相同，只送达一次。
Read the two lines *a person must look* of its log (the board and the batch's page have them, too), put in order what they
say, press *Clear*. It goes on from the step that the register
knows: same result, delivered once.

登记 · register: `exchange register show <batch id>`
"""


@dag(
    dag_id="immediate",
    dag_display_name="临时批次 · immediate",
    description="一个小的临时批次，一个任务办完 one small ad hoc batch, in one task",
    schedule=None,
    catchup=False,
    max_active_runs=MOST_RUNS,
    default_args=RETRY_ARGS | {"pool": "immediate", "priority_weight": 100},
    deadline=alert(),
    doc_md=PAGE,
    tags=["exchange", "批次 batches"],
    is_paused_upon_creation=False,
)
def immediate() -> None:
    @task(task_display_name="答复 answer")
    def answer() -> None:
        from exchange import pipeline

        run_step(pipeline.run)

    answer()


immediate()
