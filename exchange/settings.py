"""The office's own settings: one TOML file, named by ``EXCHANGE_CONFIG``, read once, frozen.

Rules: relative paths are relative to that file; secrets are never in it, only the places of files that hold them, and a
private key or password file that others may read is refused.
"""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exchange.base.errors import Halt
from exchange.base.files import Archive
from exchange.base.toml import parse_model, read_bytes

ENVIRONMENT_VARIABLE: Final = "EXCHANGE_CONFIG"


class Role(StrEnum):
    """What a person may do beside what Airflow lets the account do."""

    OFFICER = "officer"
    LEADER = "leader"
    SUPERVISOR = "supervisor"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Keys(_Section):
    """PEM files: the office signs results and receipts, opens requests, logs in to the partners' servers, and signs the
    lines of its register (``register_public``: to check them by, the present key first).
    """

    signing_key: Path
    signing_certificate: Path
    decryption_key: Path
    decryption_certificate: Path
    sftp_key: Path
    register_key: Path = Path("keys/register.key")
    register_public: Path = Path("keys/register.pem")


class RegisterSettings(_Section):
    """SQLAlchemy URL without a password; the password comes from the libpq password file."""

    url: str
    password_file: Path | None = None


class Policy(_Section):
    """The office's own choices; each is a number that an issue, a notice or a chief may change. ``warn_half`` and
    ``warn_days``: when to warn of a due day, at half its time and so many working days before it;
    ``look_seconds``: between two looks of the lookout into a partner's folder; ``whole_look_seconds``: how long one
    look into a partner's folder may take in all, less than the collector's minute; ``whole_transfer_seconds``: how
    long fetching a set, or putting a result, may take in all (512 MiB, the largest set by default, at 1 MB/s take
    540 s, and a result is read back); ``watch_after_minutes``: how old a
    batch is before its due day is watched; ``oldest_period_days``: how long ago a period may have ended for which a set
    is still accepted; ``remind_…``: of a set that has not come; ``large_rows``: from how many on a batch is matched by
    ranges, of about ``range_rows`` each (docs/scale.md); ``spot_check_…``: of the rows without a record that leave by a
    standing approval, one in so many waits for an officer, and as many as a partner had hits within so many days
    (``steps/disclosure.py``).
    """

    incomplete_after_minutes: Annotated[int, Field(ge=0)] = 30
    snapshots_kept: Annotated[int, Field(ge=1)] = 7
    connect_seconds: Annotated[float, Field(gt=0)] = 10.0
    transfer_seconds: Annotated[float, Field(gt=0)] = 60.0
    look_seconds: Annotated[float, Field(ge=0.1)] = 0.5
    whole_look_seconds: Annotated[float, Field(gt=0)] = 50.0
    whole_transfer_seconds: Annotated[float, Field(gt=0)] = 1800.0
    warn_half: bool = True
    warn_days: tuple[Annotated[int, Field(ge=1)], ...] = (2, 1)
    watch_after_minutes: Annotated[int, Field(ge=0)] = 10
    oldest_period_days: Annotated[int, Field(ge=0)] = 730
    remind_every_days: Annotated[int, Field(ge=1)] = 7
    remind_at_most: Annotated[int, Field(ge=0)] = 4
    large_rows: Annotated[int, Field(ge=1)] = 2_000_000
    range_rows: Annotated[int, Field(ge=1)] = 1_000_000
    spot_check_one_in: Annotated[int, Field(ge=1)] = 20
    spot_check_days: Annotated[int, Field(ge=0)] = 90

    @property
    def incomplete_after(self) -> timedelta:
        """How long an incomplete set is left alone before it is reported."""
        return timedelta(minutes=self.incomplete_after_minutes)


LEAST_RECORDS_DAYS: Final = 1096
"""Three years, a leap day among them: records of how personal information was handled are kept for at least as long
(Personal Information Protection Law, art. 56).
"""


class RetentionDays(_Section):
    """For how many days after a batch has ended its files are kept, by kind. ``originals``: the partner's data;
    ``results``: the encrypted answers; ``records``: manifests, signatures and receipts; ``work``: what no batch names.

    No longer than the purpose needs (Personal Information Protection Law, art. 19): originals and results a year, so
    that an objection finds them; records ten years, the shorter of the two terms for files of organs (Order 8 of the
    National Archives Administration, 2006), and never fewer than :data:`LEAST_RECORDS_DAYS`.
    """

    originals_days: Annotated[int, Field(ge=1)] = 365
    results_days: Annotated[int, Field(ge=1)] = 365
    records_days: Annotated[int, Field(ge=LEAST_RECORDS_DAYS)] = 3650
    work_days: Annotated[int, Field(ge=1)] = 30


