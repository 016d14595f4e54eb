"""The kustomize base: what it renders to fits Kubernetes' own schemas, and nothing in it names what is not there."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from exchange.base.paths import ROOT

BASE = ROOT / "docker"
KUSTOMIZATION = yaml.safe_load((BASE / "kustomization.yaml").read_text("utf-8"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
COMPOSE = yaml.safe_load((BASE / "compose.yaml").read_text("utf-8"))
OFFICE = "household-exchange"
KUBERNETES = "1.30"
"""The oldest that is held against its schemas; the newest comes by itself."""


def written() -> Iterator[dict[str, Any]]:
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((BASE / name).read_text("utf-8"))


RESOURCES = {(each["kind"], each["metadata"]["name"]): each for each in written()}


def pod_of(resource: dict[str, Any]) -> dict[str, Any] | None:
    """What a Deployment, a Job or a CronJob starts; None of anything else."""
    spec = resource.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    pod: dict[str, Any] | None = spec.get("template", {}).get("spec")
    return pod


PODS = {name: pod for (_, name), each in RESOURCES.items() if (pod := pod_of(each))}


def check(resource: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    for version in (KUBERNETES, validate.latest_version()):
        validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("name", RESOURCES, ids="-".join)
def test_a_resource_fits_the_schema(name: tuple[str, str]) -> None:
    check(RESOURCES[name])


def test_a_resource_that_does_not_fit_is_found() -> None:
    pytest.importorskip("kubernetes_validate")
    wrong = {**RESOURCES["Service", "sftp"], "spec": {"selecter": {}}}
    with pytest.raises(Exception, match="selecter"):
        check(wrong)


def test_what_kustomize_renders_fits(tmp_path: Any) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not there")
    done = subprocess.run(["kubectl", "kustomize", str(BASE)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    rendered = [each for each in yaml.safe_load_all(done.stdout) if each]
    assert len(rendered) == len(RESOURCES) + len(KUSTOMIZATION["configMapGenerator"])
    for each in rendered:
        check(each)
        assert each["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
    images = {container["image"] for each in rendered for container in (pod_of(each) or {}).get("containers", ())}
    assert images == {f"household-exchange:{VERSION}", f"household-exchange-sftp:{VERSION}"}


def test_every_file_is_listed_and_every_image_has_the_version() -> None:
    assert {f"kubernetes/{path.name}" for path in (BASE / "kubernetes").iterdir()} == set(KUSTOMIZATION["resources"])
    assert {image["newTag"] for image in KUSTOMIZATION["images"]} == {VERSION}
    named = {image["name"] for image in KUSTOMIZATION["images"]}
    assert {container["image"] for pod in PODS.values() for container in pod["containers"]} == named


@pytest.mark.parametrize(("name", "pod"), PODS.items(), ids=PODS)
def test_a_pod_mounts_what_is_claimed_and_has_few_rights(name: str, pod: dict[str, Any]) -> None:
    claimed = {
        volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    }
    assert all(("PersistentVolumeClaim", claim) in RESOURCES for claim in claimed)
    maps = {each["configMapRef"]["name"] for one in pod["containers"] for each in one.get("envFrom", ())}
    assert maps <= {each["name"] for each in KUSTOMIZATION["configMapGenerator"]}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert name == "sftp" or container["securityContext"]["readOnlyRootFilesystem"] is True
    assert name == "sftp" or pod["securityContext"]["runAsNonRoot"] is True


DEPLOYED = {name: pod for (kind, name), each in RESOURCES.items() if kind == "Deployment" and (pod := pod_of(each))}
OWN_LIFE = ({"tcpSocket": {"port": "ssh"}}, {"httpGet": {"path": "/api/v2/version", "port": "http"}})
"""What a process answers by itself, whatever else is out: its port, Airflow's version (tried in the containers)."""


@pytest.mark.parametrize(("name", "pod"), DEPLOYED.items(), ids=DEPLOYED)
def test_a_database_that_is_out_restarts_no_pod(name: str, pod: dict[str, Any]) -> None:
    """Liveness asks after the process itself, where it asks at all; that it can work is readiness."""
    (container,) = pod["containers"]
    times = {"periodSeconds", "timeoutSeconds", "initialDelaySeconds", "failureThreshold"}
    probes = {
        kind: {key: said for key, said in container[kind].items() if key not in times}
        for kind in ("livenessProbe", "readinessProbe", "startupProbe")
        if kind in container
    }
    assert "readinessProbe" in probes
    assert probes.get("livenessProbe", OWN_LIFE[0]) in OWN_LIFE
    assert "startupProbe" not in probes
    if container["image"] == OFFICE:
        asked = str(probes["readinessProbe"])
        assert "'database'" in asked or "/exchange/health" in asked


def test_tasks_reach_the_api_server_whatever_its_readiness_says() -> None:
    """A full disk is told; it must not keep the tasks that empty it from reporting."""
    settings = dict(line.split("=", 1) for line in KUSTOMIZATION["configMapGenerator"][1]["literals"])
    name = settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].split("/")[2].partition(":")[0]
    assert RESOURCES["Service", name]["spec"]["publishNotReadyAddresses"] is True


def test_what_several_nodes_share_is_read_write_many() -> None:
    users: dict[str, set[str]] = {}
    for name, pod in PODS.items():
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                users.setdefault(volume["persistentVolumeClaim"]["claimName"], set()).add(name)
    for claim, names in users.items():
        wanted = "ReadWriteMany" if len(names) > 1 else "ReadWriteOnce"
        assert RESOURCES["PersistentVolumeClaim", claim]["spec"]["accessModes"] == [wanted]


def test_settings_are_those_of_compose() -> None:
    """Two ways to install, the same Airflow."""
    given = dict(line.split("=", 1) for line in KUSTOMIZATION["configMapGenerator"][1]["literals"])
    assert given == COMPOSE["x-airflow"]["environment"]
    commands = {name: said["command"] for name, said in COMPOSE["services"].items() if "command" in said}
    for name, pod in PODS.items():
        if name in ("init", "backup"):
            assert pod["containers"][0]["command"] == commands[name]
        elif name in PODS.keys() & commands.keys():
            entrypoint = COMPOSE["services"][name]["entrypoint"]
            assert pod["containers"][0]["command"] == [*entrypoint, *commands[name]]


UNITS = {"backup": "exchange-backup", "backup-verify": "exchange-verify", "clean": "exchange-clean"}
"""CronJob, and the unit that does the same without containers."""


def test_jobs_run_at_the_hours_of_the_timers() -> None:
    """Two ways to install, the same hours; no job runs beside itself."""
    assert {name for kind, name in RESOURCES if kind == "CronJob"} == UNITS.keys()
    for cron, unit in UNITS.items():
        spec = RESOURCES["CronJob", cron]["spec"]
        minute, hour, *_, weekday = spec["schedule"].split()
        days = {"*": "", "0": "Sun "}[weekday]
        timer = (BASE / "systemd" / f"{unit}.timer").read_text("utf-8")
        assert f"OnCalendar={days}*-*-* {int(hour):02}:{int(minute):02}:00 {spec['timeZone']}" in timer
        assert spec["concurrencyPolicy"] == "Forbid"


def test_backups_are_made_as_by_the_units() -> None:
    for cron in ("backup", "backup-verify"):
        command = PODS[cron]["containers"][0]["command"]
        assert " ".join(command) in (BASE / "systemd" / f"{UNITS[cron]}.service").read_text("utf-8")
        assert {"/office", "/backup", "/secrets"} <= {
            each["mountPath"] for each in PODS[cron]["containers"][0]["volumeMounts"]
        }
