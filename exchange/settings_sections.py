"""The sections of the office's settings (``settings.py``): keys, register, policy, retention, backup, health, people.

Rules: each number here is a choice of the office's own, unless its text names a source; where the law says how long at
least, nothing shorter is taken.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from exchange.base.toml import Section


class PersonRole(StrEnum):
    """What a person may do beside what Airflow lets the account do; ``discloser``: ask, with another one, who was told
    about somebody.
    """

    OFFICER = "officer"
    LEADER = "leader"
    SUPERVISOR = "supervisor"
    DISCLOSER = "discloser"


class Keys(Section):
    """Paths of the office's own keys and certificates, PEM files."""

    signing_key: Path
    """签名私钥（PEM）：结果、回执、通知由它签名。 The private key that signs results, receipts and notices."""
    signing_certificate: Path
    """与签名私钥对应的证书，事先交给各部门。 Its certificate, which the partners have."""
    decryption_key: Path
    """解密私钥（PEM）：打开部门加密的请求。 The private key that opens encrypted requests."""
    decryption_certificate: Path
    """与解密私钥对应的证书，事先交给各部门。 Its certificate, to which partners encrypt."""
    sftp_key: Path
    """登录各部门 SFTP 服务器的 SSH 私钥。 The SSH private key for the partners' servers."""
    register_key: Path = Path("keys/register.key")
    """登记簿流水的签名私钥。 The private key that signs the lines of the register."""
    register_public: Path = Path("keys/register.pem")
    """核对登记簿流水的公钥，现用的在前，旧的保留在后。
    The public keys that the lines are checked by, the present one first.
    """
    told_keys: Path = Path("keys/told.keys")
    """“查询过谁”索引的散列密钥，不是 PEM；须随其他密钥一同备份。
    The hash keys of the index of who was told about whom, no PEM; backed up with the other keys.
    """


class RegisterSettings(Section):
    """SQLAlchemy URL without a password; the password comes from the libpq password file."""

    url: str
    """登记数据库的 SQLAlchemy 地址，不含口令。 SQLAlchemy URL of the register's database, without a password."""
    password_file: Path | None = None
    """libpq 口令文件，0600；不写则用 libpq 的缺省。
    The libpq password file, 0600; left out: what libpq finds by itself.
    """


