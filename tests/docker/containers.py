"""An installation in containers for a test: what ``docker/compose.yaml`` asks an administrator to do, in a folder.

Rules
- The words are those at the head of the compose file; a folder takes the place of ``/srv/exchange``.
- Engine and compose are what the environment names (``CONTAINERS_ENGINE``, ``CONTAINERS_COMPOSE``): docker or podman.
- Every wait ends; what was started is taken down with its volumes.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest

from exchange.base.errors import ExchangeError
from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import PartnerProfile, agreement_toml
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.exports import write_exports
from exchange.demo.province.people import make_people
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.ports import remembered_port
from exchange.demo.servers.processes import wait_for
from exchange.demo.servers.sftp import SftpServer
from exchange.demo.world import SEED
from exchange.wire.keys import make_certificate, make_ssh_key

ENGINE: Final = shlex.split(os.environ.get("CONTAINERS_ENGINE", ""))
COMPOSE: Final = shlex.split(os.environ.get("CONTAINERS_COMPOSE", "")) or [*ENGINE, "compose"]
PROJECT: Final = f"exchange-test-{os.getpid()}"
"""A run's own: two at a time on one machine take each other's database away."""
OFFICE: Final = 1000
"""The account in the office's image."""
SECONDS: Final = 600.0
"""The longest that one command may take, and that a service may take until it is well."""
needs_engine = pytest.mark.skipif(
    not ENGINE or os.geteuid() != 0, reason="CONTAINERS_ENGINE is not set, or not root: make containers-test"
)
patient = pytest.mark.timeout(2 * 3600)
"""One of these tests waits many times, each time with an end: together that may be longer than tests else may take."""
TODAY: Final = office_day(datetime.now(UTC))
POPULATION: Final = 3000
BUILD: Final = """\
set -e
for source in population $(ls /office/exports | grep -v '^population$'); do
    day=$(ls "/office/exports/$source")
    exchange snapshot build "$source" "/office/exports/$source/$day" --as-of "$day"
done
"""
ACCOUNTS: Final = {
    "operator": ("Op", "op"),
    "administrator": ("Admin", "admin"),
    "reader": ("Viewer", "viewer"),
    "user": ("User", "viewer"),
    "leader": ("Viewer", "leader"),
    "officer": ("Viewer", "officer"),
}
"""FAB's account → its role in Airflow, and whose pages it has: what more a Viewer may, the office's settings say."""
SECRET: Final = re.compile(r"(?:^(?!AIRFLOW)|[=: ])([A-Za-z0-9_-]{32,}=*)", re.MULTILINE)
"""As they are made: 24 random bytes or more, behind a name or alone in a line."""
PASSWORD: Final = "invented-for-a-test"
LOG_IN: Final = "from flask_appbuilder.const import AUTH_DB\n\nAUTH_TYPE = AUTH_DB\n"
PLAN: Final = """\
office = "某省户政总队（虚构）"
folder = "/office"
secrets = "/secrets"
[database]
host = "postgres"
admin_password_file = "/secrets/postgres-password"
"""
KEPT: Final = """
[backup]
to = "/backup"
recovery_certificate = "keys/recovery.pem"
password_file = "/secrets/pgpass-backup"
more = ["/secrets/airflow.env"]
[backup.databases]
register = "postgresql+psycopg://exchange_backup@postgres/exchange"
airflow = "postgresql+psycopg://exchange_backup@postgres/airflow"
"""
PEOPLE: Final = """
[policy]
spot_check_one_in = 1_000_000

[[offices]]
division = "220000"
zh = "省厅户政管理总队（虚构）"

[[people]]
id = "p-leader"
zh = "审批领导（虚构）"
login = "leader"
roles = ["leader"]

[[people]]
id = "p-officer"
zh = "省厅核实员（虚构）"
login = "officer"
roles = ["officer"]
offices = ["220000"]
"""
"""With them the policy: a row that is drawn for a spot check holds its release until an officer decides, and no officer
does here. Of one in twenty, the default, every fourth set of five rows would wait so; which ones, chance decides.
"""


@dataclass(frozen=True)
class PublishedSftp(SftpServer):
    """The office's SFTP container, seen from a partner outside."""

    account: str = ""
    at: int = 0
    pinned: str = ""

    @property
    def port(self) -> int:
        return self.at

    @property
    def username(self) -> str:
        return self.account

    @property
    def host_key(self) -> str:
        return self.pinned


@dataclass(frozen=True)
class Inside(PublishedSftp):
    """The same, as the office's own containers reach it."""

    @property
    def port(self) -> int:
        return 22


