"""What Airflow's components import before they fork starts no threads of work, which would be dead after the fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.base.paths import DAGS, ROOT

PROGRAM = """
import os, runpy, sys
settings, sys.argv = sys.argv[1], ["airflow", *sys.argv[2:]]
runpy.run_path(settings)
assert "exchange.pipeline" in sys.modules
names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
assert not [name for name in names if name.startswith(("polars-0", "polars-1", "tokio", "async"))], names
child = os.fork()
if child == 0:
    import polars as pl
    total = pl.DataFrame({"n": range(100_000)}).lazy().group_by(pl.col("n") % 7).agg(pl.len()).collect()["len"].sum()
    os._exit(0 if total == 100_000 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("component", [["scheduler"], ["celery", "worker"]], ids=" ".join)
def test_nothing_is_run_before_the_fork(component: list[str]) -> None:
    settings = ROOT / "docker" / "airflow_local_settings.py"
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(settings), *component]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr


QUIET = """
import logging, runpy, sys
settings, dags = sys.argv[1:]
sys.argv = ["airflow", "scheduler"]
runpy.run_path(settings)
sys.path.insert(0, dags)
import household.tasks
assert not logging.getLogger("paramiko.transport").isEnabledFor(logging.ERROR)
"""


def test_a_server_that_hangs_up_fills_no_log_whatever_was_imported_first() -> None:
    """Of paramiko's own some 25 lines each time, a stack line by line; what went wrong is raised, too."""
    settings = ROOT / "docker" / "airflow_local_settings.py"
    command = [sys.executable, "-W", "ignore", "-c", QUIET, str(settings), str(DAGS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr


EACH_MINUTE = ("batch", "collect", "immediate", "lookout", "release", "releases", "household/tasks")
NEEDED = """
import ast, gc, pathlib, runpy, sys
settings, dags, *names = sys.argv[1:]
sys.argv = ["airflow", "scheduler"]
import airflow
runpy.run_path(settings)
gc.freeze()
gc.unfreeze()  # as Airflow does around its forks
assert gc.get_freeze_count() > 0, "the next collection writes to all that the forks share"
there = set(sys.modules)
from airflow.sdk.execution_time import supervisor
sys.path.insert(0, dags)
for name in names:
    for each in ast.walk(ast.parse(pathlib.Path(dags, f"{name}.py").read_bytes())):
        if isinstance(each, ast.Import | ast.ImportFrom) and getattr(each, "module", "") != "__future__":
            exec(ast.unparse(each))
print("new:", *sorted(name for name in set(sys.modules) - there if name.startswith(("exchange.", "airflow.sdk.exec"))))
"""


def test_a_task_finds_what_it_imports(tmp_path: Path) -> None:
    """Those that run all day, in what they import inside of tasks too; else each would have it in memory of its own."""
    settings = ROOT / "docker" / "airflow_local_settings.py"
    command = [sys.executable, "-W", "ignore", "-c", NEEDED, str(settings), str(DAGS), *EACH_MINUTE]
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].split() == ["new:"]