class Policy(Section):
    """The office's own choices; each is a number that an issue, a notice or a chief may change. How the spot checks are
    drawn: ``steps/disclosure.py``.
    """

    incomplete_after_minutes: Annotated[int, Field(ge=0)] = 30
    """请求文件不齐全多少分钟后报告；此前不动。
    Minutes for which an incomplete set is left alone before it is reported.
    """
    snapshots_kept: Annotated[int, Field(ge=1)] = 7
    """每个数据源保留几个快照版本，至少两个；未办结批次、未办结异议所用的另外保留。
    Versions of a source's snapshot that are kept, two at least, beside those that open batches and objections use.
    """
    objections_days: Annotated[int, Field(ge=0)] = 60
    """批次办结后几天以内可提异议：其间保留答复它的快照版本，过后不予受理（objection_past），可另行请求。
    缺省与申请行政复议的期限相同（行政复议法第二十条）；每日一版，两千七百万人六十日约 0.1 TB，一年约 0.6 TB。
    Days after a batch has ended within which it can be looked at again: so long the versions stay that answered it, and
    an objection that comes later is refused (objection_past), for which one asks anew. By default as long as for
    administrative reconsideration (Administrative Reconsideration Law, art. 20). A version a day: of 27 million people
    0.1 TB in sixty days, 0.6 TB in a year.
    """
    connect_seconds: Annotated[float, Field(gt=0)] = 10.0
    """连接部门服务器至多等待几秒。 Seconds that connecting to a partner's server may take."""
    transfer_seconds: Annotated[float, Field(gt=0)] = 60.0
    """部门服务器一次应答至多等待几秒。 Seconds that one answer of a partner's server may take."""
    look_seconds: Annotated[float, Field(ge=0.1)] = 0.5
    """常驻的目录监视隔几秒看一次部门目录。 Seconds between two looks of the lookout into a partner's folder."""
    looks_per_second: Annotated[float, Field(gt=0)] = 200.0
    """五分钟内没有动静的目录，合计每秒至多看几次。
    Looks per second into all folders together in which nothing has moved for five minutes.
    """
    resident_workers: Annotated[int, Field(ge=0)] = 2
    """目录监视旁的常驻进程数：小的临时请求由它们当即答复；0 表示一律由 Airflow 的运行答复。
    Processes beside the lookout that answer small ad hoc sets at once; 0: Airflow's runs answer all.
    """
    whole_look_seconds: Annotated[float, Field(gt=0)] = 50.0
    """看一个部门目录全程至多几秒；应小于收件任务的一分钟。
    Seconds that one look into a partner's folder may take in all; less than the collector's minute.
    """
    whole_transfer_seconds: Annotated[float, Field(gt=0)] = 1800.0
    """收取一份请求或发出一份结果全程至多几秒。512 MiB（缺省的上限）按 1 MB/s 需 540 秒，结果还要读回核对。
    Seconds that fetching a set, or putting a result, may take in all: 512 MiB, the largest set by default, take 540 at
    1 MB/s, and a result is read back.
    """
    warn_half: bool = True
    """时限过半时提醒。 Whether to warn when half the time to the due day is over."""
    warn_days: tuple[Annotated[int, Field(ge=1)], ...] = (2, 1)
    """剩几个工作日时提醒。 Working days before the due day at which to warn."""
    watch_after_minutes: Annotated[int, Field(ge=0)] = 10
    """批次收到几分钟后开始监视时限。 Minutes after which a batch's due day is watched."""
    oldest_period_days: Annotated[int, Field(ge=0)] = 730
    """期间结束多少天以内的请求仍受理。 Days since the end of a period for which a set is still accepted."""
    remind_every_days: Annotated[int, Field(ge=1)] = 7
    """应报未报的，隔几天催报一次。 Days between two reminders of a set that has not come."""
    remind_at_most: Annotated[int, Field(ge=0)] = 4
    """应报未报的，至多催报几次。 How often at most a partner is reminded of a set."""
    large_rows: Annotated[int, Field(ge=1)] = 2_000_000
    """多少行以上按号码段分开比对（见 scale.md）。 Rows from which on a batch is matched by ranges (scale.md)."""
    range_rows: Annotated[int, Field(ge=1)] = 1_000_000
    """分开比对时每段约多少行。 Rows of one such range, about."""
    spot_check_one_in: Annotated[int, Field(ge=1)] = 20
    """凭事先审批发出的“未发现记录”，每多少人抽一人由民警核实；逐批审批的，每批至多抽一人。
    Of the people without a record who leave by a standing approval, one in so many waits for an officer; where the
    leader approves each batch, one of a batch at most.
    """
    spot_check_days: Annotated[int, Field(ge=0)] = 90
    """抽查比例还不低于该部门近多少天内已告知有记录的比例。 And as large a share as it was told of in so many days."""
    remember_decisions_days: Annotated[int, Field(ge=0)] = 400
    """同一部门再次核查同一人、登记情况未变的，沿用民警多少天内的结论，不再转人工；0 为不沿用。
    涉违法犯罪记录的一律不沿用。
    The same partner asks the same again and the register says the same: the row is decided as an officer did within so
    many days; 0: never. Never where offence records are asked about.
    """
    approve_login_minutes: Annotated[int, Field(ge=1)] = 15
    """领导在页面上审批，登录后多少分钟以内有效；逾时须重新登录，已填内容仍在。
    Minutes after a log-in within which a leader's word on the pages is taken; later the leader logs in again.
    """
    guard_holds: bool = True
    """试探性查询触发防线时，结果是否等审批领导过目才发出；否则只记入登记簿。
    Whether what shows that a partner guesses holds its result for a leader, or is only written down.
    """

    @property
    def incomplete_after(self) -> timedelta:
        """How long an incomplete set is left alone before it is reported."""
        return timedelta(minutes=self.incomplete_after_minutes)


LEAST_RECORDS_DAYS: Final = 1096
"""Three years, a leap day among them: records of how personal information was handled are kept for at least as long
(Personal Information Protection Law, art. 56).
"""

