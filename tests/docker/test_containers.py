"""The container files as an administrator uses them, by ``make containers-test``: both images, the whole installation.

Skipped where ``CONTAINERS_ENGINE`` names no engine: it takes minutes, root, and the images that ``make images`` builds.
"""

from __future__ import annotations

import re
import stat
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from exchange.base.errors import ExchangeError
from exchange.demo import partner
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.processes import wait_for
from exchange.wire import transport
from tests.docker.containers import ACCOUNTS, PASSWORD, SECONDS, Containers, ask, came, needs_engine, patient
from tests.pages.reached import check_routes

pytestmark = [needs_engine, patient]
SERVICES = ("postgres", "scheduler", "dag-processor", "api-server", "sftp")
OF_AIRFLOW = 3
SECRETS = 5 + OF_AIRFLOW
"""The passwords of four roles and of the database's administrator; Airflow's: Fernet key, tokens' and sessions'."""
WITHHELD = ("connections", "variables", "config")
"""What of Airflow's API is the administrator's alone."""
GUESSES = """
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

guess = json.dumps({"username": "leader", "password": "x"}).encode()
for _ in range(9):
    try:
        urlopen(Request("http://127.0.0.1:8080/auth/token", guess, {"content-type": "application/json"}))
    except HTTPError as error:
        print("answered", error.code)
"""


def test_init_again_changes_nothing(installed: Containers) -> None:
    assert "新建 0 项" in installed.compose("run", "--rm", "init")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_that_it_is_well(installed: Containers, service: str) -> None:
    assert wait_for(lambda: installed.is_well(service), SECONDS), installed.compose("logs", service, code=None)[-3000:]


def test_no_service_of_the_office_is_root_or_writes_beside_its_folders(installed: Containers) -> None:
    for service in ("scheduler", "api-server"):
        assert installed.compose("exec", "-T", service, "id", "-u").split()[-1] == "1000"
        installed.compose("exec", "-T", service, "sh", "-c", "! touch /app/x /opt/exchange/x /airflow/x 2>/dev/null")


def test_no_secret_stands_in_what_the_engine_tells_of_a_container(installed: Containers) -> None:
    values, shown = installed.secret_values(), installed.shown()
    assert len(values) == SECRETS
    assert "AIRFLOW__CORE__AUTH_MANAGER" in shown  # a container's settings are in it
    assert [value for value in values if value in shown] == []
    handed = installed.compose("exec", "-T", "scheduler", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ")
    assert len([value for value in values if value in handed]) == OF_AIRFLOW


def test_a_partner_that_is_added_gets_its_answer(installed: Containers, court: DemoPartner) -> None:
    installed.tool("exchange", "partner", "check")
    installed.tool("exchange", "partner", "connect", court.id)
    request = ask(court, "first")
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]
    assert court.result(request.batch).manifest["batch"] == request.batch


def test_what_the_sftp_server_tells_holds_no_number(installed: Containers, court: DemoPartner) -> None:
    court.drop({"220102199001011237.csv": b"x"})
    assert wait_for(lambda: "to-office/…" in installed.compose("logs", "sftp", code=None), 60)
    assert "2201021990" not in installed.compose("logs", "sftp", code=None)
    owner = (installed.folder / "partners" / court.id / "to-office").stat()
    assert owner.st_uid > 20_000
    assert stat.S_IMODE(owner.st_mode) == 0o700


def test_fabs_leader_approves_what_waited_over_a_restart(installed: Containers, court: DemoPartner) -> None:
    """People are known by the account's name: FAB's own id is a number."""
    request = ask(court, "waits", ("id_number", "name", "criminal_record"))
    installed.without_standing_approval(court)
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json")
    installed.compose("down", "--timeout", "60")
    installed.compose("up", "--detach")
    installed.approve(f"{request.batch}.release-1")
    with installed.log_in("operator") as operator:
        assert operator.page("/approval")[0] == HTTPStatus.FORBIDDEN
    assert came(court, f"{request.batch}.result-2.json")
    assert court.result(request.batch, 2).manifest["batch"] == request.batch


