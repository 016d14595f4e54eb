"""Each minute: look into the partners' folders, claim complete sets, start one run for each, in its lane."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from household.tasks import in_office, start_run

from exchange.app import App
from exchange.intake.collect import PollResult, poll
from exchange.status.publish import publish_all

TROUBLES = "troubles"

PAGE = """
### 收件 · collect

每分钟查看一次各协作部门目录；齐全的请求登记一次，各启动一个 `immediate`（小的临时请求）或 `batch` 运行（运行编号即批次号，已存在的跳过）。`lookout` 已登记的也在此补启动。
Looks into all partner folders each minute; a complete set is claimed once and gets one run of `immediate` (small ad hoc sets) or
`batch`; also one that `lookout` claimed and did not start.

此后更新各部门的近况文件 `status.json`、`status.html`（有变化才更新）。 Then the partners' status files are renewed where something changed.

`troubles` 失败 = 某部门的服务器或协议有问题，其他部门不受影响。 *failed* `troubles`: one partner's server or agreement is in
trouble; its log says which and what; the others were looked at.
"""


@dag(
    dag_id="collect",
    schedule="* * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    doc_md=PAGE,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def collect() -> None:
    @task
    def poll_folders() -> list[dict[str, str]]:
        polled = in_office(_sweep)
        get_current_context()["ti"].xcom_push(TROUBLES, polled.troubles)
        return [{"trigger_dag_id": lane.value, "trigger_run_id": batch_id} for batch_id, lane in polled.waiting.items()]

    @task
    def troubles(messages: list[str]) -> None:
        if messages:
            raise AirflowFailException("; ".join(messages))

    looked = poll_folders()
    TriggerDagRunOperator.partial(
        task_id="start",
        skip_when_already_exists=True,
        map_index_template="{{ task.trigger_run_id }}",
    ).expand_kwargs(looked)
    troubles(looked[TROUBLES])  # type: ignore[index]  # XComArg is; its stub says otherwise


def _sweep(app: App) -> PollResult:
    """Each claim starts its run at once: nobody waits for the slowest partner's server. Then the status files are
    renewed where something changed.
    """
    polled = poll(app, lambda batch_id, lane: start_run(lane, batch_id))
    polled.troubles += publish_all(app)
    return polled


collect()
