"""Each night: build and publish a snapshot of each source whose export is newer than what is published; remove old
ones.

Rule: the population's comes first and has its tries before the others begin, which hold birth dates against it; where
it fails for good they go on with the one in use.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import dag, task
from household.tasks import BULK_POOL, OFFICE_ARGS, in_office
from pendulum import datetime

from exchange.base.errors import Halt
from exchange.base.tables import SOURCES

if TYPE_CHECKING:
    from exchange.app import App

POPULATION = "population"
PAGE = """
### 快照 · snapshots

每夜为各数据源制作新快照，检查合格后发布；不合格的不发布，旧快照继续使用，任务失败并说明哪个数字不对。
Builds each source's snapshot nightly; one that does not pass its gate is not published, the old one stays in use, and
the task says which count does not hold. 导出修好后点 *Clear*。 Mend the export, then press *Clear*.
所有快照每夜按摘要全文核对；不符的停用并告警。All versions are read whole against their hashes; one that differs is out of use,
and the task says which.
"""


def _build(app: App, source: str) -> str:
    from exchange.calendar.working_days import office_day
    from exchange.snapshots.build import build_if_new

    version = build_if_new(app.snapshots, app.settings.exports, source, office_day(app.now()))
    return "nothing new" if version is None else version.name


def _prune(app: App) -> int:
    from exchange.retention import prune_snapshots

    return len(prune_snapshots(app))


def _verify(app: App) -> int:
    troubles = [trouble for source in SOURCES for trouble in app.snapshots.verify(source)]
    if troubles:
        raise Halt("; ".join(troubles))
    return len(SOURCES)


@dag(
    dag_id="snapshots",
    dag_display_name="快照 · snapshots",
    description="每夜制作、核对快照 builds and verifies snapshots each night",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,  # one build at a time: each takes the memory of its source
    default_args=OFFICE_ARGS | {"retries": 2, "retry_delay": timedelta(minutes=10)},
    doc_md=PAGE,
    tags=["exchange", "每夜 nightly"],
    is_paused_upon_creation=False,
)
def snapshots() -> None:
    @task(task_display_name="制作 build", **BULK_POOL, map_index_template="{{ task.op_kwargs['source'] }}")
    def build(source: str) -> str:
        return in_office(lambda app: _build(app, source))

    @task(task_display_name="清理 prune", trigger_rule="all_done")
    def prune() -> int:
        return in_office(_prune)

    @task(task_display_name="核对 verify", trigger_rule="all_done", **BULK_POOL)
    def verify() -> int:
        return in_office(_verify)

    population = build.override(task_id="build_population", map_index_template=None)(POPULATION)
    others = build.override(trigger_rule="all_done").expand(
        source=[source for source in SOURCES if source != POPULATION]
    )
    population >> others >> prune() >> verify()


snapshots()
