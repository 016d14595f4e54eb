"""Airflow for the demo world: its settings, its database, its four components on loopback, and its users.

Rules: each component is a process of its own, and only the API server listens (``airflow standalone`` opens log servers on
every interface and leaves children behind). The settings are an ``airflow.cfg`` of this world alone, 0600, with keys made
for it; variables of the caller's own Airflow are not passed on. The database's password stays in libpq's password file.
The users are Airflow's simple ones, with random passwords in a 0600 file; a production site takes an auth manager of its
own.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Final

import httpx

from exchange.demo.servers import processes
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.ports import LOOPBACK, port_answers, remembered_port
from exchange.demo.servers.processes import must, wait_for
from exchange.errors import Halt
from exchange.files import make_folder, write_atomically
from exchange.places import DAGS
from exchange.settings import ENVIRONMENT_VARIABLE

USERS: Final = ("admin", "op", "viewer")  # one user for each of these roles of Airflow's, named like it
COMPONENTS: Final = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Airflow:
    """One Airflow in ``folder``; ``database_url`` is SQLAlchemy's, without the password, which ``password_file`` has.

    ``exchange_config`` is handed to the tasks as ``EXCHANGE_CONFIG``.
    """

    folder: Path
    database_url: str
    password_file: Path
    exchange_config: Path | None = None
    dags: Path = DAGS

    @property
    def port(self) -> int:
        return remembered_port(self.folder, "airflow")

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def users_file(self) -> Path:
        """JSON, 0600: user name → password."""
        return self.folder / "users.json"

    @property
    def users(self) -> dict[str, str]:
        """User name → password; the name says the role."""
        users: dict[str, str] = json.loads(self.users_file.read_text(encoding="utf-8"))
        return users

    def environment(self) -> dict[str, str]:
        """What a process of this Airflow runs in; with it, ``python -m airflow …`` by hand talks to this world."""
        foreign = ("AIRFLOW_", "EXCHANGE_", "PG")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {
            "AIRFLOW_HOME": str(self.folder),
            "PGPASSFILE": str(self.password_file),
            "GX_ANALYTICS_ENABLED": "false",
            "NO_PROXY": LOOPBACK,  # tasks speak with the API server directly, whatever proxy the machine has
            "no_proxy": LOOPBACK,
        }
        if self.exchange_config is not None:
            own[ENVIRONMENT_VARIABLE] = str(self.exchange_config)
        return kept | own

    def start(self, seconds: float = _START_SECONDS) -> None:
        """Prepares the database, starts what does not run, waits until all is healthy; Halt when that takes too long."""
        make_folder(self.folder)
        self._make_users()
        self._write_settings()
        self._migrate()
        for name, arguments in COMPONENTS.items():
            processes.start(self.folder, name, [sys.executable, "-m", "airflow", *arguments], self.environment())
        if not wait_for(lambda: self.is_healthy() or bool(self.missing()), seconds) or self.missing():
            not_running = ", ".join(self.missing()) or "none has ended, but not all are healthy"
            msg = f"Airflow did not start in {seconds:.0f} s (ended: {not_running}); see the logs in {self.folder}"
            raise Halt(msg)

    def stop(self) -> None:
        """Ends the four components and all that they started, side by side; nothing to do when they do not run."""
        stops: list[Callable[[], None]] = [
            partial(processes.stop, self.folder, name, _STOP_SECONDS) for name in reversed(COMPONENTS)
        ]
        with ThreadPoolExecutor(len(stops)) as pool:
            for done in [pool.submit(stop) for stop in stops]:
                done.result()

    def missing(self) -> list[str]:
        """The components that do not run."""
        return [name for name in COMPONENTS if not processes.is_running(self.folder, name)]

    def is_healthy(self) -> bool:
        """Whether the database and all four components say so."""
        if not port_answers(self.port):
            return False
        try:
            # No certificates are read and no proxy is asked: either would cost more than the answer.
            answer = httpx.get(f"{self.base_url}/api/v2/monitor/health", timeout=5, verify=False, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.is_success and all(part["status"] == "healthy" for part in answer.json().values())

    def api(self, user: str = "admin") -> AirflowApi:
        """A client logged in as this user."""
        return AirflowApi.log_in(self.base_url, user, self.users[user])

    def _make_users(self) -> None:
        if not self.users_file.exists():
            passwords = {name: secrets.token_urlsafe(16) for name in USERS}
            write_atomically(self.users_file, json.dumps(passwords).encode())

    def _write_settings(self) -> None:
        """``airflow.cfg``; the keys are made once, the rest is written anew at each start."""
        place = self.folder / "airflow.cfg"
        before = ConfigParser(interpolation=None)
        before.read(place, encoding="utf-8")
        parser = ConfigParser(interpolation=None)
        parser.read_dict(self._settings())
        for section, name in (("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret")):
            fresh = urlsafe_b64encode(secrets.token_bytes(32)).decode()
            parser.setdefault(section, {})
            parser[section][name] = before.get(section, name, fallback=fresh)
        text = StringIO()
        parser.write(text)
        write_atomically(place, text.getvalue().encode())

    def _settings(self) -> dict[str, dict[str, str]]:
        sections: dict[str, dict[str, object]] = {
            "core": {
                "dags_folder": self.dags,
                "load_examples": False,
                "dags_are_paused_at_creation": False,
                "executor": "LocalExecutor",
                "parallelism": 4,
                "simple_auth_manager_users": ",".join(f"{name}:{name}" for name in USERS),
                "simple_auth_manager_passwords_file": self.users_file,
            },
            "database": {
                "sql_alchemy_conn": self.database_url,
                "sql_alchemy_conn_async": self.database_url,  # psycopg 3 does both; so asyncpg is not needed
                "load_default_connections": False,
            },
            # Tasks talk to the API server at base_url: without it they would look for Airflow's usual port.
            "api": {"host": LOOPBACK, "port": self.port, "base_url": self.base_url, "workers": 1},
            "scheduler": {"scheduler_idle_sleep_time": 0.1},
            "workers": {"min_heartbeat_interval": 1},
            "dag_processor": {"refresh_interval": 30},
            "logging": {
                "base_log_folder": self.folder / "logs",
                "colored_console_log": False,
                "file_task_handler_new_folder_permissions": "0o700",
                "file_task_handler_new_file_permissions": "0o600",
            },
        }
        # The file's reader takes % for the start of a reference.
        return {
            section: {name: str(value).replace("%", "%%") for name, value in values.items()}
            for section, values in sections.items()
        }

    def _migrate(self) -> None:
        """Brings the database to this version of Airflow; takes some seconds, so only where it was not done yet."""
        mark, wanted = self.folder / "migrated", version("apache-airflow-core")
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            must([sys.executable, "-m", "airflow", "db", "migrate"], self.environment())
            write_atomically(mark, wanted.encode())
