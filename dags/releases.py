"""Each minute: propose what can leave of the rows that had to wait, and start a run of ``release`` for each release that
may leave: approved, or needing no approval. What waits for a leader gets no run; the page *Approval* lists it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context, task
from household.runs import run_id_of
from household.tasks import OFFICE_ARGS, a_person_must_look, in_office

from exchange import pipeline
from exchange.app import App
from exchange.register import Release
from exchange.watch.run_note import run_note

TROUBLES = "troubles"

PAGE = """
### 补充答复 · releases

每分钟查看已答复、但仍有行待核实或待审批的批次；可以放行的行组成一次放行。须审批的列在页面“审批”中；已批准或无须审批的各启动一个 `release` 运行（运行编号为 `批次号.release-序号~时刻`）。
Looks each minute at delivered batches with open rows; rows that can leave now become a release. Those for a leader stand on the page *Approval*; those that may leave get a run of `release`.

`troubles` 失败 = 某批次须人工处理，或某次放行批准后 30 分钟仍未送达（看其 `release` 运行）；其他批次不受影响。
*failed* `troubles`: one batch needs a person, or a release was not delivered 30 minutes after its approval (look at its run of `release`); the others were looked at.
"""


def _to_start(app: App, releases: Iterable[Release]) -> list[dict[str, str]]:
    """A run of ``release`` for each release that may leave by now."""
    now = app.now()
    return [
        {"trigger_run_id": run_id_of(each.id, since, now), "note": run_note(app, each.batch) or ""}
        for each in releases
        if (since := each.may_leave_since) is not None
    ]


@dag(
    dag_id="releases",
    dag_display_name="补充答复 · releases",
    description="每分钟提出可以放行的行 proposes each minute what can leave",
    schedule="* * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=30),
    default_args=OFFICE_ARGS,
    doc_md=PAGE,
    tags=["exchange", "收件 intake"],
    is_paused_upon_creation=False,
)
def releases() -> None:
    @task(task_display_name="提出放行 propose")
    def propose() -> list[dict[str, str]]:
        proposals = in_office(pipeline.propose_all)
        get_current_context()["ti"].xcom_push(TROUBLES, proposals.troubles)
        return in_office(lambda app: _to_start(app, proposals.releases))

    @task(task_display_name="异常 troubles")
    def troubles(messages: list[str]) -> None:
        if stuck := [
            *messages,
            *in_office(pipeline.unsent),
        ]:  # asked of the register: what Airflow hands on can be altered
            raise a_person_must_look(stuck)

    proposed = propose()
    TriggerDagRunOperator.partial(
        task_id="start",
        task_display_name="启动 start",
        trigger_dag_id="release",
        skip_when_already_exists=True,
        map_index_template="{{ task.trigger_run_id }}",
    ).expand_kwargs(proposed)
    troubles(proposed[TROUBLES])  # type: ignore[index]  # XComArg is; its stub says otherwise


releases()
