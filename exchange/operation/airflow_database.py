"""Airflow's part of an office: its tables and its pools, made by its own program; for ``exchange office init``.

Rules
- Airflow is asked as a program, with the secrets of ``airflow.env`` in its environment and a home that goes again.
- What is there stays: a pool is imported where there is none of its name, or where it is as Airflow made it.
- Under FAB whoever has the role Viewer may read the list of plugins, and nothing else is added: by that list Airflow's
  UI shows the office's pages, and without it officers and leaders find no way to theirs.
- Under FAB an operator (Op) has no part in connections, variables and settings: where alerts go is the administrator's.
  FAB gives each role its own rights whenever it is asked to, which here alone it is (``UPDATE_FAB_PERMS``).
- Where FAB is installed and nobody names another auth manager, it is FAB: an administrator's shell need not know what
  the services' environment says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psycopg

from exchange.base.errors import Halt, Retryable
from exchange.base.files import write_atomically
from exchange.base.paths import POOLS
from exchange.operation.installing import AIRFLOW, Done, Plan
from exchange.register.troubles import of_connection
from exchange.settings import read_secret

PROGRAM: Final = Path(sys.executable).with_name("airflow")
_SECONDS: Final = 1800
_AS_MADE: Final = ("default_pool", 128)
"""What Airflow itself makes, and with how many slots."""
_AUTH_MANAGER: Final = "AIRFLOW__CORE__AUTH_MANAGER"
_LOG_IN: Final = "AIRFLOW__FAB__CONFIG_FILE"
_FAB: Final = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_ADDED: Final = ("Viewer", "can_read", "Plugins")
WITHHELD: Final = ("Connections", "Variables", "Configurations")
"""What Op has no part in."""
_RIGHTS: Final = """
    SELECT ab_role.name, ab_permission.name, ab_view_menu.name
    FROM ab_permission_view_role JOIN ab_role ON ab_role.id = role_id
    JOIN ab_permission_view ON ab_permission_view.id = permission_view_id
    JOIN ab_permission ON ab_permission.id = permission_id JOIN ab_view_menu ON ab_view_menu.id = view_menu_id
"""


def check_log_in(program: Path = PROGRAM) -> None:
    """Halt where the environment names a file that says who may log in, and it cannot be read: FAB would say nothing
    and take a log-in of its own.
    """
    named = os.environ.get(_LOG_IN, "")
    if not named or not program.exists():
        return
    try:
        Path(named).read_bytes()
    except OSError as error:
        msg = f"{named}: {error.strerror}; it says who may log in, and how: docs/operations.md, Log-in"
        raise Halt(msg, zh=f"{named} 读不到：其中写谁可登录、如何登录，见 docs/operations.md“登录”。") from None


def make_airflow(plan: Plan, program: Path = PROGRAM) -> Iterator[Done]:
    """Tables, pools, then the rights of FAB's roles; nothing where no Airflow is installed beside this program. Halt
    where it fails.
    """
    if not program.exists():
        return
    with tempfile.TemporaryDirectory(prefix="airflow-") as home:
        environment = _environment(plan, Path(home))
        before = _versions(plan)
        _run(program, environment, "db", "migrate")
        is_newer = _versions(plan) != before
        yield Done("Airflow's tables", is_newer)
        wanted = _missing(plan)
        if wanted:
            path = Path(home) / "pools.json"
            write_atomically(path, json.dumps(wanted).encode())
            _run(program, environment, "pools", "import", str(path))
        yield Done("Airflow's pools", bool(wanted))
        if environment.get(_AUTH_MANAGER) == _FAB:
            is_wrong = not _rights_are_ours(plan)
            if is_newer or is_wrong:
                _run(program, environment, "sync-perm")  # makes the roles; another version has other rights
                role, action, resource = _ADDED
                _run(program, environment, "roles", "add-perms", role, "-a", action, "-r", resource)
                _run(program, environment, "roles", "del-perms", "Op", "-r", *WITHHELD)
            yield Done("rights of FAB's roles", is_wrong)


def _environment(plan: Plan, home: Path) -> dict[str, str]:
    lines = read_secret(plan.secret_folder / "airflow.env").decode().splitlines()
    given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    given = {name: value.strip("'") for name, value in given.items()}
    ours = {
        "PYTHONUTF8": "1",  # Airflow reads its own files in the locale's encoding, which may be GB18030
        "AIRFLOW__FAB__UPDATE_FAB_PERMS": "False",  # else each command gives back what the one before took away
    }
    usual = {_AUTH_MANAGER: _FAB} if _has_fab() else {}
    return {**usual, **os.environ, **given, **ours, "AIRFLOW_HOME": str(home), "PGPASSFILE": str(plan.pgpass)}


def _has_fab() -> bool:
    try:
        version("apache-airflow-providers-fab")
    except PackageNotFoundError:
        return False
    return True


def _run(program: Path, environment: dict[str, str], *words: str) -> None:
    try:
        done = subprocess.run(
            [str(program), *words], env=environment, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        msg = f"airflow {' '.join(words[:2])} did not end within {_SECONDS // 60} minutes"
        raise Retryable(msg, zh=f"airflow {' '.join(words[:2])} 在 {_SECONDS // 60} 分钟内未结束") from None
    if done.returncode != 0:
        msg = f"airflow {' '.join(words[:2])} ended with {done.returncode}; run it by hand to see what it says"
        raise Halt(msg, zh=f"airflow {' '.join(words[:2])} 以 {done.returncode} 结束：请手工执行，看它说什么")


def _versions(plan: Plan) -> set[tuple[str, str]]:
    """Of Airflow's tables and of those that its auth manager keeps: table of the version → version."""
    with closing(_connected(plan)) as connection:
        named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'alembic%'"
        tables = [str(row[0]) for row in connection.execute(named).fetchall()]
        versions = set()
        for table in tables:
            query = psycopg.sql.SQL("SELECT version_num FROM {}").format(psycopg.sql.Identifier(table))
            versions |= {(table, str(row[0])) for row in connection.execute(query).fetchall()}
        return versions


def _rights_are_ours(plan: Plan) -> bool:
    with closing(_connected(plan)) as connection:
        rights = set(connection.execute(_RIGHTS).fetchall())
    return _ADDED in rights and not any(role == "Op" and resource in WITHHELD for role, _, resource in rights)


def _missing(plan: Plan) -> dict[str, object]:
    with closing(_connected(plan)) as connection:
        pools = connection.execute("SELECT pool, slots FROM slot_pool").fetchall()
    kept = {pool[0] for pool in pools if pool != _AS_MADE}
    return {name: pool for name, pool in json.loads(POOLS.read_bytes()).items() if name not in kept}


def _connected(plan: Plan) -> psycopg.Connection[tuple[object, ...]]:
    database = plan.database
    try:
        return psycopg.connect(
            host=database.host, port=database.port, user=AIRFLOW, dbname=database.airflow_name,
            passfile=str(plan.pgpass), connect_timeout=10, autocommit=True,
        )  # fmt: skip
    except psycopg.OperationalError as error:
        trouble = of_connection(error)
        msg = f"Airflow's database: {trouble}"
        raise type(trouble)(msg, zh=trouble.zh) from None
