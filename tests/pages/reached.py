"""Which pages each account may reach: what the pages' tests and those behind Airflow's log-in both hold against."""

from __future__ import annotations

import re
from http import HTTPStatus

import httpx

from exchange.pages.access import ROUTES

OFFICER = {
    "start", "review", "open_row", "decide_row", "undo_row", "objections", "open_objection", "returned",
    "propose_again", "open_next", "leave_row", "hand_row", "see_alike", "decide_alike", "propose_stop",
    "propose_extension",
}  # fmt: skip
OPERATOR = {"start", "board", "batch", "run", "metrics", "search", "search_register"}
EXPECTED = {
    "viewer": {"start"},
    "op": OPERATOR,
    "admin": OPERATOR,
    "officer": OFFICER,
    "officer-b": OFFICER,
    "yanbian": OFFICER,
    "leader": {
        "start",
        "batch",
        "run",
        "approvals",
        "approval",
        "approve_release",
        "return_release",
        "decide_stop",
        "decide_hold",
        "sample",
        "open_row",
        "leave_row",
        "decide_row",
        "extend",
        "decide_extension",
    },
    "supervisor": OPERATOR | {"supervision", "supervision_csv", "report_file"},
}
"""Account → what it may reach; by hand, so that a slip in the table is noticed."""


OPEN = {"health"}
"""What anyone may, without an account; it tells nothing but whether this server is healthy."""


def asked_of(base_url: str, headers: dict[str, str], method: str, path: str) -> tuple[int, str]:
    """One route of the pages as Airflow mounts them: status and what came back."""
    url = f"{base_url}/exchange{re.sub(r'{.*}', 'no.such', path)}"
    answer = httpx.request(method, url, headers=headers, timeout=60, trust_env=False)
    return answer.status_code, answer.text


def check_routes(base_url: str, login: str, password: str, account: str) -> None:
    """Every route as this log-in, held against what is expected of the account; a write without a token is nobody's."""
    given = {"username": login, "password": password}
    token = httpx.post(f"{base_url}/auth/token", json=given, timeout=60, trust_env=False).json()["access_token"]
    for route in ROUTES:
        status, _ = asked_of(base_url, {"Authorization": f"Bearer {token}"}, route.method, route.path)
        if route.method == "POST":
            assert status == HTTPStatus.FORBIDDEN, route
        else:
            assert (status != HTTPStatus.FORBIDDEN) == (route.name in EXPECTED[account] | OPEN), route