LEAST_LOG_DAYS: Final = 184
"""Six months: logs are kept for at least as long (Cybersecurity Law, art. 21 (3)). No setting of ours says how long,
for nothing of ours takes a log away; what is shipped for systemd is held to it (``tests/docker/test_logs.py``).
"""


class RetentionDays(Section):
    """For how many days after a batch has ended its files are kept, by kind.

    No longer than the purpose needs (Personal Information Protection Law, art. 19): originals and results a year, so
    that an objection finds them; records ten years, the shorter of the two terms for files of organs (Order 8 of the
    National Archives Administration, 2006), and never fewer than :data:`LEAST_RECORDS_DAYS`. Exports hold records that
    are sealed: two weeks, twice the age at which a source of offences counts as not ready, so that a build that went
    wrong is noticed and made again (own choice).
    """

    originals_days: Annotated[int, Field(ge=1)] = 365
    """部门的数据文件保存几天。 Days for which partners' data files are kept."""
    results_days: Annotated[int, Field(ge=1)] = 365
    """结果数据文件（加密）保存几天。 Days for which encrypted results are kept."""
    records_days: Annotated[int, Field(ge=LEAST_RECORDS_DAYS)] = 3650
    """清单、签名、回执保存几天；至少三年（个人信息保护法第五十六条），且不短于其数据文件。
    Days for which manifests, signatures and receipts are kept; three years at least
    (Personal Information Protection Law, art. 56), and no shorter than their data files.
    """
    work_days: Annotated[int, Field(ge=1)] = 30
    """不属于任何批次的文件保存几天。 Days for which files that no batch names are kept."""
    exports_days: Annotated[int, Field(ge=1)] = 14
    """原始导出文件保存几天，自其快照发布之日起；够重新制作即可。
    Days for which raw exports are kept after their snapshot was published: as long as it may have to be built again.
    """


class BackupSettings(Section):
    """Where backups go, and for whom they are encrypted."""

    to: Path
    """备份写入的目录，应在另一块磁盘上。 The folder of the backups, on another disk."""
    recovery_certificate: Path
    """恢复证书：备份只有它的私钥可解，私钥另存他处。
    The certificate that all is encrypted to; its key lies elsewhere.
    """
    databases: dict[str, str]
    """登记库 `register` 与 Airflow 库 `airflow` 的 SQLAlchemy 地址，不含密码。
    SQLAlchemy URLs of `register` and `airflow`, without passwords.
    """
    password_file: Path | None = None
    """libpq 密码文件（0600）。 The libpq password file (0600)."""
    programs: Path | None = None
    """PostgreSQL 程序所在目录，不在路径中时写。 The folder of PostgreSQL's programs where they are not on the path."""
    more: tuple[Path, ...] = ()
    """一并备份的其他文件。 More files that are kept along."""
    keep_days: Annotated[int, Field(ge=1)] = 30
    """备份保存几天；不长于 `[retention]` 中最短的。
    Days that backups are kept; no longer than the shortest of `[retention]`.
    """

    def resolved(self, base: Path) -> Self:
        """With all paths made absolute, from ``base`` on."""
        paths = {
            name: base / path
            for name in ("to", "recovery_certificate", "password_file", "programs")
            if (path := getattr(self, name)) is not None
        }
        return self.model_copy(update=paths | {"more": tuple(base / path for path in self.more)})


class TimestampSettings(Section):
    """The authority that stamps each day's head of the register (RFC 3161)."""

    url: Annotated[str, Field(pattern=r"^https?://")]
    """时间戳机构的地址；对方只收到摘要。 The authority's address; it is sent a hash alone."""
    certificate: Path
    """核对时间戳的机构证书（PEM）。 The authority's certificate (PEM), by which its stamps are verified."""

    def resolved(self, base: Path) -> Self:
        """With the certificate's path made absolute."""
        return self.model_copy(update={"certificate": base / self.certificate})


