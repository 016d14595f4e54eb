"""Airflow's settings for a demo world: one ``airflow.cfg``, 0600, with keys made for that world alone.

Rules: the keys are made once, everything else is written anew at each start; the database's password is not in it
(libpq's password file has it); as many tasks run at once as the pools have slots, so that no pool waits for another;
the users are Airflow's simple ones, meant for such a world, and a production site takes an auth manager of its own.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from configparser import ConfigParser
from io import StringIO
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder, write_atomically
from exchange.base.paths import DAGS, POOLS, ROOT
from exchange.demo.servers.ports import LOOPBACK

USERS: Final = {
    "admin": "admin", "op": "op", "leader": "viewer", "viewer": "viewer",
    "officer": "viewer", "officer-b": "viewer", "yanbian": "viewer", "supervisor": "viewer",
}  # fmt: skip
"""User → role of Airflow's. Officers, leaders and supervisors see in Airflow what a viewer does, and have pages of
their own.
"""

_KEYS: Final = (("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret"))


def pool_slots() -> int:
    """How many tasks run at once when all pools are full."""
    return sum(pool["slots"] for pool in json.loads(POOLS.read_bytes()).values())


def safety() -> dict[str, dict[str, object]]:
    """Section → setting → value, as ``docker/airflow-safety.env`` gives them to every installation."""
    settings: dict[str, dict[str, object]] = {}
    for line in (ROOT / "docker" / "airflow-safety.env").read_text("utf-8").splitlines():
        if not line.startswith("#") and line:
            name, _, value = line.partition("=")
            _, section, setting = name.lower().split("__")
            settings.setdefault(section, {})[setting] = value
    return settings


def write_settings(
    folder: Path,
    *,
    port: int,
    database_url: str,
    dags: Path,
    users_file: Path,
    more: Mapping[str, Mapping[str, object]],
) -> None:
    """Writes ``airflow.cfg`` in ``folder``, Airflow's home, and the project's own start-up file beside it. ``more``:
    settings by section that take the place of these or are added.
    """
    warm = ROOT / "docker" / "airflow_local_settings.py"
    write_atomically(make_folder(folder / "config") / warm.name, warm.read_bytes())
    path = folder / "airflow.cfg"
    before = ConfigParser(interpolation=None)
    before.read(path, encoding="utf-8")
    parser = ConfigParser(interpolation=None)
    settings = _settings(folder, port, database_url, dags, users_file)
    safe = safety()
    for section in sorted({*settings, *more, *safe}):
        values = safe.get(section, {}) | settings.get(section, {}) | dict(more.get(section, {}))
        # Airflow's reader takes a % for the start of a reference.
        parser[section] = {name: str(value).replace("%", "%%") for name, value in values.items()}
    for section, name in _KEYS:
        fresh = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        parser[section][name] = before.get(section, name, fallback=fresh)
    text = StringIO()
    parser.write(text)
    write_atomically(path, text.getvalue().encode())


def _settings(folder: Path, port: int, database_url: str, dags: Path, users_file: Path) -> dict[str, dict[str, object]]:
    return {
        "core": {
            "dags_folder": dags,
            "plugins_folder": DAGS / "plugins",
            "default_timezone": "Asia/Shanghai",
            "dags_are_paused_at_creation": False,
            "executor": "LocalExecutor",
            "parallelism": pool_slots(),
            "simple_auth_manager_users": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "simple_auth_manager_passwords_file": users_file,
        },
        "database": {
            "sql_alchemy_conn": database_url,
            "sql_alchemy_conn_async": database_url,  # psycopg 3 does both; so asyncpg is not needed
        },
        # Tasks talk to the API server at base_url: without it they would look for Airflow's usual port.
        "api": {"host": LOOPBACK, "port": port, "base_url": f"http://{LOOPBACK}:{port}", "workers": 1},
        "api_auth": {},
        "scheduler": {"scheduler_idle_sleep_time": 0.5},  # 0.1 costs an idle machine 0.15 of a core
        "workers": {"min_heartbeat_interval": 1},
        # Files that do not change are read anew for nothing; what changed is read at the next start.
        "dag_processor": {"refresh_interval": 240, "min_file_process_interval": 240},
        "logging": {
            "base_log_folder": folder / "logs",
            "colored_console_log": False,
        },
    }
