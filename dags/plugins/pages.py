"""The pages of the people who work here (``exchange/pages``), mounted behind Airflow's log-in.

Rules
- The pages are told the *name* of the account, whatever the auth manager uses as an id, and whether it may run things:
  whoever may change pools (Airflow's Op and Admin, under any auth manager); a User may not.
- Every component of Airflow loads this file; the pages are opened by the API server alone, when they are first asked for.
- Who opens a row has it in the memory of the API server: as in a task, no library's words and no core leave the process.
- The pages are told when the account's password was last given, for what asks for a fresh log-in.
- Wrong passwords are limited where programs log in (``exchange/pages/guesses.py``), whatever stands in front.
- Nothing is stored in Airflow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.plugins_manager import AirflowPlugin

from exchange.pages.guesses import GuessLimit

PREFIX = "/exchange"
_FAILED = ("failed", "up_for_retry")
_OF_BATCHES = ("batch", "immediate", "large")
_TOLD = "told"  # as ``household.tasks`` calls it
_LONGEST = 1000


class Pages:
    """An ASGI application that is made when it is first asked."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _application()(scope, receive, send)


@cache
def _application() -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.core_api.security import get_user
    from airflow.configuration import conf
    from fastapi import Depends, Request

    from exchange.app import App
    from exchange.base import silence
    from exchange.pages.access import Account
    from exchange.pages.application import make_application
    from exchange.pages.asked import PageContext

    def who(request: Any, user: Any = Depends(get_user)) -> Account:  # noqa: B008  (FastAPI's way)
        operates = get_auth_manager().is_authorized_pool(method="PUT", user=user)
        return Account(user.get_name(), operates, _logged_in_at(request, user))

    who.__annotations__["request"] = Request  # FastAPI does not find the name of a local import
    silence.install()
    office = App.open("pages")
    log_in = f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}/api/v2/auth/logout"
    return make_application(PageContext(office, partial(_failures, office), log_in), who)


def _logged_in_at(request: Any, user: Any) -> datetime | None:
    """When the password was last given, as far as the auth manager lets know: when the token was made by which the user
    was found (``iat``; ``get_user`` has checked it); where accounts have a ``last_login``, not later than that, since
    FAB makes a new token for a session of days without asking. A manager that renews its tokens by itself (Keycloak)
    tells nothing by either, unless the token names its ``auth_time``.
    """
    import jwt
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN

    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = given if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        made = datetime.fromtimestamp(claims.get("auth_time", claims["iat"]), UTC)
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError):
        return None
    if not hasattr(type(user), "last_login"):
        return made
    last = _last_login(user)
    return last and min(made, last)


def _last_login(user: Any) -> datetime | None:
    """Of an account in FAB's table, read anew: what the auth manager holds of it may be half a minute old."""
    from airflow.utils.session import create_session

    with create_session() as session:
        account = session.get(type(user), user.id)
        last = None if account is None else account.last_login
    return last.astimezone(UTC) if last else None  # FAB writes the machine's own time, without a zone


def _failures(office: Any) -> Mapping[str, Any]:
    """Batch → the task of its run, or of a release's, that has failed or waits to be tried again; or its run, where
    that was marked failed and none of its tasks is. A release has several runs; what failed of one that does not wait
    to be sent any more is over.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import and_, select

    columns = (TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.task_id, TaskInstance.map_index)
    same = and_(*(column == getattr(XComModel, column.key) for column in columns), XComModel.key == _TOLD)
    query = (
        select(*columns, TaskInstance.state, XComModel.value)
        .outerjoin(XComModel, same)
        .where(TaskInstance.dag_id.in_((*_OF_BATCHES, "release")), TaskInstance.state.in_(_FAILED))
    )
    query = query.order_by(TaskInstance.state.desc())  # what waits for a person counts before what is tried again
    marked = select(DagRun.dag_id, DagRun.run_id).where(DagRun.dag_id.in_(_OF_BATCHES), DagRun.state == _FAILED[0])
    unsent = {release.id for release in office.register.releases.under_way() if release.may_leave_since is not None}
    with create_session() as session:
        failed = {
            run_id.partition(".release-")[0]: _failure(dag_id, run_id, task_id, state, told)
            for dag_id, run_id, task_id, _, state, told in session.execute(query)
            if dag_id != "release" or run_id.partition("~")[0] in unsent
        }
        return {run_id: _failure(dag_id, run_id) for dag_id, run_id in session.execute(marked)} | failed


def _failure(dag_id: str, run_id: str, task_id: str = "", state: str = "", told: Any = None) -> Any:
    """Of a run without ``task_id``; ``told``: what the try left of why it ended, as Airflow keeps it; another shape
    than ours is nothing.
    """
    from exchange.pages.asked import Failure

    with suppress(TypeError, ValueError):
        told = json.loads(told)
    code, text = (str(told.get(name, "")) for name in ("code", "en")) if isinstance(told, dict) else ("", "")
    href = f"/dags/{dag_id}/runs/{quote(run_id)}" + (f"/tasks/{task_id}" if task_id else "")
    return Failure(task_id, href, state == "up_for_retry", code, text[:_LONGEST], dag_id == "release")


def _view(name: str, route: str, destination: str, href: str) -> dict[str, Any]:
    return {"name": name, "url_route": route, "destination": destination, "href": f"{PREFIX}{href}"}


class PagesPlugin(AirflowPlugin):
    name = "exchange_pages"
    fastapi_apps = [  # noqa: RUF012  (Airflow's own)
        {"app": Pages(), "url_prefix": PREFIX, "name": "exchange"}
    ]
    fastapi_root_middlewares = [  # noqa: RUF012
        {"middleware": GuessLimit, "name": "exchange_guesses"}
    ]
    external_views = [  # noqa: RUF012
        _view("看板 Board", "exchange-board", "nav", "/board") | {"nav_top_level": True},
        _view("人工核实 Review", "exchange-review", "nav", "/review") | {"nav_top_level": True},
        _view("审批 Approval", "exchange-approval", "nav", "/approval") | {"nav_top_level": True},
        _view("监督 Supervision", "exchange-supervision", "nav", "/supervision") | {"nav_top_level": True},
        _view("看板 Board", "exchange-dag", "dag", "/board"),
        _view("批次 Batch", "exchange-run", "dag_run", "/run/{RUN_ID}"),
    ]
