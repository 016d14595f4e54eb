"""Airflow's own settings that matter for safety: Airflow knows each, and takes it as it is written; every way to
install hands them to every component. Those of FAB, which is not installed here, are tried in the image
(``tests/docker``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import yaml

from exchange.base.paths import DAGS, ROOT
from exchange.demo.servers.airflow_settings import safety, write_settings

ASK = """
import json, sys
from airflow.configuration import conf
asked = json.load(sys.stdin)
known = conf.configuration_description
print(json.dumps([
    [section in known and name in known[section]["options"], conf.get(section, name, fallback=None)]
    for section, name in asked
]))
"""
MUST = {
    ("core", "load_examples"): "False",
    ("core", "test_connection"): "Disabled",
    ("core", "hide_sensitive_var_conn_fields"): "True",
    ("core", "simple_auth_manager_all_admins"): "False",
    ("api", "expose_config"): "False",
    ("api", "expose_stacktrace"): "False",
    ("fab", "cookie_secure"): "True",
    ("fab", "session_max_lifetime_minutes"): "720",
    ("fab", "update_fab_perms"): "False",
}
SAFETY = "airflow-safety.env"


def named() -> dict[tuple[str, str], str]:
    return {(section, name): str(value) for section, values in safety().items() for name, value in values.items()}


def test_airflow_knows_and_takes_each(tmp_path: Path) -> None:
    lines = (ROOT / "docker" / SAFETY).read_text("utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    ended = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps(list(named())),
        env=environment | given | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    answers = json.loads(ended.stdout.splitlines()[-1])
    assert {name: told for name, (_, told) in zip(named(), answers, strict=True)} == named()
    unknown = [name for name, (known, _) in zip(named(), answers, strict=True) if not known]
    assert [name for name in unknown if name[0] != "fab"] == []
    assert MUST.items() <= named().items()


def test_a_shell_reads_the_file_too() -> None:
    """Compose, systemd, Kubernetes and an administrator's ``set -a; .`` read it, each by rules of its own."""
    file = ROOT / "docker" / SAFETY
    done = subprocess.run(
        ["sh", "-euc", f"set -a; . '{file}'; env"], capture_output=True, text=True, check=True, timeout=60
    )
    given = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert set(given) <= set(done.stdout.splitlines())
    assert done.stderr == ""


def test_a_demo_world_has_them(tmp_path: Path) -> None:
    write_settings(tmp_path, port=1, database_url="x", dags=DAGS, users_file=tmp_path / "users", more={})
    written = ConfigParser(interpolation=None)
    written.read(tmp_path / "airflow.cfg", encoding="utf-8")
    assert {name: written.get(*name) for name in named()} == named()


def test_every_airflow_component_of_the_containers_has_them() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"]
    components = {name: each for name, each in services.items() if each.get("command", [""])[0] == "airflow"}
    assert len(components) == 4  # a worker among them, where Celery runs the tasks
    components["tool"] = services["tool"]  # an administrator's own commands
    assert [name for name, each in components.items() if SAFETY not in each["env_file"]] == []


def test_every_unit_of_systemd_has_them() -> None:
    units = ROOT / "docker" / "systemd"
    common = (units / "exchange-.service.d" / "hardening.conf").read_text("utf-8")
    assert f"EnvironmentFile=/opt/household-exchange/docker/{SAFETY}" in common.splitlines()
    components = [path for path in units.glob("exchange-*.service") if "bin/airflow " in path.read_text("utf-8")]
    assert len(components) == 3


def test_every_airflow_pod_has_them() -> None:
    docker = ROOT / "docker"
    kustomization = yaml.safe_load((docker / "kustomization.yaml").read_text("utf-8"))
    (name,) = [each["name"] for each in kustomization["configMapGenerator"] if each.get("envs") == [SAFETY]]
    pods = [
        each["spec"]["template"]["spec"]
        for path in kustomization["resources"]
        for each in yaml.safe_load_all((docker / path).read_text("utf-8"))
        if each["kind"] in ("Deployment", "Job")
    ]
    airflow = [one for pod in pods for one in pod["containers"] if one["image"] == "household-exchange"]
    assert len(airflow) == 4
    for container in airflow:
        assert {"configMapRef": {"name": name}} in container["envFrom"]
