"""One run for each release; the run id is the release's name. The leader's approval is a task of it.

Airflow finds the operator's page in ``doc_md`` below.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param, dag, get_current_context, task
from airflow.sdk.execution_time.hitl import HITLUser
from household.tasks import RETRY_ARGS, in_office, in_the_name_of_login

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.tables import ANSWERS, ITEMS, RETURNS
from exchange.register import Release
from exchange.register.releases import parse_id
from exchange.review.people import check_leader
from exchange.settings import Role

APPROVE, RETURN = "批准 Approve", "退回 Return"
RETURN_WORDS = [sentence.zh for sentence in RETURNS.values()]  # no free text: nobody's data comes into Airflow
DEFAULT_RETURN = RETURN_WORDS[0]

PAGE = """
### 一次放行 · one release

| 任务 task | 做什么 | what it does |
|---|---|---|
| `ask` | 是否须领导审批 | whether a leader must approve |
| `approve` | 领导在 *Required Actions* 中批准或退回，只见数量 | a leader approves or returns, on counts alone |
| `judge` | 登记审批；核实人不得审批本人核实的行 | registers it; who decided a row cannot approve it |
| `send` | 签名加密，放到协作部门目录 | seals and delivers the supplementary result |

`judge` 失败：看日志；若为同一人核实又审批，清除 `approve` 由另一位领导审批。 If `judge` fails because the leader had decided a
row, clear `approve` for another leader. 退回的行回到核实人员，协作部门不知情。 Returned rows go back to the officer; the partner hears
nothing.
"""


class LeaderApproval(HITLOperator):
    """Asks the leaders of the office's settings, whoever they are when it is asked."""

    def execute(self, context: Context) -> Any:
        leaders = in_office(_leaders)
        self.assigned_users = [HITLUser(id=login, name=login) for login in leaders]
        return super().execute(context)


def _leaders(app: App) -> tuple[str, ...]:
    """The log-in names of the leaders."""
    found = tuple(each.login for each in app.settings.with_role(Role.LEADER) if each.login is not None)
    if not found:
        msg = "the settings name no leader with a log-in; nobody can approve"
        raise Halt(msg)
    return found


def _release(app: App) -> Release:
    return app.register.releases.get(*parse_id(get_current_context()["run_id"]))


def _counts(release: Release) -> str:
    """The release as a table of counts, without a person."""
    lines = [f"{release.id}：{len(release.rows)} 行 rows", "", "| 事项 item | 答复 answer | 行 rows |", "|---|---|---|"]
    for item, tally in release.counts.items():
        word = ITEMS[item].zh if item in ITEMS else "号码与姓名"
        lines += [f"| {word} | {ANSWERS[code].zh} {code} | {rows} |" for code, rows in tally.items()]
    return "\n".join(lines)


def _judge(app: App, response: dict[str, Any]) -> None:
    check_leader(app.settings, app.register.actor)
    name = parse_id(get_current_context()["run_id"])
    if response["chosen_options"] == [APPROVE]:
        app.register.releases.approve(*name)
    else:
        reason = response["params_input"].get("reason", DEFAULT_RETURN)
        if reason not in RETURN_WORDS:
            msg = "the reason for returning is none of the list; clear `approve` and let it be answered again"
            raise Halt(msg)
        app.register.releases.reject(*name, reason)


@dag(
    dag_id="release",
    schedule=None,
    catchup=False,
    max_active_runs=64,
    default_args=RETRY_ARGS,
    doc_md=PAGE,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def release() -> None:
    @task.branch
    def ask() -> str:
        found = in_office(_release)
        get_current_context()["ti"].xcom_push("counts", _counts(found))
        return "approve" if found.state == "proposed" else "send"

    approve = LeaderApproval(
        task_id="approve",
        subject="审批放行 Approve {{ run_id }}",
        body="{{ ti.xcom_pull(task_ids='ask', key='counts') }}",
        options=[APPROVE, RETURN],
        params={"reason": Param(DEFAULT_RETURN, enum=RETURN_WORDS, title="退回理由（仅退回时） reason, if returned")},
        execution_timeout=None,
    )

    @task
    def judge(response: dict[str, Any]) -> None:
        in_the_name_of_login(response["responded_by_user"]["name"], lambda app: _judge(app, response))

    @task(trigger_rule="none_failed_min_one_success")
    def send() -> None:
        in_office(lambda app: pipeline.issue(app, get_current_context()["run_id"]))

    sent = send()
    asked = ask()
    asked >> approve
    asked >> sent
    judge(approve.output) >> sent  # type: ignore[arg-type]  # the answer, once it is there


release()