def test_a_backup_is_made_and_opened_again(installed: Containers, court: DemoPartner) -> None:
    installed.keep()
    assert "files" in installed.compose("run", "--rm", "backup")
    assert "whole" in installed.compose("run", "--rm", "backup", "exchange", "backup", "verify")
    assert "restored" in installed.restore("files", "/backup", "/office/again")


@pytest.mark.parametrize("login", ACCOUNTS)
def test_each_of_fabs_accounts_reaches_what_the_table_says(installed: Containers, login: str) -> None:
    check_routes(installed.address, login, PASSWORD, ACCOUNTS[login][1])


@pytest.mark.parametrize("login", ["operator", "reader", "user", "administrator"])
def test_connections_variables_and_settings_are_the_administrators_alone(installed: Containers, login: str) -> None:
    """Op among them: FAB itself gives it these, at every start that it is let to."""
    with installed.log_in(login) as api:
        for what in WITHHELD:
            if login == "administrator" and what != "config":  # which nobody is shown
                assert "total_entries" in api.call("GET", what)
            else:
                with pytest.raises(httpx.HTTPStatusError, match="403"):
                    api.call("GET", what)


def test_a_session_goes_over_tls_alone_and_ends(installed: Containers) -> None:
    """What FAB itself takes ``airflow-safety.env`` to mean."""
    answer = httpx.get(f"{installed.address}/auth/login/", timeout=60, trust_env=False)
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith("session=")]
    flags = {part.strip().partition("=")[0].lower() for part in cookie.split(";")}
    assert {"secure", "httponly", "samesite"} <= flags
    ends = re.search(r"expires=([^;]+)", cookie, re.IGNORECASE)
    assert ends is not None
    lasts = parsedate_to_datetime(ends[1]) - parsedate_to_datetime(answer.headers["date"])
    assert 3000 < lasts.total_seconds() <= 3660
    said = installed.tool("airflow", "config", "get-value", "fab", "session_max_lifetime_minutes")
    assert "720" in said.split()


def test_guesses_lock_out_their_own_address_alone_and_for_a_while(installed: Containers) -> None:
    """From inside a container, which is another caller than this test."""
    said = installed.compose("exec", "-T", "api-server", "python", "-c", GUESSES)
    assert re.findall(r"answered (\d+)", said) == ["401"] * 6 + ["429"] * 3
    with installed.log_in("leader") as leader:
        assert leader.page("/approval")[0] == HTTPStatus.OK


def test_the_nightly_cleaning_runs_to_its_end(installed: Containers) -> None:
    """With the secrets and rights of the office; ``tests/airflow/test_cleaned.py`` has what goes and what stays."""
    said = installed.compose("run", "--rm", "clean")
    assert {"Checking table dag_run", "Checking table log", "Checking table session"} <= set(said.splitlines())


def test_a_database_that_is_out_is_told_and_everything_goes_on_after_it(
    installed: Containers, court: DemoPartner
) -> None:
    """No hand is needed. What Kubernetes takes for life answers all the while, what it takes for readiness does not."""
    installed.compose("stop", "--timeout", "30", "postgres")
    health, version = (f"{installed.address}{path}" for path in ("/exchange/health", "/api/v2/version"))
    assert wait_for(lambda: httpx.get(health, timeout=60, trust_env=False).status_code == 503, 120)
    assert httpx.get(version, timeout=60, trust_env=False).status_code == HTTPStatus.OK
    installed.compose("start", "postgres")
    for service in SERVICES:
        assert wait_for(partial(installed.is_well, service), SECONDS), service
    request = ask(court, "afterwards")
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]


def test_a_key_that_is_taken_away_lets_nobody_in(
    installed: Containers, court: DemoPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner, "connect", transport.connect)  # other tests' partners stay logged in
    place: Path = installed.folder / "accounts" / court.id
    before = place.read_text("utf-8")
    place.unlink()
    with pytest.raises(ExchangeError):
        court.answers()
    installed.let_in(court.id, *before.splitlines())
    assert court.answers()
