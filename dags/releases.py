"""Each minute: propose what can leave of the rows that had to wait, and start one run of ``release`` for each."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from household.tasks import in_office

from exchange import pipeline

TROUBLES = "troubles"

PAGE = """
### 补充答复 · releases

每分钟查看已答复、但仍有行待核实或待审批的批次；可以放行的行组成一次放行，各启动一个 `release` 运行（运行编号为 `批次号.release-序号`）。
Looks each minute at delivered batches with open rows; rows that can leave now become a release, and each gets one run
of `release`. `troubles` 失败 = 某批次须人工处理，其他批次不受影响。 *failed* `troubles`: one batch needs a person; the others were looked at.
"""


@dag(
    dag_id="releases",
    schedule="* * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=30),
    doc_md=PAGE,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def releases() -> None:
    @task
    def propose() -> list[dict[str, str]]:
        found = in_office(pipeline.propose_all)
        get_current_context()["ti"].xcom_push(TROUBLES, found.troubles)
        return [{"trigger_run_id": release.id} for release in found.releases]

    @task
    def troubles(found: list[str]) -> None:
        if found:
            raise AirflowFailException("; ".join(found))

    proposed = propose()
    TriggerDagRunOperator.partial(
        task_id="start",
        trigger_dag_id="release",
        skip_when_already_exists=True,
        map_index_template="{{ task.trigger_run_id }}",
    ).expand_kwargs(proposed)
    troubles(proposed[TROUBLES])  # type: ignore[index]  # XComArg is; its stub says otherwise


releases()
