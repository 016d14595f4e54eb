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


def services(*names: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        for service, said in yaml.safe_load((ROOT / "docker" / name).read_text("utf-8"))["services"].items():
            found[service] = found.get(service, {}) | said
    return found


def default(text: str) -> str:
    """What ``${NAME:-default}`` stands for where nothing is set."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)


ALL = services("compose.yaml", "compose.celery.yaml")


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
