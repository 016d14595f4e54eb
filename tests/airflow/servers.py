"""A webhook and a mail server, real ones, that keep what they get; what runs of an Airflow, and one whose collector
rests for a while; a world of its own.
"""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.airflow_api import FINISHED, AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from tests.once import build_world

Received = list[bytes]
_SECONDS = 600
AT_WORK = ("queued", "running", "restarting")


@contextmanager
def world_apart(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[World]:
    """A world that other tests do not know; it leaves nothing behind."""
    place = World(tmp_path_factory.mktemp(name), lasting=False)
    try:
        build_world(tmp_path_factory, place)
        yield place
    finally:
        place.stop_servers()
        place.postgres.remove()


@contextmanager
def started(running: Airflow) -> Iterator[Airflow]:
    """Healthy, with the project's own DAGs; no process of it is left."""
    try:
        running.start()
        with running.api() as api:
            for dag_id in DAG_IDS:
                api.wait_for_dag(dag_id, _SECONDS)
        yield running
    finally:
        running.stop()
    assert processes_of(running) == []


class Webhook(BaseHTTPRequestHandler):
    received: Received
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(json.dumps({"path": self.path, "body": json.loads(body)}).encode())
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


class MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand over one mail."""

    received: Received

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    mail += line
                self.received.append(mail)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


@contextmanager
def serving(server: type[socketserver.TCPServer], handler: Any, **attributes: object) -> Iterator[tuple[int, Received]]:
    """The server's port, and what it gets."""
    received: Received = []
    with server(("127.0.0.1", 0), type("Handler", (handler,), {"received": received, **attributes})) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1], received
        running.shutdown()


def processes_of(airflow: Airflow) -> list[str]:
    """The command lines of all processes that run in this Airflow's home."""
    mark = f"AIRFLOW_HOME={airflow.folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


@contextmanager
def uncollected(airflow: Airflow) -> Iterator[None]:
    """Meanwhile the collector claims nothing: it looks by itself each minute, and would now and then be first, before a
    test with a clock of its own, and before the lookout.
    """
    with airflow.api() as api:
        api.call("PATCH", "dags/collect", {"is_paused": True})
        try:
            assert wait_for(lambda: _rests(api), _SECONDS)
            yield
        finally:
            api.call("PATCH", "dags/collect", {"is_paused": False})


def _rests(api: AirflowApi) -> bool:
    """Whether no task of the paused collector is at work. Its run need not have ended: Airflow starts no task of it
    meanwhile, and sees only each minute that the last one has ended.
    """
    runs = [run["dag_run_id"] for run in api.runs("collect") if run["state"] not in FINISHED]
    return not any(task["state"] in AT_WORK for run in runs for task in api.task_instances("collect", run))
