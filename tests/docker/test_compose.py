"""The compose files: every service has an image with a version and a look at its health, none may gain rights."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from exchange.base.paths import ROOT
from exchange.operation.health import CHECKS

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
OURS = "household-exchange"


def written(name: str) -> dict[str, Any]:
    """What stands in this file of ``docker/``."""
    said: dict[str, Any] = yaml.safe_load((ROOT / "docker" / name).read_text("utf-8"))
    return said


def services(*names: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        for service, said in written(name)["services"].items():
            found[service] = found.get(service, {}) | said
    return found


def default(text: str) -> str:
    """What ``${NAME:-default}`` stands for where nothing is set."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)


ALL = services("compose.yaml", "compose.celery.yaml")
SECRETS = written("compose.yaml")["secrets"] | written("compose.celery.yaml")["secrets"]


@pytest.mark.parametrize("name", ALL)
def test_a_service(name: str) -> None:
    service = ALL[name]
    image, _, tag = default(service["image"]).rpartition(":")
    assert tag not in ("", "latest")
    assert not image.startswith(OURS) or tag == VERSION
    assert "build" not in service or image.startswith(OURS)
    check = service["healthcheck"]
    assert check.get("disable") or {"test", "interval", "timeout"} <= set(check)
    if image == OURS:
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


@pytest.mark.parametrize("name", ALL)
def test_what_health_is_asked_for_is_a_check(name: str) -> None:
    asked = ALL[name]["healthcheck"].get("test", [])
    named = [asked[place + 1] for place, word in enumerate(asked) if word == "--only"]
    assert set(named) <= set(CHECKS)
    assert named or "exchange" not in asked


SECRET = re.compile(r"/secrets/(?!plan\.toml)")
"""A file of ``secrets/`` that holds one, or may; the plan holds none."""


@pytest.mark.parametrize("name", ALL)
def test_no_service_has_a_secret_among_its_settings(name: str) -> None:
    """Whoever may look at a container (``docker inspect``) reads its environment: secrets are files, as which one that
    is not there is an error and no new empty folder.
    """
    service = ALL[name]
    for file in service.get("env_file", []):
        assert (ROOT / "docker" / file).is_file(), "ours, which is public"
    for value in service.get("environment", {}).values():
        assert not re.search(r"://[^/@]*:[^/@]+@", value), "an address with a password"
    mounts = [str(mount) for mount in service.get("volumes", [])]
    assert not [mount for mount in mounts if SECRET.search(mount)], "a file of secrets/ that is mounted as a volume"
    for secret in service.get("secrets", []):
        source = secret if isinstance(secret, str) else secret["source"]
        assert "secrets/" in default(SECRETS[source]["file"])


@pytest.mark.parametrize("name", [name for name in ALL if ALL[name].get("command", [""])[0] == "airflow"])
def test_every_component_gets_airflows_secrets(name: str) -> None:
    assert ALL[name]["entrypoint"] == ["sh", "/app/docker/with-secrets.sh"]
    assert {each["target"] for each in ALL[name]["secrets"]} == {
        "/secrets/pgpass",
        "/secrets/airflow.env",
        "/secrets/webserver_config.py",
    }


def test_volumes_are_the_same_wherever_the_files_lie() -> None:
    """Compose names them by the project, and the project, unless it is told, by the folder: a renamed one would be an
    installation without a database. Changed after a release, this line leaves every office's behind.
    """
    assert written("compose.yaml")["name"] == "household-exchange"
    assert "name" not in written("compose.celery.yaml")  # of several files the last one's would count
    for volume in written("compose.yaml")["volumes"].values():
        assert volume == {}, "named by the project, so that a second installation has its own"


def test_no_image_is_built_on_latest() -> None:
    for path in (ROOT / "docker").glob("*Dockerfile"):
        lines = path.read_text("utf-8").splitlines()
        given = dict(line.split()[1].split("=") for line in lines if line.startswith("ARG "))
        bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
        assert bases
        for base in bases:
            name = given[base.strip("${}")]
            assert ":" in name
            assert not name.endswith(":latest")
