"""The units for an installation without containers: systemd takes them, and what is not needed is taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exchange.base.paths import ROOT

UNITS = ROOT / "docker" / "systemd"
INSTALLED = "/opt/household-exchange/.venv/bin/"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
EXPOSED_AT_MOST = 20
"""Tenths of what `systemd-analyze security` says: below 2 is *OK*."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not there")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with the programs of this environment, whose own path may have blanks in it."""
    place, programs = tmp_path / "units", tmp_path / "programs"
    programs.symlink_to(Path(sys.executable).parent)
    shutil.copytree(UNITS, place)
    for path in place.rglob("*.service"):
        text = path.read_text("utf-8").replace(INSTALLED, f"{programs}/")
        path.write_text(text, "utf-8")
    return place


def analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The trailing colon keeps systemd's own units on the path."""
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_systemd_finds_nothing_wrong(units: Path) -> None:
    found = [str(path) for path in sorted(units.iterdir()) if path.suffix in (".service", ".timer", ".target")]
    done = analyze(units, "verify", "--man=no", *found)
    ours = [line for line in done.stderr.splitlines() if "exchange" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("service", SERVICES)
def test_little_is_exposed(units: Path, service: str) -> None:
    arguments = ("--offline=yes", f"--threshold={EXPOSED_AT_MOST}", "--no-pager", str(units / service))
    done = analyze(units, "security", *arguments)
    assert done.returncode == 0, done.stdout


def test_a_service_without_the_common_part_is_exposed(units: Path) -> None:
    """So that the test before can fail: the limits come from the drop-in that all names share."""
    shutil.rmtree(units / "exchange-.service.d")
    arguments = ("--offline=yes", f"--threshold={EXPOSED_AT_MOST}", "--no-pager", str(units / SERVICES[0]))
    assert analyze(units, "security", *arguments).returncode != 0


def test_every_timer_has_its_service_and_a_time(units: Path) -> None:
    timers = sorted(units.glob("*.timer"))
    assert len(timers) == 4
    for timer in timers:
        assert timer.with_suffix(".service").name in SERVICES
        (when,) = [line for line in timer.read_text("utf-8").splitlines() if line.startswith("OnCalendar=")]
        assert analyze(units, "calendar", when.partition("=")[2]).returncode == 0


def test_settings_are_those_of_compose(units: Path) -> None:
    """Another way to install, the same Airflow: whoever may log in above all. Places are this installation's own."""
    text = (units / "exchange-.service.d" / "hardening.conf").read_text("utf-8")
    lines = [line.removeprefix("Environment=") for line in text.splitlines() if line.startswith("Environment=")]
    given = dict(line.split("=", 1) for line in lines)
    wanted = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["x-airflow"]["environment"]
    elsewhere = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL"}  # on one machine: Airflow's own
    assert wanted.keys() - elsewhere <= given.keys()
    for name in wanted.keys() - elsewhere:
        assert given[name].removeprefix("/srv/exchange") == wanted[name], name


def test_the_api_server_starts_before_tasks_do_and_is_stopped_after_them() -> None:
    """Here and in compose; in Kubernetes no pod waits for another, and tasks wait for the API server everywhere."""
    lines = (UNITS / "exchange-scheduler.service").read_text("utf-8").splitlines()
    assert {f"{word}=exchange-api-server.service" for word in ("Wants", "After")} <= set(lines)
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"]
    for name in ("scheduler", "worker"):
        assert services[name]["depends_on"].keys() >= {"postgres", "api-server"}, name


def test_no_unit_sets_what_the_common_part_sets_behind_it(units: Path) -> None:
    """Drop-ins are read after the unit: their environment would win."""
    common = (units / "exchange-.service.d" / "hardening.conf").read_text("utf-8")
    named = {line.split("=")[1] for line in common.splitlines() if line.startswith("Environment=")}
    for path in units.glob("*.service"):
        own = {line.split("=")[1] for line in path.read_text("utf-8").splitlines() if line.startswith("Environment=")}
        assert not own & named, path.name
