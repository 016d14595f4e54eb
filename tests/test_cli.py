"""The command line as a person meets it: what it prints and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.base.paths import ROOT
from exchange.cli.main import commands
from exchange.demo.world import World


def exchange(*arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "EXCHANGE_CONFIG"}
    return subprocess.run(
        [str(Path(sys.executable).with_name("exchange")), *arguments],
        env=kept | ({"EXCHANGE_CONFIG": str(config)} if config else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd="/",
    )


def test_help_is_the_map() -> None:
    printed = exchange("--help").stdout
    assert all(
        word in printed for word in ("batch", "register", "snapshot", "partner", "keys", "due", "demo", "70", "75")
    )


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert exchange("--version").stdout == f"{project['version']}\n"


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (
            ("monthly", "2026-09-28"),
            "2026-10-10  5 个工作日 working days\n  计入 counted 09-29 09-30 10-08 10-09 10-10\n",
        ),
        (
            ("annual", "2026-12-15"),
            "2027-01-13  20 个工作日 working days（暂定 provisional）\n"
            "  计入 counted 12-16 12-17 12-18 12-21 12-22 12-23 12-24 12-25 12-28 12-29\n"
            "  计入 counted 12-30 12-31 01-04 01-05 01-06 01-07 01-08 01-11 01-12 01-13\n",
        ),
        (("ad_hoc", "2026-10-01"), "2026-10-01  0 个工作日 working days\n"),
        (
            ("ad_hoc", "2026-11-23", "--item", "name", "--item", "criminal_record"),
            "2026-11-23  0 个工作日 working days\n2026-11-26  3 个工作日 working days: criminal_record\n",
        ),
    ],
)
def test_due(arguments: tuple[str, ...], printed: str) -> None:
    ended = exchange("due", *arguments)
    assert (ended.returncode, ended.stdout) == (0, printed)


@pytest.mark.parametrize(
    "arguments",
    [("weekly", "2026-09-28"), ("monthly", "28.9.2026"), ("ad_hoc", "2026-11-23", "--item", "criminal_recrod")],
)
def test_due_says_what_is_right(arguments: tuple[str, ...]) -> None:
    ended = exchange("due", *arguments)
    assert ended.returncode == 2
    assert any(right in ended.stderr for right in ("annual", "YYYY-MM-DD", "criminal_record"))


def test_without_settings_it_says_what_to_do() -> None:
    ended = exchange("register", "list")
    assert ended.returncode == 70
    assert "EXCHANGE_CONFIG" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_office_at_a_glance(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: starting one for each of them would take longer than all that they do."""
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    for command, words in {
        ("partner", "check"): [
            "assessment",
            "court-changchun",
            "education-jilin",
            "health-jilin",
            "social-security-yanbian",
        ],
        ("partner", "connect", "court-changchun"): ["connected"],
        ("snapshot", "list"): ["population", "drug_control"],
        ("keys", "show"): ["signing", "encryption"],
        ("register", "list"): [],
        ("register", "incomplete"): ["None"],
        ("register", "verify"): ["unaltered"],
        ("batch", "collect"): [],
        ("supervise",): ["逾期 late", "今日到期 due today"],
        ("report", "monthly"): ["outside.html", "outside.xlsx"],
        ("retention", "run", "--dry-run"): ["originals 0"],
        ("retention", "holds"): ["None"],
    }.items():
        ended = CliRunner().invoke(commands, list(command))
        assert ended.exit_code == 0, ended.output
        said = " ".join(ended.stdout.split())  # wherever a line ends
        assert [word for word in words if word not in said] == [], command


def test_an_unknown_batch_is_for_a_person(world: World) -> None:
    ended = exchange("batch", "run", "court-changchun.none", config=world.config)
    assert ended.returncode == 70
    assert "court-changchun.none is not in the register" in " ".join(ended.stderr.split())
