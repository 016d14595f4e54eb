"""The demo's Airflow itself: its three components, roles, ports and secrets."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import pytest

from exchange.base.duty import Duties
from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake.shares import WHOLE
from exchange.intake.shifts import Shift

from .servers import processes_of

SECONDS = 600


def test_all_its_dags_are_read(airflow: Airflow) -> None:
    with airflow.api() as api:
        assert api.import_errors() == []


def test_roles_are_kept_apart(airflow: Airflow) -> None:
    with airflow.api("viewer") as api:
        api.runs("collect")
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            api.trigger("collect", "by-viewer")
    with airflow.api("op") as api:
        api.trigger("collect", "by-op")
        assert api.wait_for_run("collect", "by-op", SECONDS) == "success"
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            api.trigger("collect", "by-op")
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        type(api).log_in(airflow.base_url, "admin", "guess")


def test_only_the_api_port_listens_and_only_on_loopback(airflow: Airflow) -> None:
    listening = {
        fields[1]
        for pid in (int((airflow.folder / f"{name}.pid").read_text().split()[0]) for name in COMPONENTS)
        for fields in sockets_of(pid)
    }
    assert listening == {f"0100007F:{airflow.port:04X}"}


def sockets_of(pid: int) -> list[list[str]]:
    """The lines of the kernel's table of listening IPv4 and IPv6 sockets that belong to this process."""
    owned = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
    ]
    return [fields for fields in lines[1:] if fields[3] == "0A" and f"socket:[{fields[9]}]" in owned]


def test_secrets_are_in_private_files_only(airflow: Airflow) -> None:
    for name in ("airflow.cfg", "users.json", "scheduler.log"):
        assert stat.S_IMODE((airflow.folder / name).stat().st_mode) == 0o600
    secrets = [*airflow.users.values(), airflow.password_file.read_text().splitlines()[-1].rpartition(":")[2]]
    lines = "".join(processes_of(airflow)) + "".join(path.read_text() for path in airflow.folder.glob("*.log"))
    assert not any(secret in lines for secret in secrets)


def test_a_second_start_finds_everything_running(airflow: Airflow) -> None:
    before = [(airflow.folder / f"{name}.pid").read_text() for name in COMPONENTS]
    airflow.start()
    assert [(airflow.folder / f"{name}.pid").read_text() for name in COMPONENTS] == before


def test_a_lookouts_run_is_skipped_where_one_is_on_duty(airflow: Airflow, airflow_world: World) -> None:
    """And says so in its log: an operator sees why it ended at once."""
    duties = Duties.of_home(airflow_world.root / "office" / "home")

    def one_is_on_duty() -> bool:
        shift = Shift.of_sign(duties.last(WHOLE.sign))
        return shift is not None and shift.goes_on and shift.left > SECONDS / 3

    assert wait_for(one_is_on_duty, SECONDS)
    with airflow.api() as api:
        api.trigger("lookout", "beside")
        assert api.wait_for_run("lookout", "beside", SECONDS) == "success"
        (task,) = api.task_instances("lookout", "beside")
        assert task["state"] == "skipped"
        assert "another lookout is on duty" in f"{api.log('lookout', 'beside', 'watch')}"
