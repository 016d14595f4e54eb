"""Processes that outlive their starter: found again, told from strangers, stopped with all that they started."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.demo.servers import processes
from exchange.demo.servers.ports import port_answers, remembered_port

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"
PARENT = f"""\
import subprocess, sys
for own_session in (False, True):
    print(subprocess.Popen([sys.executable, "-c", "{SLEEP}"], start_new_session=own_session).pid, flush=True)
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def said(folder: Path, lines: int) -> list[str]:
    log = folder / "it.log"
    assert processes.wait_for(lambda: len(log.read_text().splitlines()) >= lines, 60)
    return log.read_text().splitlines()


def test_a_process_is_started_once_and_stopped(tmp_path: Path) -> None:
    assert not processes.is_running(tmp_path, "it")
    processes.start(tmp_path, "it", [sys.executable, "-c", f"import os; print(os.getpid(), flush=True); {SLEEP}"])
    processes.start(tmp_path, "it", [sys.executable, "-c", SLEEP])
    assert processes.is_running(tmp_path, "it")
    [pid] = said(tmp_path, 1)
    assert os.getsid(int(pid)) == int(pid), "it would end with its starter's terminal"
    assert stat.S_IMODE((tmp_path / "it.log").stat().st_mode) == 0o600
    processes.stop(tmp_path, "it")
    assert not processes.is_running(tmp_path, "it")
    assert not lives(int(pid))
    processes.stop(tmp_path, "it")


def test_one_that_ended_by_itself_is_collected_when_it_is_started_again(tmp_path: Path) -> None:
    processes.start(tmp_path, "it", [sys.executable, "-c", ""])
    pid = int((tmp_path / "it.pid").read_text().split()[0])
    assert processes.wait_for(lambda: not processes.is_running(tmp_path, "it"), 60)
    processes.start(tmp_path, "it", [sys.executable, "-c", SLEEP])
    try:
        assert not Path(f"/proc/{pid}").exists(), "it would stay a zombie for as long as its starter lives"
    finally:
        processes.stop(tmp_path, "it")


def test_stopping_takes_the_whole_family(tmp_path: Path) -> None:
    processes.start(tmp_path, "it", [sys.executable, "-c", PARENT + SLEEP])
    children = [int(pid) for pid in said(tmp_path, 2)]
    assert all(lives(pid) for pid in children)
    processes.stop(tmp_path, "it")
    assert not any(lives(pid) for pid in children)


def test_what_a_crashed_process_left_in_its_group_is_ended(tmp_path: Path) -> None:
    processes.start(tmp_path, "it", [sys.executable, "-c", PARENT.replace("(False, True)", "(False,)")])
    [orphan] = (int(pid) for pid in said(tmp_path, 1))
    assert processes.wait_for(lambda: not processes.is_running(tmp_path, "it"), 60)
    assert lives(orphan)
    processes.stop(tmp_path, "it")
    assert not lives(orphan)


def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    processes.start(tmp_path, "it", [sys.executable, "-c", DEAF])
    said(tmp_path, 1)
    processes.stop(tmp_path, "it", seconds=0.2)
    assert not processes.is_running(tmp_path, "it")


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    processes.start(tmp_path / "other", "it", [sys.executable, "-c", SLEEP])
    pid, started = (tmp_path / "other" / "it.pid").read_text().split()
    (tmp_path / "it.pid").write_text(f"{pid} {int(started) - 1}")
    assert not processes.is_running(tmp_path, "it")
    processes.stop(tmp_path, "it")
    assert lives(int(pid))
    processes.stop(tmp_path / "other", "it")


def test_a_failing_program_is_named_with_its_last_words() -> None:
    with pytest.raises(Halt, match="ended with 3: why"):
        processes.must([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"])


def test_a_port_is_remembered_and_free(tmp_path: Path) -> None:
    port = remembered_port(tmp_path, "it")
    assert remembered_port(tmp_path, "it") == port
    assert not port_answers(port)
