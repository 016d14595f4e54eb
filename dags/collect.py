"""Each minute: look into the partners' folders, claim complete sets, start one run for each, in its lane."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import dag, task
from household.tasks import OFFICE_ARGS, a_person_must_look, in_office, start_run, take_up_run

if TYPE_CHECKING:
    from exchange.app import App

PAGE = """
### 收件 · collect

每分钟查看一次各协作部门目录；齐全的请求登记一次，各启动一个 `immediate`（小的临时请求）或 `batch` 运行（运行编号即批次号，已存在的跳过）。`lookout` 值守时，小的临时请求交给它答复、启动；不值守时，它已登记的也在此补启动。
Looks into all partner folders each minute; a complete set is claimed once and gets one run of `immediate` (small ad hoc sets) or
`batch`. While `lookout` is on duty small ad hoc sets are handed to it; while it is not, what it claimed and did not start is started here.

每十分钟一次：登记簿上应办而十分钟没有进展的批次（例如恢复备份之后没有运行的），没有运行的补启动，运行已成功结束而登记簿尚未办完的、运行先于请求到达而失败的重新执行；在办的、失败的不动，失败的等人处理；运行日期在将来的报告，请标记为失败并删除该运行。
Each ten minutes: of what the register says is owed and has not moved for ten minutes (after a restore, say), what has no run gets one, and a run that
ended well before its time, or failed before its set came, is cleared; runs at work are left alone, and so are failed ones, which wait for a person; one of a date to come is told: mark it failed and delete it.

此后更新各部门的近况文件 `status.json`、`status.html`（有变化才更新）。 Then the partners' status files are renewed where something changed.

`troubles` 失败 = 某部门的服务器或协议有问题，其他部门不受影响；无事时跳过。 *failed* `troubles`: one partner's server or agreement is in
trouble; its log says which and what; the others were looked at. *skipped*: there is none.
"""


@dag(
    dag_id="collect",
    dag_display_name="收件 · collect",
    description="每分钟查看各部门目录并登记请求 looks into the partners' folders each minute",
    schedule="* * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    default_args=OFFICE_ARGS,
    doc_md=PAGE,
    tags=["exchange", "收件 intake"],
    is_paused_upon_creation=False,
)
def collect() -> None:
    @task(task_display_name="查看各目录 poll folders")
    def poll_folders() -> list[str]:
        """The troubles in one sentence, none where there are none: then ``troubles`` needs no process."""
        troubles = in_office(_poll)
        return ["; ".join(troubles)] if troubles else []

    @task(task_display_name="异常 troubles")
    def troubles(message: str) -> None:
        raise a_person_must_look([message])

    troubles.expand(message=poll_folders())


def _poll(app: App) -> list[str]:
    """Each claim starts its run at once: nobody waits for the slowest partner's server. Then what was claimed before
    and has no run yet is started, and the status files are renewed where something changed. What is in trouble.
    """
    from exchange.intake.collect import poll
    from exchange.status.publish import publish_all

    polled = poll(app, lambda batch_id, lane: start_run(app, lane, batch_id))
    unstarted = [batch_id for batch_id, lane in polled.waiting.items() if not start_run(app, lane, batch_id)]
    in_the_way = [f"{batch_id}: its run could not be started" for batch_id in unstarted]
    in_the_way += filter(None, [take_up_run(app, lane, batch_id) for batch_id, lane in polled.unmoved.items()])
    return [*polled.troubles, *dict.fromkeys(in_the_way), *publish_all(app)]


collect()
