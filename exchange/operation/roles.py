"""Makes the databases of an office: roles, databases, tables, grants; for ``exchange office init``.

Rules
- What is there stays: a role that lets itself in with the password that is written down is not touched, and one with
  another password may be of an office that works: it gets a new one only where that is asked for.
- A password goes to the server as its SCRAM verifier, made here: it stands in no statement that a server may log.
- Tables are made by the owner, and the daily role's rights are those of ``docker/grants.sql``, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.operation.installing import AIRFLOW, BACKUP, OWNER, WORK, Database, Done, Plan, password_of
from exchange.operation.other_layout import check_none_left_behind
from exchange.register import open_register
from exchange.register.database import check_encoding, probe
from exchange.register.troubles import of_connection
from exchange.settings import Settings, read_secret

Connection = psycopg.Connection[tuple[Any, ...]]
GRANTS: Final = ROOT / "docker" / "grants.sql"
_CONNECT_SECONDS: Final = 10
_RIGHTS: Final = """
    SELECT coalesce(string_agg(c.relname || coalesce(c.relacl::text, '') || coalesce(a.attname || a.attacl::text, ''),
        ' ' ORDER BY c.relname, a.attnum), '')
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""


def make_databases(plan: Plan, *, new_passwords: bool = False, leave_open: bool = False) -> Iterator[Done]:
    """Roles, databases, tables and grants; Retryable where the server cannot be reached, Halt where it says no.
    ``new_passwords``: roles that have another password get the one that is written down; ``leave_open``: batches that
    are open and that this version cannot go on with are left behind (``other_layout.py``).
    """
    try:
        with closing(_as_admin(plan.database)) as admin:
            for role, path in plan.passwords.items():
                yield _role(admin, plan.database, role, path, new_passwords=new_passwords)
            names = {plan.database.register_name: OWNER, plan.database.airflow_name: AIRFLOW}
            for name, owner in names.items():
                yield _database(admin, name, owner)
            yield _reader(admin)
        yield _tables(plan, leave_open=leave_open)
        yield _grants(plan)
    except psycopg.OperationalError as error:
        trouble = of_connection(error)
        msg = f"{plan.database.host}:{plan.database.port}: {trouble}"
        raise type(trouble)(msg, zh=trouble.zh) from None
    except psycopg.Error as error:
        msg = f"the database does not take this ({error.sqlstate}): is {plan.database.admin} a superuser?"
        raise Halt(msg, zh=f"数据库不接受（{error.sqlstate}）：{plan.database.admin} 是超级用户吗？") from None


def _as_admin(database: Database) -> Connection:
    password = None
    if database.admin_password_file is not None:
        password = read_secret(database.admin_password_file).decode().rstrip("\r\n")
    return _connected(database, database.admin, "postgres", password=password)


def _connected(database: Database, role: str, name: str, **more: Any) -> Connection:
    return psycopg.connect(
        host=database.host,
        port=database.port,
        user=role,
        dbname=name,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        **more,
    )


def _role(admin: Connection, database: Database, role: str, path: Path, *, new_passwords: bool) -> Done:
    password, name = password_of(path, role), sql.Identifier(role)
    there = admin.execute("SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = %s", (role,)).fetchone()
    if there and _lets_in(database, role, path):
        return Done(f"role {role}", new=False)
    if there == (True,) and not new_passwords:
        msg = (
            f"the server has a role {role} with another password than {path}: put that office's file there, or use"
            " another server; --new-passwords gives the role this one, and locks out whoever has the former"
        )
        raise Halt(
            msg,
            zh=f"服务器上已有角色 {role}，口令与 {path} 不同："
            "请放入该机关的文件，或另用服务器；--new-passwords 改用此口令",
        )
    verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = "ALTER ROLE {} LOGIN PASSWORD {}" if there else "CREATE ROLE {} LOGIN PASSWORD {}"
    admin.execute(sql.SQL(statement).format(name, sql.Literal(verifier)))
    return Done(f"role {role}", new=True)


def _lets_in(database: Database, role: str, path: Path) -> bool:
    try:
        _connected(database, role, "postgres", passfile=str(path)).close()
    except psycopg.OperationalError as error:
        if isinstance(of_connection(error), Halt):
            return False
        raise  # a server that is full, or is being stopped, has said nothing of the password
    return True


def _database(admin: Connection, name: str, owner: str) -> Done:
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        return Done(f"database {name}", new=False)
    statement = "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0"
    admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(owner)))
    return Done(f"database {name}", new=True)


def _reader(admin: Connection) -> Done:
    """Whoever makes backups reads everything."""
    member = "SELECT pg_has_role(%s, 'pg_read_all_data', 'MEMBER')"
    membership = admin.execute(member, (BACKUP,)).fetchone()
    is_new = membership != (True,)
    if is_new:
        admin.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(BACKUP)))
    return Done(f"{BACKUP} reads all", is_new)


def _tables(plan: Plan, *, leave_open: bool) -> Done:
    settings = Settings.load(plan.owner_settings)
    register = open_register(settings.register_.url, "office init", settings.register_.password_file)
    with closing(register):
        probed = probe(register.engine)
        check_encoding(probed.encoding)  # one that was made by hand
        if probed.revision is not None and not leave_open:
            check_none_left_behind(register.engine, settings)
        is_new = probed.revision != probed.head
        if is_new:
            register.migrate()
    return Done(f"tables of {probed.head}", is_new)


def _grants(plan: Plan) -> Done:
    """``docker/grants.sql`` in one transaction, as the owner."""
    passwords = str(plan.pgpass_owner)
    with closing(_connected(plan.database, OWNER, plan.database.register_name, passfile=passwords)) as owner:
        before = owner.execute(_RIGHTS).fetchone()
        with owner.transaction():
            owner.execute(GRANTS.read_bytes())
        return Done(f"grants of {WORK}", owner.execute(_RIGHTS).fetchone() != before)