class BackupSettings(_Section):
    """``to``: another disk's folder; ``recovery_certificate``: to whom everything is sealed, the key of which lies
    elsewhere; ``databases``: SQLAlchemy URLs of the owners, ``register`` and ``airflow``, without passwords;
    ``programs``: the folder of PostgreSQL's programs where they are not on the path; ``more``: files to keep with it;
    ``keep_days``: no longer than the shortest time of ``[retention]``.
    """

    to: Path
    recovery_certificate: Path
    databases: dict[str, str]
    password_file: Path | None = None
    programs: Path | None = None
    more: tuple[Path, ...] = ()
    keep_days: Annotated[int, Field(ge=1)] = 30

    def resolved(self, base: Path) -> Self:
        """With all places relative to ``base`` made whole."""
        places = {
            name: base / path
            for name in ("to", "recovery_certificate", "password_file", "programs")
            if (path := getattr(self, name)) is not None
        }
        return self.model_copy(update=places | {"more": tuple(base / path for path in self.more)})


class HealthLimits(_Section):
    """When `exchange health` warns. ``disk_warn_gb``, ``disk_fail_gb``: free on the disk of ``home``, in 10⁹ bytes, the
    less of them less than a night's snapshots need; ``collect_minutes``, ``lookout_minutes``: since somebody last
    looked into the partners' folders (each minute, always); ``verify_days``: since the ledger was last verified
    (weekly); ``backup_hours``: since the last backup (daily); ``certificate_days``: before one ends;
    ``encrypted_beneath``: the disks are encrypted below what this machine sees; ``check_seconds``: how long one check
    may take.
    """

    disk_warn_gb: Annotated[float, Field(gt=0)] = 20.0
    disk_fail_gb: Annotated[float, Field(gt=0)] = 4.0
    collect_minutes: Annotated[int, Field(ge=2)] = 10
    lookout_minutes: Annotated[int, Field(ge=2)] = 10
    verify_days: Annotated[int, Field(ge=1)] = 8
    backup_hours: Annotated[int, Field(ge=1)] = 26
    certificate_days: Annotated[int, Field(ge=1)] = 30
    encrypted_beneath: bool = False
    check_seconds: Annotated[float, Field(gt=0)] = 5.0


class ReviewOffice(_Section):
    """The office of a county, city or the province that looks at rows by hand; its officers are ``people``."""

    division: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    zh: str


class Person(_Section):
    """One who works here, whatever account they come with. ``id`` stands in the register, and comparisons go by it;
    ``login``: the name of the account in Airflow's auth manager, which may use something else as its own id;
    ``os_account``: the account at the command line, for emergencies; ``offices``: the divisions whose officer this is.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    zh: str
    login: str | None = None
    os_account: str | None = None
    roles: Annotated[frozenset[Role], Field(min_length=1)]
    offices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _officers_have_offices(self) -> Self:
        if bool(self.offices) != (Role.OFFICER in self.roles):
            msg = "an officer has offices, and nobody else has"
            raise ValueError(msg)
        return self


class Settings(_Section):
    """Everything an installation decides for itself; ``home`` holds what the software writes."""

    office: str
    home: Path
    agreements: Path
    exports: Path
    keys: Keys
    register_: Annotated[RegisterSettings, Field(alias="register")]
    policy: Policy = Policy()
    retention: RetentionDays = RetentionDays()
    health: HealthLimits = HealthLimits()
    backup: BackupSettings | None = None
    offices: tuple[ReviewOffice, ...] = ()
    people: tuple[Person, ...] = ()
    office_days: Path | None = None

    @model_validator(mode="after")
    def _one_person_each(self) -> Self:
        """No id or account stands for two; every office has an officer, and every officer's office is there."""
        for name in ("id", "login", "os_account"):
            given = [value for each in self.people if (value := getattr(each, name)) is not None]
            if len(given) != len(set(given)):
                msg = f"two people have the same {name}"
                raise ValueError(msg)
        if {division for each in self.people for division in each.offices} != set(self.divisions):
            msg = "every office has an officer among the people, and people are officers of these offices alone"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _backups_follow(self) -> Self:
        """What is destroyed here must not live on in backups."""
        if self.backup and self.backup.keep_days > min(self.retention.model_dump().values()):
            msg = "[backup] keep_days is longer than the shortest time of [retention]"
            raise ValueError(msg)
        return self

    def person(self, **account: str) -> Person | None:
        """The person of this ``id``, ``login`` or ``os_account``; None where it is nobody's."""
        ((name, value),) = account.items()
        return next((each for each in self.people if getattr(each, name) == value), None)

    def with_role(self, role: Role) -> list[Person]:
        """Those who have this role, in the order of the settings."""
        return [each for each in self.people if role in each.roles]

    @cached_property
    def archive(self) -> Archive:
        return Archive(self.home / "archive")

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @property
    def divisions(self) -> list[str]:
        """The divisions that have an office of their own for review."""
        return [office.division for office in self.offices]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The settings in this file, by default the one that the environment names; Halt when they do not fit."""
        place = path or named_place()
        content = read_bytes(place, f"no settings at {place}; name the file in {ENVIRONMENT_VARIABLE}")
        settings = parse_model(cls, content, place)
        return settings._resolved(place.resolve().parent)

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
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise Halt(msg) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"{path} may be read by others; make it 0600"
        raise Halt(msg)
    return content
