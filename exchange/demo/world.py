"""The demo world's office: folders, keys, settings, agreements, snapshots; everything under one root folder.

Rules: made once and left alone when it is there, so that `up` after `down` finds the same world; private keys and
passwords are 0600; the office's snapshots go through the same build as real exports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder, write_atomically
from exchange.base.keyed import make_keys
from exchange.base.os_user import os_user
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import PartnerProfile, agreement_toml
from exchange.demo.province.exports import write_exports
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.airflow_settings import pool_slots
from exchange.demo.servers.celery import Celery
from exchange.demo.servers.needed import check_needed
from exchange.demo.servers.postgres import Postgres
from exchange.demo.servers.redis import Redis
from exchange.demo.servers.sftp import SftpServer
from exchange.register import open_register
from exchange.snapshots.build import build_if_new
from exchange.snapshots.versions import Snapshots
from exchange.wire.keys import make_certificate, make_register_key, make_ssh_key

OFFICER: Final = os_user()
LEADER: Final = "leader"
"""Who looks at rows and who approves in the demo, by their accounts: the one that runs it, and a user of Airflow's
pages.
"""
OFFICER_ID: Final = "p-officer"
SECOND_OFFICER_ID: Final = "p-officer-b"
LEADER_ID: Final = "p-leader"
"""The ids of these people in the register."""

SEED: Final = 20150122
PEOPLE: Final = 100_000


_REGISTER_ITEMS: Final = ["id_number", "name", "sex", "birth_date", "ethnicity", "registered_address"]
_EVENT_ITEMS: Final = ["migration", "address_change", "item_correction", "cancellation"]
_FAMILY_ITEMS: Final = ["former_name", "birthplace", "native_place", "kinship"]
_SCHOOL: Final = "义务教育法第十二条"
_BIRTH: Final = "母婴保健法第二十三条"
_RECORD_ITEMS: Final = ["id_number", "name", "criminal_record"]


def _purpose(
    code: str,
    zh: str,
    basis: str | tuple[str, ...],
    items: Iterable[str],
    unregistered_by: str | None = None,
) -> str:
    """A purpose's part of an agreement; ``basis`` in words, or codes of ``schemas/legal_bases.toml``."""
    rests = f'legal_basis = "{basis}"' if isinstance(basis, str) else f"legal_bases = {json.dumps(basis)}"
    named = ", ".join(f'"{item}"' for item in items)
    form = f'unregistered_by = "{unregistered_by}"\n' if unregistered_by else ""
    return f'[[purposes]]\ncode = "{code}"\nzh = "{zh}"\n{rests}\nitems = [{named}]\n{form}'


