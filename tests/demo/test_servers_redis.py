"""Redis for Celery: no port, a socket that nobody else may use, nothing kept; and what is set for workers."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.demo.servers import redis as module
from exchange.demo.servers.airflow_settings import write_settings
from exchange.demo.servers.celery import VISIBLE_AGAIN_SECONDS, Celery
from exchange.demo.servers.redis import Redis, find_redis

installed = pytest.mark.skipif(find_redis() is None, reason="redis-server is not installed; make test installs it")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path / "redis")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@installed
def test_it_is_there_until_it_is_stopped_and_again(redis: Redis) -> None:
    redis.start()
    assert redis.answers()
    redis.stop()
    assert not redis.answers()
    redis.start()
    assert redis.answers()


@installed
def test_nobody_else_reaches_it(redis: Redis) -> None:
    assert stat.S_IMODE(redis.socket_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(redis.folder.stat().st_mode) == 0o700
    pid = int((redis.folder / "redis.pid").read_text().split()[0])
    owned = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        assert not [line for line in lines if f"socket:[{line.split()[9]}]" in owned]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_redis", lambda: None)
    with pytest.raises(Halt, match="apt-get install redis-server"):
        Redis(tmp_path).start()
    monkeypatch.setattr(module, "find_redis", lambda: Path("/bin/true"))
    with pytest.raises(Halt, match="shorter folder"):
        Redis(tmp_path / ("x" * 100)).start()


def test_a_dead_worker_is_found_long_before_its_message_comes_back(tmp_path: Path) -> None:
    """The settings as Airflow reads them: the executor, late acknowledgement, and the one timeout below the other."""
    database = "postgresql+psycopg://airflow@127.0.0.1:1/airflow"
    celery = Celery(Redis(tmp_path), database, workers=3, heartbeat_seconds=20)
    settings = {"port": 1, "database_url": "postgresql://", "dags": tmp_path, "users_file": tmp_path / "users.json"}
    write_settings(tmp_path, **settings, more=celery.settings())  # type: ignore[arg-type]
    written = ConfigParser()
    written.read(tmp_path / "airflow.cfg")
    assert written["core"]["executor"] == "CeleryExecutor"
    assert written["core"]["load_examples"] == "False"
    assert written["celery"]["broker_url"] == f"redis+socket://{tmp_path}/redis.sock"
    assert written["celery"]["result_backend"].startswith("db+postgresql+psycopg://airflow@")
    assert written["celery"]["task_acks_late"] == "True"
    heartbeat = written.getint("scheduler", "task_instance_heartbeat_timeout")
    assert heartbeat < written.getint("celery_broker_transport_options", "visibility_timeout") == VISIBLE_AGAIN_SECONDS
    assert sorted(celery.commands()) == ["worker-1", "worker-2", "worker-3"]
    assert all("--skip-serve-logs" in command for command in celery.commands().values())
