"""One run for each very large batch; the run id is the batch id. As ``batch``, but matched by ranges side by side.

Airflow finds the operator's page in ``doc_md`` below.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from household.deadline_alert import alert
from household.tasks import BULK_POOL, MOST_RUNS, RETRY_ARGS, run_step

PAGE = """
### 一个特大批次 · one very large batch

运行编号就是批次号。The run id is the batch id. 行数达到 `large_rows`（`exchange.toml` 的 `[policy]`）的走这里：按号码段分开比对，可以在多台机器上同时进行；结果与不分段相同。
Batches of `large_rows` rows and more: matched by ranges of identity numbers, on several machines at once; the same result
as in one go.

| 任务 task | 做什么 | what it does |
|---|---|---|
| `receive` | 同 `batch` | as in `batch` |
| `plan` | 固定快照，定段数 | pins the snapshots, says how many ranges |
| `match_range` | 每段一个：比对本号码段的行；所存无姓名、号码，已加密 | one for each range: decides its rows; what it keeps is encrypted and has no names or numbers |
| `process` | 合并各段，脱敏、检查、签名加密，删除各段 | puts the ranges together, masks, judges, encrypts, removes them |
| `deliver` | 同 `batch` | as in `batch` |

**任务失败怎么办 · when a task has failed**：看任务日志中“须人工处理”两行（看板和批次页上也有），按其说明处理后点 *Clear*。任何任务、任何时候都可以清除重跑：结果相同，只送达一次。
Read the two lines *a person must look* of its log (the board and the batch's page have them, too), put in order what they
say, press *Clear*. Any task may be cleared at any time: same
result, delivered once.

`receive` 之后全部为 *skipped*：不予受理，回执已说明原因。 *skipped* after `receive`: refused, the receipt says why.

登记 · register: `exchange register show <batch id>`
"""


@dag(
    dag_id="large",
    dag_display_name="特大批次 · large",
    description="一个特大批次，按号码段分开比对 one very large batch, matched by ranges",
    schedule=None,
    catchup=False,
    max_active_runs=MOST_RUNS,
    default_args=RETRY_ARGS | BULK_POOL,
    deadline=alert(),
    doc_md=PAGE,
    tags=["exchange", "批次 batches"],
    is_paused_upon_creation=False,
)
def large() -> None:
    @task.short_circuit(task_display_name="受理 receive")
    def receive() -> bool:
        from exchange import pipeline

        return run_step(pipeline.receive)

    @task(task_display_name="定段 plan")
    def plan() -> list[dict[str, int]]:
        from exchange import pipeline

        ranges = run_step(pipeline.plan)
        return [{"number": number, "of": ranges} for number in range(ranges)]

    @task(
        task_display_name="比对一段 match a range",
        map_index_template="{{ task.op_kwargs['number'] + 1 }} / {{ task.op_kwargs['of'] }}",
    )
    def match_range(number: int, of: int) -> str:
        from exchange import pipeline

        return run_step(lambda office, batch_id: pipeline.match_range(office, batch_id, number, of))

    @task(task_display_name="合并 process", trigger_rule="none_failed")  # without ranges the step decides by itself
    def process(ranges: list[str]) -> None:
        from exchange import pipeline

        run_step(lambda office, batch_id: pipeline.process_ranges(office, batch_id, list(ranges or ())))

    @task(task_display_name="送达 deliver")
    def deliver() -> None:
        from exchange import pipeline

        run_step(pipeline.deliver)

    planned = plan()
    receive() >> planned
    process(match_range.expand_kwargs(planned)) >> deliver()  # type: ignore[arg-type]  # what they return, once it is there


large()