PARTNERS: Final = (
    PartnerProfile(
        "court-changchun",
        "长春市中级人民法院（虚构）",
        "city",
        "220100",
        ("monthly", "ad_hoc"),
        _purpose(
            "case_handling",
            "案件办理",
            ("case_handling_286",),
            [*_REGISTER_ITEMS, *_FAMILY_ITEMS, *_EVENT_ITEMS, "criminal_record"],
        ),
        kind="court",
        standing_approval=True,
    ),
    PartnerProfile(
        "education-jilin",
        "吉林省教育厅（虚构）",
        "province",
        "220000",
        ("quarterly", "annual"),
        _purpose("enrolment", "入学资格核验", _SCHOOL, _REGISTER_ITEMS)
        + _purpose("hiring_teachers", "教师招录", ("minors_protection_62",), _RECORD_ITEMS)
        + _purpose("founding_kindergartens", "举办幼儿园审核", ("preschool_44",), _RECORD_ITEMS),
        kind="education",
        language="zh",
        form="xlsx",
        expected='[[expected]]\ncycle = "annual"\nday = 20\npurpose = "enrolment"\n',
    ),
    PartnerProfile(
        "social-security-yanbian",
        "延边州人力资源和社会保障局（虚构）",
        "city",
        "222400",
        ("monthly", "half_yearly"),
        _purpose("pension", "待遇资格核验", "社会保险法第七十四条", _REGISTER_ITEMS),
        kind="social_security",
        language="zh",
        encoding="gb18030",
    ),
    PartnerProfile(
        "health-jilin",
        "吉林省卫生健康委员会（虚构）",
        "province",
        "220000",
        ("monthly", "ad_hoc"),
        _purpose("birth_certificate", "换发出生医学证明", _BIRTH, ["unregistered"], unregistered_by="mother"),
        kind="health",
        language="zh",
    ),
    PartnerProfile(
        "kindergarten-siping",
        "四平市第一幼儿园（虚构）",
        "county",
        "220302",
        ("annual", "ad_hoc"),
        _purpose("hiring_staff", "聘用工作人员", ("preschool_44", "minors_protection_62"), _RECORD_ITEMS),
        kind="kindergarten",
        language="zh",
    ),
    PartnerProfile(
        "guards-changchun",
        "长春市保安服务公司（虚构）",
        "city",
        "220100",
        ("monthly", "ad_hoc"),
        _purpose("hiring_guards", "招用保安员", ("security_guards_17",), _RECORD_ITEMS),
        kind="security_company",
        language="zh",
    ),
    PartnerProfile(
        "teachers-jilin",
        "吉林省教师资格认定中心（虚构）",
        "province",
        "220000",
        ("half_yearly", "ad_hoc"),
        _purpose("teacher_qualification", "教师资格认定", ("teachers_14",), _RECORD_ITEMS),
        kind="education",
        language="zh",
    ),
)


