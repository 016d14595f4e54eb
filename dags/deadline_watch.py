"""Each hour: count open due days again, watch them, watch what should have come, and tell the office."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from household.notifier import CONNECTION, OfficeNotifier, send
from household.tasks import OFFICE_ARGS, a_person_must_look, in_office
from pendulum import datetime

if TYPE_CHECKING:
    from exchange.app import App
    from exchange.register import Alert

PAGE = """
### 时限巡查 · deadline watch

每小时一次；停机多日后补查，每条只登记一次，并注明应于哪天、实际何时发现。 Hourly; after days of standstill everything is found once, with the day on which
it should have been.

| 任务 task | 做什么 | what it does |
|---|---|---|
| `count_again` | 设置、协议、证书、规则表有变的记入流水；按现有日历和停止计时重新计算未办结批次的时限，有变的登记并发新回执；查见证机关是否按约联署 | tells the ledger what of settings, agreements and tables changed; counts open due days again, a changed one is registered and told by a new receipt; looks whether witnesses cosign |
| `deadlines` | 过半、剩余工作日、到期、逾期各登记一次 | warnings, alarms and breaches, once each |
| `cycles` | 协议约定而未收到的请求：登记、报告、提醒部门；证书、影响评估到期前 60、30、7 天提示 | sets that should have come, certificates and assessments that end |
| `tell` | 把未发送的提醒发给本机关（连接 `exchange_alerts`，webhook 或邮件）；没有该连接则跳过 | sends what was not sent yet; skipped without that connection |
| `troubles` | 失败 = 某部门服务器或协议有问题，某快照停用，或见证机关逾期未联署，日志说明 | failed: a partner's server or agreement is in trouble, a snapshot is out of use, or a witness has not cosigned |

登记 · register: `exchange deadline list`, `exchange expected`
"""


def _count_again(app: App) -> list[str]:
    from exchange.watch import all_watches

    return all_watches.count_again(app).troubles


def _cycles(app: App) -> list[str]:
    from exchange.watch import all_watches

    return all_watches.look_ahead(app).troubles


def _ended(troubles: list[str], app: App) -> bool:
    from exchange.watch import all_watches

    return all_watches.round_ended(app, troubles)


def _untold(app: App) -> list[Alert]:
    return app.register.alerts.find(untold=True)


@dag(
    dag_id="deadline_watch",
    dag_display_name="时限巡查 · deadline watch",
    description="每小时巡查时限、应报未报、证书 watches due days, missing sets and certificates each hour",
    schedule="17 * * * *",
    start_date=datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,  # one look sees all that was missed
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=50),
    default_args=OFFICE_ARGS
    | {
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "execution_timeout": timedelta(minutes=15),
        "on_failure_callback": OfficeNotifier(),
    },
    doc_md=PAGE,
    tags=["exchange", "巡查 watch"],
    is_paused_upon_creation=False,
)
def deadline_watch() -> None:
    @task(task_display_name="重算时限 count again")
    def count_again() -> list[str]:
        return in_office(_count_again)

    @task(task_display_name="时限 deadlines", trigger_rule="all_done")
    def deadlines() -> int:
        from exchange.watch import all_watches

        return len(in_office(all_watches.due_days))

    @task(task_display_name="应报未报、证书 cycles")
    def cycles() -> list[str]:
        return in_office(_cycles)

    @task(task_display_name="提醒本机关 tell", trigger_rule="all_done")
    def tell() -> int:
        from exchange.watch.message import compose

        alerts = in_office(_untold)
        if not alerts:
            return 0
        if not send(compose(alerts), get_current_context()):
            msg = f"no connection {CONNECTION}; {len(alerts)} alerts stand in the register and were not sent"
            raise AirflowSkipException(msg)
        in_office(lambda app: app.register.alerts.mark_sent(alerts, app.now()))
        return len(alerts)

    @task(task_display_name="异常 troubles", trigger_rule="all_done")
    def troubles(of_receipts: list[str] | None, of_cycles: list[str] | None, alerts: int | None) -> None:
        if of_receipts is None or of_cycles is None or alerts is None:
            raise a_person_must_look(["a part of the watch has failed; see its log"])
        distinct = sorted({*of_receipts, *of_cycles})
        if not in_office(partial(_ended, distinct)):
            raise a_person_must_look(["a part of the watch was not done within the hour; trigger deadline_watch anew"])
        if distinct:
            raise a_person_must_look(distinct)

    counted, watched, looked = count_again(), deadlines(), cycles()
    counted >> watched
    [watched, looked] >> tell()
    troubles(counted, looked, watched)  # type: ignore[arg-type]  # what they return, once it is there


deadline_watch()
