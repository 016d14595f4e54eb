"""Log-in by OIDC, with the words of docs/operations.md, at a small provider under Keycloak's paths; by
``make containers-test``. Keycloak itself is not on a developer's machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus

import httpx
import pytest

from exchange.base.paths import ROOT
from exchange.demo.servers.processes import wait_for
from tests.docker.containers import LOG_IN, PROJECT, SECONDS, Containers, needs_engine, patient
from tests.docker.provider import provider

pytestmark = [needs_engine, patient]
SECRET = "invented-for-a-test"
PEOPLE = {
    "leader": {"given_name": "某", "family_name": "王", "email": "wang@example.invalid", "groups": ["staff"]},
    "night-shift": {"given_name": "某", "family_name": "李", "email": "li@example.invalid", "groups": ["exchange-op"]},
    "new-here": {"given_name": "某", "family_name": "赵", "email": "zhao@example.invalid", "groups": []},
}
REACHED = {
    ("leader", "/approval"): HTTPStatus.OK,
    ("leader", "/board"): HTTPStatus.FORBIDDEN,
    ("night-shift", "/board"): HTTPStatus.OK,
    ("night-shift", "/approval"): HTTPStatus.FORBIDDEN,
    ("new-here", "/board"): HTTPStatus.FORBIDDEN,
    ("new-here", "/approval"): HTTPStatus.FORBIDDEN,
}


@pytest.fixture(scope="module")
def by_oidc(installed: Containers) -> Iterator[Containers]:
    network = installed.engine("network", "inspect", f"{PROJECT}_default")
    gateway = re.search(r'"gateway": *"([\d.]+)"', network, re.IGNORECASE)
    assert gateway is not None, network
    written = re.search(r"```python\n(# 本地账户.*?)```", (ROOT / "docs/operations.md").read_text("utf-8"), re.DOTALL)
    assert written is not None
    with provider(gateway[1], PEOPLE, ("household-exchange", SECRET)) as realm:
        assert written[1].count("https://sso.example/realms/exchange") == 1
        installed.write("office/keys/oidc-secret", f"{SECRET}\n")
        change(installed, written[1].replace("https://sso.example/realms/exchange", realm))
        yield installed
    change(installed, LOG_IN)


def change(place: Containers, log_in: str) -> None:
    place.write("secrets/webserver_config.py", log_in)
    place.compose("restart", "--timeout", "20", "api-server")
    assert wait_for(lambda: place.is_well("api-server"), SECONDS)


def log_in(address: str, login: str) -> httpx.Client:
    """A browser's way there and back. The session's cookie goes by TLS or to this machine, which no jar knows."""
    client = httpx.Client(base_url=address, timeout=60, trust_env=False)

    def to_this_machine(_: httpx.Response) -> None:
        for cookie in client.cookies.jar:
            cookie.secure = False

    client.event_hooks = {"response": [to_this_machine]}
    there = client.get("/auth/login/keycloak?next=/")
    assert there.status_code == HTTPStatus.FOUND, there.text[:500]
    back = client.get(f"{there.headers['location']}&login={login}")
    client.get(back.headers["location"])
    answer = client.get("/auth/login/?next=/")  # where Airflow's pages send who has a session and no token
    token = client.cookies.get("_token")
    assert token, (answer.status_code, str(answer.url))
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.mark.parametrize(("login", "path"), REACHED)
def test_who_comes_by_keycloak_is_who_the_settings_mean(by_oidc: Containers, login: str, path: str) -> None:
    """The account's name is ``preferred_username``; who is new may look, and a group makes an operator."""
    with closing(log_in(by_oidc.address, login)) as client:
        assert client.get(f"/exchange{path}").status_code == REACHED[login, path]
