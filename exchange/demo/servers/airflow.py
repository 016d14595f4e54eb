"""Airflow for the demo world: its database, its three components on loopback, and its users.

Rules: each component is a process of its own, and only the API server listens (``airflow standalone`` opens log servers
on every interface and leaves children behind). Tasks run in the scheduler, or on Celery workers where the world has
them. Variables of the caller's own Airflow are not passed on. Passwords and keys are in 0600 files of the world's own,
never in an argument or in the environment.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx

from exchange.base.errors import Halt
from exchange.base.files import make_folder, sha256_of, write_atomically
from exchange.base.paths import DAGS, POOLS
from exchange.demo.servers import processes
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.airflow_settings import USERS, write_settings
from exchange.demo.servers.celery import Celery
from exchange.demo.servers.ports import LOOPBACK, port_answers, remembered_port
from exchange.demo.servers.processes import must, wait_for
from exchange.settings import ENVIRONMENT_VARIABLE

COMPONENTS: Final = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}
"""No triggerer: no DAG here defers anything to it (``tests/airflow/test_dag_files.py``)."""

DAG_IDS: Final = tuple(sorted(path.stem for path in DAGS.glob("*.py")))
"""The project's own: each DAG stands in the file of its name."""

_START_SECONDS: Final = 600.0  # at a load of twenty it takes three minutes
_STOP_SECONDS: Final = 5.0
_HEALTH_SECONDS: Final = 30.0
_SAY_HOW_THEY_ARE: Final = ("metadatabase", "scheduler", "dag_processor")
"""Parts of Airflow's own answer, which also has one for the triggerer that nobody starts."""

_FOREIGN: Final = ("AIRFLOW_", "EXCHANGE_", "PG")


@dataclass(frozen=True)
class Airflow:
    """One Airflow in ``folder``; ``database_url`` is SQLAlchemy's, without the password, which ``password_file`` has.

    ``exchange_config`` is handed to the tasks as ``EXCHANGE_CONFIG``; ``celery``: who runs them, where not the
    scheduler does.
    """

    folder: Path
    database_url: str
    password_file: Path
    exchange_config: Path | None = None
    dags: Path = DAGS
    celery: Celery | None = None

    @property
    def commands(self) -> dict[str, list[str]]:
        """Name → command line of each process."""
        own = {name: [sys.executable, "-m", "airflow", *arguments] for name, arguments in COMPONENTS.items()}
        return own | (self.celery.commands() if self.celery else {})

    @property
    def port(self) -> int:
        """The API server's port on loopback."""
        return remembered_port(self.folder, "airflow")

    @property
    def base_url(self) -> str:
        """The address of the API server and the UI."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def users_file(self) -> Path:
        """JSON, 0600: user name → password."""
        return self.folder / "users.json"

    @property
    def users(self) -> dict[str, str]:
        """The users that Airflow made: name → password."""
        users: dict[str, str] = json.loads(self.users_file.read_text(encoding="utf-8"))
        return users

    def environment(self) -> dict[str, str]:
        """What a process of this Airflow runs in; with it, ``python -m airflow …`` by hand talks to this world."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        own = {
            "AIRFLOW_HOME": str(self.folder),
            "PGPASSFILE": str(self.password_file),
            "GX_ANALYTICS_ENABLED": "false",
            "PYTHONUTF8": "1",  # Airflow reads its own files in the locale's encoding, which may be GB18030
            "NO_PROXY": LOOPBACK,  # tasks speak with the API server directly, whatever proxy the machine has
            "no_proxy": LOOPBACK,
        }
        if self.exchange_config is not None:
            own[ENVIRONMENT_VARIABLE] = str(self.exchange_config)
        return kept | own

    def start(self, seconds: float = _START_SECONDS) -> None:
        """Prepares the database, starts what does not run, waits until all are healthy; Halt when it takes too long."""
        make_folder(self.folder)
        known = self.users if self.users_file.exists() else {}
        if known.keys() != USERS.keys():
            passwords = {name: known.get(name) or secrets.token_urlsafe(16) for name in USERS}
            write_atomically(self.users_file, json.dumps(passwords).encode())
        write_settings(
            self.folder,
            port=self.port,
            database_url=self.database_url,
            dags=self.dags,
            users_file=self.users_file,
            more=self.celery.settings() if self.celery else {},
        )
        self._migrate()
        if self.celery:
            self.celery.broker.start()
        for name, command in self.commands.items():
            processes.start(self.folder, name, command, self.environment())
        self._wait_until_healthy(seconds)

    def stop(self) -> None:
        """Ends all processes, those of an earlier start too, and all that they started, side by side; nothing to do
        when they do not run.
        """
        names = {*self.commands, *(path.stem for path in self.folder.glob("*.pid"))}
        stops: list[Callable[[], None]] = [partial(processes.stop, self.folder, name, _STOP_SECONDS) for name in names]
        with ThreadPoolExecutor(len(stops)) as pool:
            for done in [pool.submit(stop) for stop in stops]:
                done.result()
        if self.celery:
            self.celery.broker.stop()

    def missing(self) -> list[str]:
        """The processes that do not run."""
        return [name for name in self.commands if not processes.is_running(self.folder, name)]

    def is_healthy(self) -> bool:
        """Whether the database, the scheduler and the DAG processor say so, by the API server."""
        answer = self._answer("api/v2/monitor/health", _HEALTH_SECONDS)
        return answer is not None and all(answer[part]["status"] == "healthy" for part in _SAY_HOW_THEY_ARE)

    def api(self, user: str = "admin") -> AirflowApi:
        """A client logged in as this user."""
        return AirflowApi.log_in(self.base_url, user, self.users[user])

    def _wait_until_healthy(self, seconds: float) -> None:
        """The tasks' side of the API builds its routes, for seconds, when first asked: asked here, no task waits."""

        def is_over() -> bool:
            return bool(self.missing()) or (self._answer("execution/health", seconds) is not None and self.is_healthy())

        wait_for(is_over, seconds)
        if self.missing() or not self.is_healthy():
            what = f"ended: {', '.join(self.missing())}" if self.missing() else f"not healthy in {seconds:.0f} s"
            msg = f"Airflow did not start ({what}); see the logs in {self.folder}"
            raise Halt(msg)

    def _answer(self, path: str, seconds: float) -> dict[str, Any] | None:
        """The API server's answer; None while there is none. The port is tried first: an HTTP client costs far more."""
        if not port_answers(self.port):
            return None
        try:
            answer = httpx.get(f"{self.base_url}/{path}", timeout=seconds, trust_env=False)
        except httpx.TransportError:
            return None
        body: dict[str, Any] | None = answer.json() if answer.is_success else None
        return body

    def _migrate(self) -> None:
        """Brings the database to this version of Airflow and makes the project's pools; takes some seconds, so only
        where it was not done yet.
        """
        mark, wanted = self.folder / "migrated", f"{version('apache-airflow-core')} {sha256_of(POOLS)}"
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            must([sys.executable, "-m", "airflow", "db", "migrate"], self.environment())
            must([sys.executable, "-m", "airflow", "pools", "import", str(POOLS)], self.environment())
            write_atomically(mark, wanted.encode())
