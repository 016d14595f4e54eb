"""A real Airflow: its four components, a run through a failure and a clear, roles, and nothing left behind."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.servers.ports import port_answers
from exchange.demo.servers.postgres import Postgres

DAG = """\
import os
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None)
def trivial():
    @task
    def once() -> None:
        print("config", os.environ["EXCHANGE_CONFIG"])
        if not Path(os.environ["EXCHANGE_CONFIG"]).exists():
            raise RuntimeError("no settings")
    once()

trivial()
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    world = tmp_path_factory.mktemp("world")
    (world / "dags").mkdir()
    (world / "dags" / "trivial.py").write_text(DAG)
    postgres = Postgres(world / "postgres", lasting=False)
    postgres.start()
    airflow = Airflow(
        world / "airflow",
        postgres.url("airflow"),
        postgres.password_file,
        exchange_config=world / "exchange.toml",
        dags=world / "dags",
    )
    try:
        airflow.start()
        yield airflow
    finally:
        airflow.stop()
        postgres.remove()
    assert airflow.missing() == list(COMPONENTS)
    assert not port_answers(airflow.port)
    assert processes_of(airflow) == []


def processes_of(airflow: Airflow) -> list[str]:
    """The command lines of all processes that run in this Airflow's home."""
    mark = f"AIRFLOW_HOME={airflow.folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def test_a_run_fails_is_cleared_and_succeeds(airflow: Airflow) -> None:
    with airflow.api() as api:
        api.wait_for_dag("trivial")
        assert api.import_errors() == []
        api.trigger("trivial", "bank.b-1")
        assert api.wait_for_run("trivial", "bank.b-1") == "failed"
        assert airflow.exchange_config is not None
        airflow.exchange_config.write_text("")
        api.clear("trivial", "bank.b-1", note="settings are there now")
        assert api.wait_for_run("trivial", "bank.b-1") == "success"
        [task] = api.task_instances("trivial", "bank.b-1")
        assert (task["state"], task["try_number"]) == ("success", 2)
        assert [run["dag_run_id"] for run in api.runs("trivial")] == ["bank.b-1"]
        assert any("exchange.toml" in str(line) for line in api.log("trivial", "bank.b-1", "once", 2))
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            api.trigger("trivial", "bank.b-1")


def test_roles_are_kept_apart(airflow: Airflow) -> None:
    with airflow.api("viewer") as api:
        api.runs("trivial")
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            api.trigger("trivial", "bank.b-2")
    with airflow.api("op") as api:
        api.trigger("trivial", "bank.b-3")
        api.wait_for_run("trivial", "bank.b-3")
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