class WitnessSettings(Section):
    """Another organ that cosigns checkpoints of the register (C2SP tlog-witness)."""

    zh: str
    """单位名称。 The organ's name."""
    key: Annotated[str, Field(pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$")]
    """见证公钥，`exchange witness make` 所打印。 Its public key, as `exchange witness make` prints it."""
    days: Annotated[int, Field(ge=1)] = 7
    """约定几天联署一次；逾期提醒。 Days that its last cosignature may be old; later it is a trouble."""


class HealthLimits(Section):
    """When ``exchange health`` warns, and when it fails."""

    disk_warn_gb: Annotated[float, Field(gt=0)] = 20.0
    """剩余磁盘少于多少 GB（10⁹ 字节）时提醒。 Warns below so many 10⁹ bytes left on the disk."""
    disk_fail_gb: Annotated[float, Field(gt=0)] = 4.0
    """少于多少 GB 即为故障：不够一夜的快照。 Fails below these: less than a night's snapshots need."""
    collect_minutes: Annotated[int, Field(ge=2)] = 10
    """几分钟无人查看部门目录即为故障。 Minutes since somebody last looked into the partners' folders."""
    lookout_minutes: Annotated[int, Field(ge=2)] = 10
    """几分钟没有常驻监视时提醒。 Minutes without a lookout on duty."""
    watch_hours: Annotated[int, Field(ge=2)] = 3
    """几小时没有巡查时限时提醒（每小时一次）：其间到期、逾期、未报的无人得知。
    Hours since due days and expected sets were last watched (hourly): until then nobody hears of what is late.
    """
    releases_minutes: Annotated[int, Field(ge=2)] = 10
    """几分钟无人提出放行时提醒（每分钟一次）：其间核实、审批完的行发不出去。
    Minutes since releases were last proposed: until then nothing leaves of what was decided.
    """
    retention_days: Annotated[int, Field(ge=1)] = 3
    """几天没有销毁到期文件时提醒（每夜一次）。 Days since what is past its time was last destroyed (nightly)."""
    unmoved_minutes: Annotated[int, Field(ge=11)] = 60
    """批次应有运行接着办理而几分钟未动时提醒：运行失败、DAG 暂停、并发池被删等。
    Minutes that a batch which a run has to take further may stand still: its run failed, its DAG is paused.
    """
    verify_days: Annotated[int, Field(ge=1)] = 3
    """登记簿几天未核对时提醒（每夜一次）。 Days since the ledger was last verified (nightly)."""
    backup_hours: Annotated[int, Field(ge=1)] = 26
    """几小时没有备份时提醒（每日一次）。 Hours since the last backup (daily)."""
    certificate_days: Annotated[int, Field(ge=1)] = 30
    """证书到期前几天提醒。 Days before a certificate ends."""
    encrypted_beneath: bool = False
    """磁盘在本机看不见的下层加密。 The disks are encrypted below what this machine sees."""
    check_seconds: Annotated[float, Field(gt=0)] = 5.0
    """一项检查至多几秒。 Seconds that one check may take."""


class ReviewOffice(Section):
    """The office of a county, city or the province that looks at rows by hand; its officers are ``people``."""

    division: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    """所在地的行政区划代码，六位。 Division code of the place, six digits."""
    zh: str
    """单位名称。 The office's name."""


class Person(Section):
    """One who works here, whatever account they come with; Airflow's auth manager may use an id of its own."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """登记簿中的代号，一人一个，永不更改；回避等一律按它比较。
    The person in the register, for good; all comparisons go by it.
    """
    zh: str
    """姓名。 The name."""
    login: str | None = None
    """Airflow 登录名。 Name of the account in Airflow's auth manager."""
    os_account: str | None = None
    """应急时用命令行的本机账户。 Account at the command line, for emergencies."""
    roles: Annotated[frozenset[PersonRole], Field(min_length=1)]
    """可办的事：officer 责任民警，leader 领导，supervisor 监督。 What the person may do."""
    offices: tuple[str, ...] = ()
    """责任民警所在责任单位的行政区划代码；其他人不写。
    Divisions of the offices whose officer this is; nobody else has any.
    """

    @model_validator(mode="after")
    def _officers_have_offices(self) -> Self:
        if bool(self.offices) != (PersonRole.OFFICER in self.roles):
            msg = "an officer has offices, and nobody else has"
            raise ValueError(msg)
        return self
