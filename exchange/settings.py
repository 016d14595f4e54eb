"""The office's own settings: one TOML file, named by ``EXCHANGE_CONFIG``, read once, frozen.

Rules: relative paths are relative to that file; secrets are never in it, only the paths of files that hold them, and a
private key or password file that others may read is refused. The text under a field is its description, in Chinese and
English: ``docs/settings.md`` and ``schemas/settings.schema.json`` are made from it. The sections are in
``settings_sections.py``.
"""

from __future__ import annotations

import os
import stat
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from exchange.base.errors import Halt, not_allowed
from exchange.base.files import Archive
from exchange.base.toml import Section, parse_model, read_bytes
from exchange.settings_sections import (
    BackupSettings,
    HealthLimits,
    Keys,
    Person,
    PersonRole,
    Policy,
    RegisterSettings,
    RetentionDays,
    ReviewOffice,
    TimestampSettings,
    WitnessSettings,
)

ENVIRONMENT_VARIABLE: Final = "EXCHANGE_CONFIG"


class Settings(Section):
    """Everything an installation decides for itself."""

    office: str
    """本机关名称，月报中写明。 The office's name, as the monthly report gives it."""
    telephone: str | None = None
    """协作部门核对指纹、有疑问时拨打的电话，写入协作台和一页纸。
    The telephone at which partners compare fingerprints and ask; stands in the desk and on the sheet.
    """
    home: Path
    """程序写入的目录：档案、快照、报表。 The folder of what the software writes: archive, snapshots, reports."""
    agreements: Path
    """协议文件的目录。 The folder of the agreements."""
    exports: Path
    """各数据源导出文件的目录。 The folder of the sources' exports."""
    keys: Keys
    """密钥和证书文件（PEM）。 Files of keys and certificates (PEM)."""
    register_: Annotated[RegisterSettings, Field(alias="register")]
    """登记数据库。 The register's database."""
    policy: Policy = Policy()
    """本机关自定的数字；通知或领导可以改。
    The office's own choices, each a number that a notice or a chief may change.
    """
    retention: RetentionDays = RetentionDays()
    """批次办结后各类文件保存的天数。 Days for which a batch's files are kept after its end."""
    health: HealthLimits = HealthLimits()
    """`exchange health` 何时提醒。 When `exchange health` warns."""
    backup: BackupSettings | None = None
    """备份；不写则 `exchange backup` 不可用。 Backups; left out: `exchange backup` cannot be used."""
    timestamps: TimestampSettings | None = None
    """可信时间戳；不写则不加盖。 Time stamps; left out: nothing is stamped."""
    witnesses: tuple[WitnessSettings, ...] = ()
    """为登记簿检查点联署的外单位。 Other organs that cosign checkpoints of the register."""
    offices: tuple[ReviewOffice, ...] = ()
    """核实的责任单位，县、市、省。 The offices whose officers look at rows by hand: county, city, province."""
    people: tuple[Person, ...] = ()
    """在此办事的人，一人一条。 Those who work here, one entry each."""
    data_security: str | None = None
    """网络数据安全负责人在 `people` 中的 `id`；有 `people` 即必填（网络数据安全管理条例第二十八条、第三十条）。
    Who of the `people` is responsible for data security, by id; required with them (Network Data Security Regulations,
    art. 28 and 30).
    """
    office_days: Path | None = None
    """本机关工作日文件；不写则只按国务院的安排。
    The file of the office's own working days and days off; left out: the State Council's alone.
    """

    @model_validator(mode="after")
    def _one_person_each(self) -> Self:
        """No id or account stands for two; every office has an officer, and every officer's office is there."""
        for name in ("id", "login", "os_account"):
            given = [value for person in self.people if (value := getattr(person, name)) is not None]
            if len(given) != len(set(given)):
                msg = f"two people have the same {name}"
                raise ValueError(msg)
        if {division for person in self.people for division in person.offices} != set(self.divisions):
            msg = "every office has an officer among the people, and people are officers of these offices alone"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_is_responsible(self) -> Self:
        if self.people and self.data_security not in {person.id for person in self.people}:
            msg = "data_security: who is responsible for data security: the id of one of the people"
            raise ValueError(msg)
        return self

    @property
    def responsible(self) -> str:
        """The name of who is responsible for data security."""
        person = self.person(id=self.data_security) if self.data_security else None
        return person.zh if person else "—"

    @model_validator(mode="after")
    def _backups_follow(self) -> Self:
        """What is destroyed here must not live on in backups."""
        kept = self.retention.model_dump(exclude={"exports_days"})  # exports are in no backup
        if self.backup and self.backup.keep_days > min(kept.values()):
            msg = "[backup] keep_days is longer than the shortest time of [retention]"
            raise ValueError(msg)
        return self

    def person(self, **account: str) -> Person | None:
        """The person of this ``id``, ``login`` or ``os_account``; None where it is nobody's."""
        ((name, value),) = account.items()
        return next((person for person in self.people if getattr(person, name) == value), None)

    def with_role(self, role: PersonRole) -> list[Person]:
        """The people who have this role, in the order of the settings."""
        return [person for person in self.people if role in person.roles]

    @cached_property
    def archive(self) -> Archive:
        """Where originals and answers are kept."""
        return Archive(self.home / "archive")

    @property
    def snapshots(self) -> Path:
        """Where the sources' snapshots lie."""
        return self.home / "snapshots"

    @property
    def invented(self) -> Path:
        """Where the invented province lies, apart from all snapshots."""
        return self.home / "test-lane" / "snapshots"

    @property
    def divisions(self) -> list[str]:
        """The divisions that have an office of their own for review."""
        return [office.division for office in self.offices]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The settings in this file, by default the one that the environment names; Halt when they do not fit."""
        file = path or named_place()
        missing = f"no settings at {file}; name the file in {ENVIRONMENT_VARIABLE}"
        content = read_bytes(file, missing, zh=f"没有设置文件，请在 {ENVIRONMENT_VARIABLE} 中写明其路径")
        settings = parse_model(cls, content, file)
        return settings._resolved(file.resolve().parent)

    def _resolved(self, base: Path) -> Self:
        keys = Keys(**{name: base / path for name, path in self.keys.model_dump().items()})
        password_file = self.register_.password_file
        register = self.register_.model_copy(update={"password_file": base / password_file if password_file else None})
        return self.model_copy(
            update={
                "home": base / self.home,
                "agreements": base / self.agreements,
                "exports": base / self.exports,
                "office_days": base / self.office_days if self.office_days else None,
                "keys": keys,
                "backup": self.backup.resolved(base) if self.backup else None,
                "timestamps": self.timestamps and self.timestamps.resolved(base),
                "register_": register,
            }
        )


def named_place() -> Path:
    """The settings file that the environment names, or the one that lies here."""
    return Path(os.environ.get(ENVIRONMENT_VARIABLE, "exchange.toml"))


def are_there() -> bool:
    """Whether this is an installation: the environment names a settings file, or one lies here."""
    return ENVIRONMENT_VARIABLE in os.environ or named_place().exists()


def read_secret(path: Path) -> bytes:
    """A private file's content; Halt when it is missing or others than its owner may read it."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except PermissionError:
        raise not_allowed(str(path)) from None
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise Halt(msg, zh=f"{path} 读不出：请核对设置中的路径，或从备份恢复") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"{path} may be read by others; make it 0600"
        raise Halt(msg, zh=f"{path} 其他账户可读，请改为 0600（chmod 600）")
    return content
