"""Makes an office on a machine that has none: folders, keys, passwords, settings, Airflow's secrets.

    <folder>/exchange.toml, owner.toml     settings for the daily work, and for migrations alone
    <folder>/keys, agreements, exports, home
    <secrets>/pgpass                       libpq's password file of exchange_work and airflow
    <secrets>/pgpass-owner, pgpass-backup  of the owner, and of whoever makes backups
    <secrets>/airflow.env                  Fernet, JWT and session secrets, the database's address without a password

Rules
- What is there is never replaced: run twice it changes nothing, cut off it goes on where it was; of several at once one
  makes it, databases as well (``held``), and the others find it made.
- Secrets are made here and written to 0600 files; they stand in no argument, no output and no log.
- The daily account's files do not hold the owner's password.
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from exchange.base.errors import Halt
from exchange.base.files import clear_half_written, disk_trouble, locked, make_folder, write_atomically
from exchange.base.toml import parse_model, read_bytes
from exchange.calendar.working_days import office_day
from exchange.settings import read_secret
from exchange.wire.keys import make_office_keys

OWNER: Final = "exchange"
WORK: Final = "exchange_work"
AIRFLOW: Final = "airflow"
BACKUP: Final = "exchange_backup"
"""May read both databases and change nothing: for ``exchange backup make``."""
_PLAIN: Final = r"^[A-Za-z0-9._-]+$"
_PATH: Final = r"^[^\"\\\x00-\x1f]+$"
_NAME: Final = r"^[^\"\\\x00-\x1f]{1,60}$"


class Database(BaseModel):
    """The PostgreSQL server. ``admin_password_file`` holds one line, the password of ``admin``; without it the server
    lets ``admin`` in by the account (``peer``), over the socket's folder given as ``host``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(pattern=_PATH)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    admin: Annotated[str, Field(pattern=_PLAIN)] = "postgres"
    admin_password_file: Path | None = None
    register_name: Annotated[str, Field(pattern=_PLAIN)] = "exchange"
    airflow_name: Annotated[str, Field(pattern=_PLAIN)] = "airflow"


class Plan(BaseModel):
    """What ``exchange office init`` is told; ``secrets``: left out, a folder beside the office's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    office: Annotated[str, Field(pattern=_NAME)]
    folder: Path
    secrets: Path | None = None
    database: Database = Database()

    @property
    def secret_folder(self) -> Path:
        """Where files with passwords lie."""
        return self.secrets or self.folder.parent / "secrets"

    @property
    def pgpass(self) -> Path:
        """The password file of the working role and of Airflow."""
        return self.secret_folder / "pgpass"

    @property
    def pgpass_owner(self) -> Path:
        """The password file of the database's owner."""
        return self.secret_folder / "pgpass-owner"

    @property
    def pgpass_backup(self) -> Path:
        """The password file of the role that makes backups."""
        return self.secret_folder / "pgpass-backup"

    @property
    def passwords(self) -> dict[str, Path]:
        """Role → the file with its password."""
        return {OWNER: self.pgpass_owner, WORK: self.pgpass, AIRFLOW: self.pgpass, BACKUP: self.pgpass_backup}

    @property
    def owner_settings(self) -> Path:
        """The settings with which the owner migrates the register."""
        return self.folder / "owner.toml"

    @classmethod
    def read(cls, path: Path) -> Plan:
        """The plan in this TOML file; Halt when it does not fit."""
        return parse_model(cls, read_bytes(path, f"no file {path}", zh="没有这个文件"), path).checked(path)

    def checked(self, origin: Path | str) -> Plan:
        """This plan; Halt where a folder cannot stand in the settings. ``origin``: where the plan comes from."""
        for path in (self.folder, self.secret_folder):
            if not path.is_absolute() or set(str(path)) & set('"\\\n'):
                msg = f"{origin}: folders are absolute paths without quotes"
                raise Halt(msg, zh=f"{origin}：目录须是不含引号的绝对路径")
            # libpq takes its file's name for UTF-8, whatever the locale
            if os.fsencode(path).decode("utf-8", "replace") != str(path):
                msg = f"{origin}: folders with such letters want a UTF-8 locale (LANG=C.UTF-8), or plain letters"
                raise Halt(msg, zh=f"{origin}：目录名含此类字符的，须用 UTF-8 语言环境（LANG=C.UTF-8）")
        return self


@dataclass(frozen=True)
class Done:
    """One thing that must be there; ``new``: it was made just now."""

    what: str
    new: bool


@contextmanager
def held(plan: Plan) -> Iterator[None]:
    """Nobody else makes this office meanwhile; Retryable where somebody does for too long. What a killed run left half
    written goes: passwords among it.
    """
    with ExitStack() as stack:
        with disk_trouble(plan.secret_folder):
            stack.enter_context(locked(make_folder(plan.secret_folder)))
            for folder in (plan.secret_folder, plan.folder):
                clear_half_written(folder)
        yield


