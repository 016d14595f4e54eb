"""The DAG files by themselves: they can be read without a server and without an installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exchange.demo.servers.airflow import DAG_IDS


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("bag.py"))]
    own = {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    ended = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found


def test_all_are_read(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    assert sorted(bag["dags"]) == sorted(DAG_IDS)


def test_the_parts_of_the_watch_do_not_hold_each_other_up(bag: dict[str, Any]) -> None:
    assert bag["dags"]["deadline_watch"] == {
        "count_again": [],
        "deadlines": ["count_again"],
        "cycles": [],
        "tell": ["cycles", "deadlines"],
        "troubles": ["count_again", "cycles", "deadlines"],
    }
