"""Each night: build and publish a snapshot of each source whose export is newer than what is published; remove old
ones.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from pendulum import datetime
from wiring import UNHURRIED, in_office

from exchange.office import Office
from exchange.snapshots.build import build_if_new
from exchange.tables import SOURCES

PAGE = """
### 快照 · snapshots

每夜为各数据源制作新快照，检查合格后发布；不合格的不发布，旧快照继续使用，任务失败并说明哪个数字不对。
Builds each source's snapshot nightly; one that does not pass its gate is not published, the old one stays in use, and
the task says which count does not hold. 导出修好后点 *Clear*。 Mend the export, then press *Clear*.
"""


def _build(office: Office, source: str) -> str:
    version = build_if_new(office.snapshots, office.settings.exports, source)
    return "nothing new" if version is None else version.name


def _prune(office: Office) -> int:
    pinned = office.register.snapshots_in_use()
    keep = office.settings.policy.snapshots_kept
    return sum(len(office.snapshots.prune(source, keep, pinned)) for source in SOURCES)


@dag(
    dag_id="snapshots",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,  # one build at a time: each takes the memory of its source
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
    doc_md=PAGE,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def snapshots() -> None:
    @task(**UNHURRIED, map_index_template="{{ task.op_kwargs['source'] }}")
    def build(source: str) -> str:
        return in_office(lambda office: _build(office, source))

    @task(trigger_rule="all_done")
    def prune() -> int:
        return in_office(_prune)

    build.expand(source=list(SOURCES)) >> prune()


snapshots()
