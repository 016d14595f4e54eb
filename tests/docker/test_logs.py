"""Logs stay for six months at least (网络安全法第二十一条第三项): nothing that we ship takes one away before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from exchange.base.paths import ROOT
from exchange.settings_sections import LEAST_LOG_DAYS

DOCKER = ROOT / "docker"
SYSTEMD = DOCKER / "systemd"


def days(text: str, pattern: str) -> list[int]:
    return [int(found) for found in re.findall(pattern, text, re.MULTILINE)]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (SYSTEMD / "journald@exchange.conf", r"^MaxRetentionSec=(\d+)day$"),
        (SYSTEMD / "tmpfiles.conf", r"^d \S+/logs .* (\d+)d$"),
    ],
)
def test_what_the_units_keep(path: Path, pattern: str) -> None:
    (kept,) = days(path.read_text("utf-8"), pattern)
    assert kept >= LEAST_LOG_DAYS


def test_every_file_that_ages_is_known_here() -> None:
    """A line of tmpfiles with an age, beside the logs', would take something away that no test looks at."""
    lines = (SYSTEMD / "tmpfiles.conf").read_text("utf-8").splitlines()
    aged = [line for line in lines if not line.startswith("#") and re.search(r"\s\d+d$", line)]
    assert len(aged) == 1


@pytest.mark.parametrize("path", sorted(DOCKER.glob("compose*.yaml")), ids=lambda path: path.name)
def test_no_container_bounds_its_log_by_size(path: Path) -> None:
    """A size says nothing of six months: who runs containers gives the engine's log a driver that keeps by age."""
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    assert [name for name, service in services.items() if "logging" in service] == []


def test_nothing_here_cleans_airflows_records() -> None:
    """`airflow db clean` is the installer's, with a day that the operations book names."""
    ours = [*(ROOT / "dags").rglob("*.py"), *SYSTEMD.rglob("*.service"), *DOCKER.glob("*.yaml")]
    assert [path.name for path in ours if re.search(r"db[ \"',]+clean", path.read_text("utf-8"))] == []