@dataclass(frozen=True)
class World:
    """A demo world in a folder; ``lasting``: whether its database outlives a power failure, which no test needs."""

    root: Path
    lasting: bool = True

    @property
    def config(self) -> Path:
        """The office's settings file, which ``EXCHANGE_CONFIG`` names."""
        return self.root / "office" / "exchange.toml"

    @property
    def postgres(self) -> Postgres:
        """The database server of register and Airflow."""
        return Postgres(self.root / "postgres", self.lasting)

    @property
    def redis(self) -> Redis:
        """The broker of Celery workers, where there are any."""
        return Redis(self.root / "redis")

    def airflow(self, workers: int = 0) -> Airflow:
        """Airflow; its tasks run in the scheduler, or on so many Celery workers."""
        database, password_file = self.postgres.url("airflow"), self.postgres.password_file
        celery = Celery(self.redis, database, workers, -(-pool_slots() // workers)) if workers else None
        return Airflow(self.root / "airflow", database, password_file, self.config, celery=celery)

    def sftp(self, partner: str) -> SftpServer:
        """The SFTP server of the partner with this id."""
        return SftpServer(self.root / "sftp" / partner)

    def partner_keys(self, partner: str) -> Path:
        """The folder with what only the partner has: its private keys."""
        return self.root / "partners" / partner

    @property
    def office_keys(self) -> Path:
        """The folder with the office's keys."""
        return self.root / "office" / "keys"

    def start_servers(self) -> None:
        """Starts PostgreSQL and the partners' SFTP servers; nothing to do for those that run. Halt where one does not
        start.
        """
        self.postgres.start()
        office = make_ssh_key(self.office_keys / "sftp")
        for profile in PARTNERS:
            self.sftp(profile.id).start(office, make_ssh_key(self.partner_keys(profile.id) / "sftp"))

    def stop_servers(self) -> None:
        """Stops PostgreSQL, Redis and the partners' SFTP servers; nothing to do for those that do not run."""
        self.redis.stop()
        for profile in PARTNERS:
            self.sftp(profile.id).stop()
        self.postgres.stop()

    def build(self, say: Callable[[str], None], people: int = PEOPLE, *, workers: bool = False) -> None:
        """Makes everything that is not there yet: keys, agreements, settings, the register's tables, exports,
        snapshots. Halt before anything is made, where a server or ``workers``' Redis is not installed.
        """
        check_needed(embedded_sftp=self.sftp(PARTNERS[0].id).is_embedded, workers=workers)
        make_folder(self.root)
        say("keys and agreements")
        self.make_keys()
        _write_settings(self)
        say("servers: PostgreSQL and SFTP")
        self.start_servers()
        _write_agreements(self)
        register = open_register(self.postgres.url("exchange"), "demo", self.postgres.password_file)
        register.migrate()
        register.close()
        self.postgres.grant()
        self.make_snapshots(say, people)

    def make_keys(self) -> None:
        """Makes the office's and the partners' keys, where they are not there."""
        for name in ("sign", "encrypt"):
            make_certificate(self.office_keys, name, f"Household administration (demo), {name}")
        make_keys(self.office_keys / "told.keys", office_day(datetime.now(UTC)))
        make_ssh_key(self.office_keys / "sftp")
        make_register_key(self.office_keys)
        for profile in PARTNERS:
            keys = make_folder(self.partner_keys(profile.id))
            make_ssh_key(keys / "sftp")
            for name in ("sign", "encrypt"):
                make_certificate(keys, name, f"{profile.id} (demo), {name}")

    def make_snapshots(self, say: Callable[[str], None], people: int = PEOPLE) -> None:
        """Writes the exports of a synthetic province of so many people, if there are none, and builds the snapshots."""
        say(f"a synthetic province of {people:,} people")
        exports = self.root / "office" / "exports"
        if not exports.exists():
            write_exports(exports, SEED, people, office_day(datetime.now(UTC)) - timedelta(days=1))
        snapshots = Snapshots(self.root / "office" / "home" / "snapshots")
        for source in SOURCES:
            say(f"snapshot of {source}")
            build_if_new(snapshots, exports, source, office_day(datetime.now(UTC)))


def _write_settings(world: World) -> None:
    settings = f"""\
# The demo office. Relative paths are relative to this file.
office = "吉林省公安厅户政管理总队（虚构）"
home = "home"
agreements = "agreements"
exports = "exports"
data_security = "{LEADER_ID}"

[[offices]]
division = "220000"
zh = "省厅户政管理总队（虚构）"

[[offices]]
division = "222400"
zh = "延边州公安局户政支队（虚构）"

[[people]]
id = "{OFFICER_ID}"
zh = "省厅核实员（虚构）"
login = "officer"
os_account = "{OFFICER}"
roles = ["officer"]
offices = ["220000"]

[[people]]
id = "{SECOND_OFFICER_ID}"
zh = "省厅核实员乙（虚构）"
login = "officer-b"
os_account = "officer-b"
roles = ["officer"]
offices = ["220000"]

[[people]]
id = "p-yanbian"
zh = "延边核实员（虚构）"
login = "yanbian"
os_account = "yanbian-officer"
roles = ["officer"]
offices = ["222400"]

[[people]]
id = "{LEADER_ID}"
zh = "审批领导（虚构）"
login = "{LEADER}"
os_account = "leader"
roles = ["leader", "discloser"]

[[people]]
id = "p-supervisor"
zh = "监督员（虚构）"
login = "supervisor"
roles = ["supervisor", "discloser"]

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
url = "{world.postgres.work_url()}"
password_file = "{world.postgres.password_file.resolve()}"

[policy]
spot_check_one_in = 1_000_000  # so that each answer is the planted one; an office leaves these two as they are
spot_check_days = 0
"""
    write_atomically(world.config, settings.encode())


def _write_agreements(world: World) -> None:
    agreements = make_folder(world.root / "office" / "agreements")
    today = office_day(datetime.now(UTC))
    for profile in PARTNERS:
        for name in ("sign", "encrypt"):
            certificate = (world.partner_keys(profile.id) / f"{name}.pem").read_bytes()
            write_atomically(agreements / f"{profile.id}.{name}.pem", certificate)
        content = agreement_toml(profile, world.sftp(profile.id), today)
        write_atomically(agreements / f"{profile.id}.toml", content.encode())
