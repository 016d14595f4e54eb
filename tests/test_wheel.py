"""The wheel works without the checkout: tables, suites, DAGs and migrations are inside, and it answers a batch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.app import App
from exchange.base.paths import ROOT
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.register import State

LEFT = shutil.ignore_patterns(
    ".git", ".venv", "var", "build", "*.egg-info", ".*_cache", "__pycache__", "benchmarks", "node_modules"
)


def run(*command: str | Path, cwd: Path, **settings: str) -> str:
    """A program without this process's paths, with these variables; what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EXCHANGE"))}
    environment |= settings
    ended = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel, built from the source archive as ``python -m build`` does;
    what it depends on is seen through a path file, which does not bring the editable installation with it.
    """
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, place / "source", ignore=LEFT)
    archived = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", archived, place, cwd=place / "source")
    shutil.rmtree(place / "source")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    archive = next(place.glob("*.tar.gz"))
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", place, archive, cwd=place)
    venv.create(place / "env", symlinks=True)
    programs = place / "env" / "bin"
    wheel = next(place.glob("*.whl"))
    run(*pip, "--python", programs / "python", "install", "-q", "--no-deps", "--no-index", wheel, cwd=place)
    library = next((place / "env" / "lib").glob("python*/site-packages"))
    (library / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


def test_its_own_data_is_inside(installed: Path) -> None:
    told = run(
        installed / "python",
        "-c",
        "from exchange.base import paths as p; from exchange.register import database as d;"
        "from exchange.cli import lazy;"
        "print(p.ROOT); print(p.POOLS.is_file(), len(list(p.DAGS.glob('*.py'))), len(list(p.SCHEMAS.iterdir())) > 10);"
        "print((p.DAGS / 'plugins' / 'due_day.py').is_file(), len(list(p.EXPECTATIONS.glob('*.json'))));"
        "print(len(list((d._MIGRATIONS / 'versions').glob('0*.py'))))",
        cwd=installed,
    ).splitlines()
    assert Path(told[0]).is_relative_to(installed.parent)
    assert told[1] == f"True {len(list((ROOT / 'dags').glob('*.py')))} True"
    assert told[2] == f"True {len(list((ROOT / 'expectations').glob('*.json')))}"
    assert told[3] == str(len(list((ROOT / "exchange/register/migrations/versions").glob("0*.py"))))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("schemas", "--check"), ("due", "monthly", "2026-09-28")], ids=" ".join
)
def test_its_commands_run(installed: Path, arguments: tuple[str, ...]) -> None:
    run(installed / "exchange", *arguments, cwd=installed)


def test_it_answers_a_batch(
    installed: Path, world: World, app: App, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    """Over SFTP, from the register that its own migrations find up to date, without Airflow."""
    request = ask()
    court.drop(court.make_set(request))
    for arguments in (("register", "migrate"), ("batch", "collect"), ("batch", "run", request.batch)):
        run(installed / "exchange", *arguments, cwd=installed, EXCHANGE_CONFIG=str(world.config))
    assert app.register.batch(request.batch).state in (State.DELIVERED, State.CLOSED)
    assert b"R1" in court.result(request.batch).data