def make_office(plan: Plan) -> Iterator[Done]:
    """Everything that is files."""
    for folder in (plan.secret_folder, *(plan.folder / name for name in ("keys", "agreements", "exports", "home"))):
        with disk_trouble(folder):
            is_new = not folder.is_dir()
        yield Done(str(make_folder(folder)), is_new)
    with disk_trouble(plan.folder / "keys"):
        yield from _keys(plan)
    for role, path in plan.passwords.items():
        with disk_trouble(path):
            yield _password(plan.database, role, path)
    for path, role, passwords in (
        (plan.folder / "exchange.toml", WORK, plan.pgpass),
        (plan.owner_settings, OWNER, plan.pgpass_owner),
    ):
        is_new = not path.exists()
        if is_new:
            write_atomically(path, _settings(plan, role, passwords).encode())
        yield Done(str(path), is_new)
    yield _airflow(plan)


def password_of(path: Path, role: str) -> str:
    """The role's password in a libpq password file; Halt where it has none. What we write there needs no escapes."""
    for line in read_secret(path).decode().splitlines():
        fields = line.split(":")
        if len(fields) == 5 and fields[3] == role:
            return fields[4]
    msg = f"{path} has no line of {role}"
    raise Halt(msg, zh=f"{path} 中没有角色 {role} 的一行")


def _keys(plan: Plan) -> Iterator[Done]:
    folder = plan.folder / "keys"
    made = {
        name: not (folder / name).exists() for name in ("sign.pem", "encrypt.pem", "register.pem", "told.keys", "sftp")
    }
    make_office_keys(folder, plan.office, office_day(datetime.now(UTC)))
    for name, is_new in made.items():
        yield Done(str(folder / name), is_new)


def _password(database: Database, role: str, path: Path) -> Done:
    lines = read_secret(path).decode().splitlines() if path.exists() else []
    is_new = not any(line.split(":")[3:4] == [role] for line in lines)
    if is_new:
        host = database.host.replace(":", "\\:")
        lines.append(f"{host}:{database.port}:*:{role}:{secrets.token_urlsafe(32)}")
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
    return Done(f"{path}: {role}", is_new)


def url(database: Database, role: str, name: str) -> str:
    """SQLAlchemy's, without the password; a socket's folder stands in the query."""
    if database.host.startswith("/"):
        return f"postgresql+psycopg://{role}@/{name}?host={quote(database.host)}&port={database.port}"
    return f"postgresql+psycopg://{role}@{database.host}:{database.port}/{name}"


def _settings(plan: Plan, role: str, passwords: Path) -> str:
    use = "the daily work" if role == WORK else "migrations alone: EXCHANGE_CONFIG=… exchange register migrate"
    return f"""\
# {use}. All fields: exchange/settings.py. Relative paths are relative to this file; no secret stands here.
office = "{plan.office}"
home = "home"
agreements = "agreements"
exports = "exports"

[keys]
signing_key = "keys/sign.key"
signing_certificate = "keys/sign.pem"
decryption_key = "keys/encrypt.key"
decryption_certificate = "keys/encrypt.pem"
sftp_key = "keys/sftp"
register_key = "keys/register.key"
register_public = "keys/register.pem"
told_keys = "keys/told.keys"

[register]
url = "{url(plan.database, role, plan.database.register_name)}"
password_file = "{passwords}"
"""


def _airflow(plan: Plan) -> Done:
    """Airflow's secrets, those that are missing; what the administrator added stays."""
    path = plan.secret_folder / "airflow.env"
    text = read_secret(path).decode() if path.exists() else ""
    known = {line.partition("=")[0].strip() for line in text.splitlines()}
    address = url(plan.database, AIRFLOW, plan.database.airflow_name)
    if "&" in address:  # a shell and systemd read this file, too; compose has no socket and wants no quotes
        address = f"'{address}'"
    wanted = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": lambda: address,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": lambda: address,
        "AIRFLOW__CORE__FERNET_KEY": _fresh,
        "AIRFLOW__API_AUTH__JWT_SECRET": lambda: secrets.token_urlsafe(64),  # SHA-512 wants 64 bytes (RFC 7518, 3.2)
        "AIRFLOW__API__SECRET_KEY": _fresh,
    }
    missing = [f"{name}={make()}\n" for name, make in wanted.items() if name not in known]
    if missing:
        whole = text if not text or text.endswith("\n") else f"{text}\n"
        write_atomically(path, (whole + "".join(missing)).encode())
    return Done(str(path), bool(missing))


def _fresh() -> str:
    """32 random bytes, as Fernet wants its key."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()
