"""How long installed settings keep logs: what is shipped passes, and anything under six months is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from exchange.operation.finding import Condition
from exchange.operation.log_days import days_of, findings
from exchange.settings_sections import LEAST_LOG_DAYS

OK, WARNING, _ = Condition
LOGS = "/var/lib/exchange/airflow/logs"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a machine with what is shipped, where the operations book puts it."""
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    monkeypatch.delenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", raising=False)
    for name in ("etc/systemd", "etc/tmpfiles.d", "usr/lib/tmpfiles.d"):
        (tmp_path / name).mkdir(parents=True)
    shipped = ROOT / "docker" / "systemd"
    shutil.copy(shipped / "journald@exchange.conf", tmp_path / "etc/systemd")
    shutil.copy(shipped / "tmpfiles.conf", tmp_path / "etc/tmpfiles.d/exchange.conf")
    return tmp_path


def conditions(machine: Path) -> dict[str, Condition]:
    return {each.about: each.condition for each in findings(machine)}


def test_what_is_shipped_is_enough(machine: Path) -> None:
    assert conditions(machine) == {"journal": OK, LOGS: OK}


@pytest.mark.parametrize(
    ("days", "condition"), [(LEAST_LOG_DAYS, OK), (LEAST_LOG_DAYS - 1, WARNING), (7, WARNING), (0, WARNING)]
)
def test_the_boundary(machine: Path, days: int, condition: Condition) -> None:
    drop = machine / "etc/systemd/journald@exchange.conf.d"
    drop.mkdir()
    (drop / "50-shorter.conf").write_text(f"[Journal]\nMaxRetentionSec={days}day\n", encoding="utf-8")
    (machine / "etc/tmpfiles.d/exchange.conf").write_text(f"d {LOGS} 0700 a a {days or 1}d\n", encoding="utf-8")
    assert conditions(machine) == {"journal": condition, LOGS: condition}


def test_by_size_alone_is_not_six_months(machine: Path) -> None:
    (machine / "etc/systemd/journald@exchange.conf").write_text("[Journal]\nSystemMaxUse=4G\n", encoding="utf-8")
    assert conditions(machine)["journal"] is WARNING


def test_the_nearest_line_holds_and_etc_goes_first(machine: Path) -> None:
    for place, line in (("usr", "d /var/lib/exchange 0700 a a 3d"), ("usr", f"d {LOGS} 0700 a a 3d")):
        (machine / place / "lib/tmpfiles.d/exchange.conf").write_text(line + "\n", encoding="utf-8")
        assert conditions(machine)[LOGS] is OK
    (machine / "etc/tmpfiles.d/exchange.conf").write_text("d /var/lib/exchange 0700 a a 3d\n", encoding="utf-8")
    assert conditions(machine)[LOGS] is WARNING
    (machine / "etc/tmpfiles.d/exchange.conf").write_text(f"d {LOGS} 0700 a a -\n", encoding="utf-8")
    assert LOGS not in conditions(machine), "nothing takes them away"


def test_airflows_own_folder_is_looked_at(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/tmp/airflow")  # noqa: S108  (no file of it is made)
    (machine / "usr/lib/tmpfiles.d/tmp.conf").write_text("q /tmp 1777 root root 10d\n", encoding="utf-8")
    assert conditions(machine)["/tmp/airflow/logs"] is WARNING  # noqa: S108


def test_a_container_says_that_nothing_can_be_seen(tmp_path: Path) -> None:
    (found,) = findings(tmp_path)
    assert (found.condition, found.about) == (OK, "")


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("210day", 210), ("210d", 210), ("30 weeks", 210), ("7month", 213.08), ("7M", 213.08), ("1y", 365.25),
        ("1year 2w", 379.25), ("86400", 1), ("48h", 2), ("1440m", 1), ("1440min", 1), ("0", 0), ("-", None),
        ("", None), ("many", None), ("5 ms", None),
    ],
)  # fmt: skip
def test_spans_as_systemd_writes_them(written: str, days: float | None) -> None:
    assert days_of(written) == (None if days is None else pytest.approx(days))