@dataclass(frozen=True)
class Containers:
    """The installation in ``folder``, which is what ``/srv/exchange`` is elsewhere. ``project``: where its compose
    files lie, which are of the version that is installed.
    """

    folder: Path
    project: Path = ROOT / "docker"
    files: tuple[str, ...] = ("compose.yaml",)
    profiles: tuple[str, ...] = ()

    @cached_property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "EXCHANGE": str(self.folder),
            "EXCHANGE_HTTP": f"127.0.0.1:{remembered_port(self.folder.parent, 'http')}",
            "EXCHANGE_SFTP": f"127.0.0.1:{remembered_port(self.folder.parent, 'sftp')}",
        }

    def compose(self, *words: str, code: int | None = 0) -> str:
        """``compose WORDS`` with the project's file; what it printed. It must end with this code."""
        tools = ["tools"] if words[0] == "run" else []  # docker finds it by itself, podman-compose does not
        profiles = [word for each in (*self.profiles, *tools) for word in ("--profile", each)]
        files = [word for each in self.files for word in ("--file", str(self.project / each))]
        command = [*COMPOSE, "--project-name", PROJECT, *files, *profiles, *words]
        done = subprocess.run(
            command, env=self.environment, cwd=self.project, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout

    def tool(self, *words: str) -> str:
        """A command of the office's, in a container of its own."""
        return self.compose("run", "--rm", "tool", *words)

    def install(self) -> None:
        """Folders, database, office, accounts: all but what runs; in the order of the compose file's head."""
        for path in (self.folder.parent, *self.folder.parent.parents[:2]):
            path.chmod(0o755)  # as /srv is
        self.lay_out()
        self.start_database()
        assert "made" in self.compose("run", "--rm", "init")
        for name, (role, _) in ACCOUNTS.items():
            words = ("--username", name, "--role", role, "--password", PASSWORD, "--email", f"{name}@example.invalid")
            self.tool("airflow", "users", "create", *words, "--firstname", "Invented", "--lastname", "Person")
        self.fill(POPULATION, TODAY - timedelta(days=1))

    def start_database(self) -> None:
        self.compose("up", "--detach", "postgres")
        assert wait_for(lambda: self.is_well("postgres"), SECONDS)

    def add(self, profile: PartnerProfile) -> DemoPartner:
        """A partner that is added while everything runs, and that the SFTP server has taken in."""
        assert wait_for((self.folder / "host-keys" / "ssh_host_ed25519_key.pub").exists, SECONDS)
        partner = self.partner(profile, TODAY)
        assert wait_for((self.folder / "partners" / partner.id / "dev" / "log").exists, SECONDS)
        return partner

    def without_standing_approval(self, partner: DemoPartner) -> None:
        """From now on a leader approves each of this partner's releases."""
        agreement = self.folder / "office" / "agreements" / f"{partner.id}.toml"
        text = agreement.read_text("utf-8")
        if "[standing_approval]" in text:
            agreement.write_text(text[: text.index("[standing_approval]")] + text[text.index("[contact]") :], "utf-8")

    def approve(self, release: str) -> None:
        """The leader approves, once the page lists it."""
        assert wait_for(lambda: self.is_well("api-server"), SECONDS)
        with self.log_in("leader") as leader:
            assert wait_for(lambda: release in leader.page("/approval")[1], SECONDS)
            assert leader.press(f"/approval/{release}", "/approval/approve")[0] == HTTPStatus.SEE_OTHER

    def restore(self, *words: str, config: str = "/office/exchange.toml") -> str:
        """``exchange restore WORDS`` with the recovery key, which lies in ``secrets`` meanwhile."""
        for name in ("encrypt.key", "encrypt.pem"):
            self.write(f"secrets/{name}", (self.recovery / name).read_text("utf-8"))
        opened = ("--key", "/secrets/encrypt.key", "--certificate", "/secrets/encrypt.pem")
        given = ("run", "--rm", "-e", f"EXCHANGE_CONFIG={config}", "backup", "exchange", "restore")
        return self.compose(*given, *words, *opened)

    @property
    def recovery(self) -> Path:
        """Where the recovery key is kept, out of the containers' reach."""
        return self.folder.parent / "recovery"

    def is_well(self, service: str) -> bool:
        """The service's own health check, run once now."""
        names = self.engine("ps", "--all", "--filter", f"name={PROJECT}.{service}.1", "--format", "{{.Names}}").split()
        if any(word.endswith("podman") for word in ENGINE):  # without systemd nobody runs them in turn
            return bool(names) and self.engine_code("healthcheck", "run", names[0]) == 0
        return (
            bool(names) and self.engine("inspect", "--format", "{{.State.Health.Status}}", *names).strip() == "healthy"
        )

    def engine(self, *words: str) -> str:
        done = subprocess.run([*ENGINE, *words], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def engine_code(self, *words: str) -> int:
        return subprocess.run([*ENGINE, *words], capture_output=True, timeout=SECONDS, check=False).returncode

    def lay_out(self) -> None:
        """Folders and files as the compose file's head says."""
        for name, mode, owner in (
            ("partners", 0o755, 0), ("accounts", 0o755, 0), ("host-keys", 0o700, 0),
            ("office", 0o700, OFFICE), ("secrets", 0o700, OFFICE), ("backup", 0o700, OFFICE),
        ):  # fmt: skip
            self.make_folder(name, mode, owner)
        self.write("secrets/postgres-password", f"{secrets.token_hex(24)}\n")
        self.write("secrets/plan.toml", PLAN)
        self.write("secrets/webserver_config.py", LOG_IN)

    def secret_values(self) -> set[str]:
        """Each password, key and token in ``secrets/``."""
        files = [path for path in (self.folder / "secrets").iterdir() if path.is_file()]
        return {found for path in files for found in SECRET.findall(path.read_text("utf-8"))}

    def shown(self) -> str:
        """What the engine tells of all of this installation's containers to whoever may ask it."""
        names = self.engine("ps", "--all", "--filter", f"name={PROJECT}", "--format", "{{.Names}}").split()
        assert names
        return self.engine("inspect", *names)

    def make_folder(self, name: str, mode: int, owner: int) -> None:
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / name).chmod(mode)
        os.chown(self.folder / name, owner, owner)

    def write(self, name: str, text: str) -> None:
        """A file of the office's account, 0600."""
        place = self.folder / name
        place.write_text(text, "utf-8")
        place.chmod(0o600)
        os.chown(place, OFFICE, OFFICE)

    def fill(self, people: int, as_of: date) -> None:
        """An export of every source, one person more in the settings."""
        write_exports(self.folder / "office" / "exports", SEED, people, as_of)
        settings = self.folder / "office" / "exchange.toml"
        text = settings.read_text("utf-8").replace("\n[keys]", '\ndata_security = "p-leader"\n[keys]', 1)
        settings.write_text(text + PEOPLE, "utf-8")
        self.give("office")

    def keep(self) -> None:
        """A recovery key, and a ``[backup]`` in the settings."""
        settings = self.folder / "office" / "exchange.toml"
        text = settings.read_text("utf-8")
        if KEPT not in text:
            make_certificate(make_folder(self.recovery), "encrypt", "recovery (invented)")
            shutil.copy(self.recovery / "encrypt.pem", self.folder / "office" / "keys" / "recovery.pem")
            settings.write_text(text + KEPT, "utf-8")
            self.give("office")

    def give(self, name: str) -> None:
        """All below this folder to the office's account."""
        for path in (self.folder / name).rglob("*"):
            os.chown(path, OFFICE, OFFICE)

    def let_in(self, partner: str, *keys: str) -> None:
        """The partner's file in ``accounts/``."""
        place = self.folder / "accounts" / partner
        place.write_text("".join(f"{key}\n" for key in keys), "utf-8")
        place.chmod(0o644)

    def partner(self, profile: PartnerProfile, today: date) -> DemoPartner:
        """A new partner: its keys, its account, its agreement; as an administrator adds one."""
        keys, office = make_folder(self.folder.parent / profile.id), self.folder / "office"
        for name in ("sign", "encrypt"):
            make_certificate(keys, name, f"{profile.id} (invented), {name}")
            shutil.copy(keys / f"{name}.pem", office / "agreements" / f"{profile.id}.{name}.pem")
        self.let_in(profile.id, make_ssh_key(keys / "sftp"), (office / "keys" / "sftp.pub").read_text("utf-8").strip())
        pinned = " ".join((self.folder / "host-keys" / "ssh_host_ed25519_key.pub").read_text("utf-8").split()[:2])
        text = agreement_toml(profile, Inside(keys, account=profile.id, pinned=pinned), today)
        place = office / "agreements" / f"{profile.id}.toml"
        place.write_text(text.replace('host = "127.0.0.1"', 'host = "sftp"'), "utf-8")
        self.give("office/agreements")
        outside = PublishedSftp(keys, account=profile.id, at=remembered_port(self.folder.parent, "sftp"), pinned=pinned)
        return DemoPartner(profile.id, keys, outside, office / "keys" / "sign.pem", office / "keys" / "encrypt.pem")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{remembered_port(self.folder.parent, 'http')}"

    def log_in(self, user: str) -> AirflowApi:
        return AirflowApi.log_in(self.address, user, PASSWORD)


def ask(partner: DemoPartner, word: str, items: tuple[str, ...] = ("id_number", "name", "sex")) -> Request:
    """Five people of the province, asked about ad hoc."""
    columns = ["row_ref", "id_number", "name", *(["sex"] if "sex" in items else [])]  # nothing that is not asked
    rows = next(make_people(SEED, POPULATION)).head(5).with_row_index("row_ref").select(columns)
    data = to_csv(rows)
    basis = "刑事诉讼法第二百八十六条"
    return Request(f"{partner.id}.{word}", "ad_hoc", str(TODAY), "case_handling", basis, items, 5, data)


def came(partner: DemoPartner, name: str) -> bool:
    """Whether this file came from the office, in time."""

    def is_there() -> bool:
        try:
            return name in partner.answers()
        except ExchangeError:
            return False

    return wait_for(is_there, SECONDS)
