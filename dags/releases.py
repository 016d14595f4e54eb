"""Each minute: propose what can leave of the rows that had to wait, and start a run of ``release`` for each release that
may leave: approved, or needing no approval. What waits for a leader gets no run; the page *Approval* lists it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import dag, task
from household.runs import run_id_of
from household.tasks import OFFICE_ARGS, a_person_must_look, in_office, start_run

if TYPE_CHECKING:
    from exchange.app import App

PAGE = """
### 补充答复 · releases

每分钟查看已答复、但仍有行待核实或待审批的批次；可以放行的行组成一次放行。须审批的列在页面“审批”中；已批准或无须审批的各启动一个 `release` 运行（运行编号为 `批次号.release-序号~时刻`）。
Looks each minute at delivered batches with open rows; rows that can leave now become a release. Those for a leader stand on the page *Approval*; those that may leave get a run of `release`.

`troubles` 失败 = 某批次须人工处理，或某次放行批准后 30 分钟仍未送达（看其 `release` 运行）；其他批次不受影响；无事时跳过。
*failed* `troubles`: one batch needs a person, or a release was not delivered 30 minutes after its approval (look at its run of `release`); the others were looked at. *skipped*: there is none.
"""


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
    def propose() -> list[str]:
        """The troubles in one sentence, none where there are none: then ``troubles`` needs no process."""
        troubles = in_office(_look)
        return ["; ".join(troubles)] if troubles else []

    @task(task_display_name="异常 troubles")
    def troubles(message: str) -> None:
        raise a_person_must_look([message])

    troubles.expand(message=propose())


def _look(app: App) -> list[str]:
    """Proposes, and starts a run for each release that may leave by now; what is in trouble."""
    from exchange import pipeline

    proposals = pipeline.propose_all(app)
    leaving = [(release, since) for release in proposals.releases if (since := release.may_leave_since) is not None]
    now = app.now()
    unstarted = [
        release.id
        for release, since in leaving
        if not start_run(app, "release", run_id_of(release.id, since, now), release.batch)
    ]
    return [
        *proposals.troubles,
        *pipeline.unsent(app),
        *(f"{run_id}: its run could not be started" for run_id in unstarted),
    ]


releases()
