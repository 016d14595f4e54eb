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
        (DOCKER / "clean-airflow.sh", r"^days=(\d+)$"),
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


def test_airflows_records_go_by_one_script_alone() -> None:
    """``docker/clean-airflow.sh``, of which the days are looked at above; ``tests/airflow/test_cleaned.py`` runs it."""
    ours = [path for place in ("dags", "docker", "exchange") for path in (ROOT / place).rglob("*") if path.is_file()]
    cleaning = re.compile(rb"db[ \"',]+clean ")
    assert [path.name for path in ours if cleaning.search(path.read_bytes())] == ["clean-airflow.sh"]
