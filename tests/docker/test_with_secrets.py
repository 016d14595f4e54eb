"""``docker/with-secrets.sh``: what stands in ``airflow.env`` is a command's environment, letter for letter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from exchange.operation.installing import Plan, make_office

SCRIPT = ROOT / "docker" / "with-secrets.sh"
SAY = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"
SHELLS = [shell for shell in (["sh"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
AS_IT_STANDS = (
    "plain", "a blank", " at both ends ", "$HOME", "`id`", "$(id)", "a&b;c|d", "back\\slash\\n", "#", "a=b==", "*",
    "张三", "it's", 'say "so"', "'", '"', "", "!", "~", "redis://:p%40w@redis:6379/0",
)  # fmt: skip
QUOTED = {"'a&b'": "a&b", '"a b"': "a b", "'$HOME'": "$HOME", '"it\'s"': "it's", "'\"'": '"', "''": ""}


def run(file: Path, *words: str, by: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"AIRFLOW_ENV": str(file), "LC_ALL": "C.UTF-8", "KEPT": "from before", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [*by, str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_a_line_is_taken_as_it_stands(tmp_path: Path, shell: list[str]) -> None:
    lines = {f"NAME_{place}": text for place, text in enumerate([*AS_IT_STANDS, *QUOTED])}
    file = tmp_path / "airflow.env"
    written = "".join(f"{name}={text}\n" for name, text in lines.items())
    file.write_text(f"# a note, X=1\n\n{written}no assignment\nLAST=without an end", "utf-8")
    done = run(file, sys.executable, "-c", SAY, "two words", "", "$HOME", by=shell)
    assert (done.returncode, done.stderr) == (0, "")
    environment, words = json.loads(done.stdout)
    assert {name: environment[name] for name in lines} == {name: QUOTED.get(text, text) for name, text in lines.items()}
    assert environment["LAST"] == "without an end"
    assert environment["KEPT"] == "from before"
    assert not {"X", "# a note, X"} & set(environment)
    assert words == ["two words", "", "$HOME"]


@pytest.mark.parametrize("host", ["postgres", "/var/run/postgresql"])
def test_what_the_office_writes_reaches_airflow(tmp_path: Path, host: str) -> None:
    """A socket's address has an ``&`` in it, and quotes around it."""
    plan = Plan.model_validate({"office": "虚构", "folder": tmp_path / "office", "database": {"host": host}})
    list(make_office(plan))
    file = plan.secret_folder / "airflow.env"
    environment, _ = json.loads(run(file, sys.executable, "-c", SAY, by=SHELLS[0]).stdout)
    for line in file.read_text("utf-8").splitlines():
        name, _, text = line.partition("=")
        assert environment[name] == text.strip("'")
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg://airflow@")


def test_the_command_takes_its_place_and_its_code_is_the_answer(tmp_path: Path) -> None:
    """A container's first process is the command: it gets the signals."""
    file = tmp_path / "airflow.env"
    file.write_text("A=1\n", "utf-8")
    assert run(file, "sh", "-c", "exit 7", by=SHELLS[0]).returncode == 7
    started = subprocess.Popen(
        ["sh", str(SCRIPT), sys.executable, "-c", "import os; print(os.getpid())"],
        env={"AIRFLOW_ENV": str(file)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.communicate(timeout=60)[0].strip() == str(started.pid)


def test_without_the_file_nothing_starts(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "echo", "started", by=SHELLS[0])
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "none" in done.stderr
