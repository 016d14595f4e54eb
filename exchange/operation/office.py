"""Checks of the office: its database, folders, snapshots, standing duties, ledger and certificates.

Rules
- What stops or falsifies the work is failing; what only slows it, or will stop it, is a warning. A source that is too
  old is a warning: its rows are answered *not ready*, all else goes on. No snapshot of the population is failing.
- A check asks and reads; all it writes is one small file, which it removes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App
from exchange.base.duty import ALTERED, BACKUP, COLLECT, LOOKOUT, RELEASES, RETENTION, VERIFY, WATCH, Duties
from exchange.base.errors import ExchangeError, Halt
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.intake.lanes import AD_HOC
from exchange.operation import log_days, machine
from exchange.operation.finding import HealthFinding, failing, ok, warning
from exchange.operation.other_layout import left_behind
from exchange.register.database import check_encoding, probe
from exchange.register.unmoved import unmoved
from exchange.settings_sections import HealthLimits
from exchange.steps.release import SENT_WITHIN, stuck
from exchange.wire.certificates import ends, read_certificates

_POPULATION: Final = "population"
_Words = tuple[str, str]
_OtherDuty = tuple[str, Callable[[HealthLimits], timedelta], _Words, _Words]

_OTHER_DUTIES: Final[tuple[_OtherDuty, ...]] = (
    (
        WATCH,
        lambda limits: timedelta(hours=limits.watch_hours),
        ("时限按时巡查", "due days and expected sets are watched"),
        (
            "未巡查时限（deadline_watch），到期、逾期、未报的无人得知",
            "nobody watches due days and expected sets",
        ),
    ),
    (
        RELEASES,
        lambda limits: timedelta(minutes=limits.releases_minutes),
        ("放行按时提出", "releases are proposed and sent"),
        ("无人提出放行（releases），核实、审批完的行发不出去", "nobody proposes and sends what was decided"),
    ),
    (
        RETENTION,
        lambda limits: timedelta(days=limits.retention_days),
        ("到期文件按时销毁", "what is past its time is destroyed"),
        ("未销毁到期文件（retention）", "nobody destroys what is past its time"),
    ),
)
"""Duty, how late it may be, what is said while it is done, and where it is not."""
TEST_LANE: Final = "test lane"
PINNED: Final = "pinned"


def database(app: App) -> Iterator[HealthFinding]:
    """Reachable, of an encoding that holds all names, its tables this version's, its clock ours."""
    before = datetime.now(UTC)
    try:
        probed = probe(app.register.engine)
    except ExchangeError as error:
        yield failing("登记库不能用", f"{error}")
        return
    try:
        check_encoding(probed.encoding)
    except Halt as error:
        yield failing(error.zh, f"{error}")
    if probed.revision is None:
        yield failing("登记库中没有表：exchange register migrate", "the register has no tables yet")
    elif probed.revision != probed.head:
        words = f"登记库版本 {probed.revision}，程序需要 {probed.head}：exchange register migrate"
        yield failing(words, f"the tables are of {probed.revision}, this version needs {probed.head}")
    else:
        yield ok(f"登记库可用，版本 {probed.revision}", f"reachable, tables of {probed.revision}")
    yield machine.against(probed.now, before, datetime.now(UTC))


def writing(app: App) -> Iterator[HealthFinding]:
    """The database takes what is written: a standby, or one whose disk is read-only, is read all the same, and nothing
    is taken in. Where it is not reached ``database`` says so.
    """
    with suppress(ExchangeError):
        if probe(app.register.engine).read_only:
            words = "登记库只读（备库，或其磁盘只读），不能收件和办理", "read-only: nothing is taken in or answered"
            yield failing(*words)
        else:
            yield ok("登记库可写", "it takes what is written")


def disk(app: App) -> Iterator[HealthFinding]:
    """The folders can be written to, and there is room."""
    limits, folders = app.settings.health, written_to(app)
    for folder in folders:
        if (trouble := _not_writable(folder)) is not None:
            yield failing(f"不能写入：{trouble}", f"cannot be written to: {trouble}", str(folder))
            return
    free, inodes = machine.room(*folders)
    words = f"剩余 {free / 1e9:.1f} GB，索引节点 {inodes:.0%}", f"{free / 1e9:.1f} GB and {inodes:.0%} of inodes left"
    if free < limits.disk_fail_gb * 1e9 or inodes < 0.01:
        yield failing(*words)
    elif free < limits.disk_warn_gb * 1e9 or inodes < 0.05:
        yield warning(*words)
    else:
        yield ok(*words)


def written_to(app: App) -> list[Path]:
    """The home, and the archive once it is there, which may be mounted in it on a disk of its own."""
    return [app.settings.home, *(path for path in (app.archive.folder,) if path.exists())]


def encryption(app: App) -> Iterator[HealthFinding]:
    """What lies there is plain (snapshots, originals, raw exports, keys): what is beneath should not be."""
    settings = app.settings
    paths = [settings.home, app.archive.folder, settings.exports, settings.keys.decryption_key.parent]
    for path in dict.fromkeys(folder for folder in paths if folder.is_dir()):
        finding = machine.encryption(path, beneath=settings.health.encrypted_beneath)
        yield replace(finding, about=str(path))
    yield replace(machine.swap(beneath=settings.health.encrypted_beneath), about="swap")


def logs(_app: App) -> Iterator[HealthFinding]:
    """How long what is installed keeps them."""
    yield from log_days.findings()


def snapshots(app: App) -> Iterator[HealthFinding]:
    """The sources, what open batches were answered from, and the invented province where partners test."""
    yield from sources(app)
    if behind := left_behind(app.register.engine, (app.snapshots, app.invented)):
        words = (
            f"{len(behind)} 个未办结批次所用的快照本版本读不了（如 {behind[0]}）：退回原版本办结，或请部门重新请求",
            f"{len(behind)} open batches on snapshots that are not read any more, first {behind[0]}: see office init",
        )
        yield warning(*words, PINNED)
    if app.invented.current(_POPULATION) is None and _some_agreement(app, lambda agreement: agreement.is_test):
        words = (
            "有试办部门，未装虚构省份：exchange province install",
            "partners test, and no invented province is installed",
        )
        yield warning(*words, TEST_LANE)


def sources(app: App) -> Iterator[HealthFinding]:
    """Each has a snapshot in use, not older than its limit, nor of a day to come."""
    today = office_day(app.now())
    for source in SOURCES.values():
        worse = failing if source.code == _POPULATION else warning
        current = app.snapshots.current(source.code)
        if current is None:
            yield worse(f"{source.zh}：没有可用的快照", "no snapshot is in use", source.code)
            continue
        age = (today - current.as_of).days
        words = f"{source.zh}：{age} 天，限 {source.max_age_days} 天", f"{age} days old, limit {source.max_age_days}"
        yield (ok if 0 <= age <= source.max_age_days else warning)(*words, source.code)


def duties(app: App) -> Iterator[HealthFinding]:
    """Somebody looks into the partners' folders, each minute, and all the time where a partner may ask ad hoc; and does
    what else is done each minute, hour or night, and that nobody would miss for days.
    """
    limits = app.settings.health
    late = _late(app, COLLECT, timedelta(minutes=limits.collect_minutes))
    if late is None:
        yield ok("收件按时进行", "the partners' folders are looked into", COLLECT)
    else:
        yield failing(f"收件（collect）{late[0]}", f"nobody looks into the partners' folders: {late[1]}", COLLECT)
    late = _late(app, LOOKOUT, timedelta(minutes=limits.lookout_minutes))
    if late is None:
        yield ok("值守在岗", "the lookout is on duty", LOOKOUT)
    elif _some_agreement(app, lambda agreement: AD_HOC in agreement.cycles):
        yield warning(f"值守（lookout）{late[0]}，临时请求要慢一分钟", f"no lookout: {late[1]}", LOOKOUT)
    else:
        yield ok("没有可提临时请求的部门，无须值守", "no partner may ask ad hoc, no lookout is needed", LOOKOUT)
    for duty, limit, done, missed in _OTHER_DUTIES:
        late = _late(app, duty, limit(limits))
        if late is None:
            yield ok(*done, duty)
        else:
            yield warning(f"{missed[0]}（{late[0]}）", f"{missed[1]}: {late[1]}", duty)


def batches(app: App) -> Iterator[HealthFinding]:
    """Nothing that a run has to take further stands still: because its run failed, its DAG is paused or its pool was
    removed, or because a partner's server is away, nobody would hear of it before its due day.
    """
    minutes = app.settings.health.unmoved_minutes
    still = unmoved(app.register.engine, app.now(), timedelta(minutes=minutes))
    if not still:
        yield ok("没有停滞的批次", "no batch stands still")
        return
    yield warning(
        f"{len(still)} 批 {minutes} 分钟以上未动，最早 {still[0]}：看其在 Airflow 的运行，DAG 是否暂停、并发池是否还在",
        f"{len(still)} not moved for {minutes} minutes, first {still[0]}: see its run, a paused DAG, a removed pool",
    )


def releases(app: App) -> Iterator[HealthFinding]:
    """What was approved leaves, as :func:`batches`: ``releases`` says so, too, where somebody looks at its runs."""
    minutes, still = SENT_WITHIN // timedelta(minutes=1), stuck(app)
    if not still:
        yield ok("没有批准后未送达的放行", "no release that may leave stands still")
        return
    yield warning(
        f"{len(still)} 次放行批准后 {minutes} 分钟以上未送达，最早 {still[0].id}：看其 release 运行，DAG 是否暂停",
        f"{len(still)} may leave for {minutes} minutes and did not, first {still[0].id}: see its run, a paused DAG",
    )


def ledger(app: App) -> Iterator[HealthFinding]:
    """When ``exchange register verify`` last held the register against its ledger, and what it found."""
    last = Duties.of_home(app.settings.home).last(VERIFY)
    if last is not None and last.summary == ALTERED:
        yield failing("上次核对登记簿未通过：exchange register verify", "the last verification found something")
        return
    late = _late(app, VERIFY, timedelta(days=app.settings.health.verify_days))
    if late is not None:
        yield warning(f"核对登记簿（exchange register verify）{late[0]}", f"the ledger's verification: {late[1]}")
    elif last is not None:
        yield ok(f"登记簿 {last.summary} 行，核对无误", f"{last.summary} lines, verified")


def backup(app: App) -> Iterator[HealthFinding]:
    """When ``exchange backup make`` last ended well, where the settings have a ``[backup]``."""
    if app.settings.backup is None:
        yield ok("设置中没有 [backup]：由别的程序备份", "no [backup] in the settings: another program makes them")
        return
    late = _late(app, BACKUP, timedelta(hours=app.settings.health.backup_hours))
    if late is None:
        yield ok("备份按时", "the last backup is recent")
    else:
        yield warning(f"备份（exchange backup make）{late[0]}", f"the last backup: {late[1]}")


def certificates(app: App) -> Iterator[HealthFinding]:
    """The office's own and the partners', by their days."""
    limit, keys = app.settings.health.certificate_days, app.settings.keys
    for use, path in (("signing", keys.signing_certificate), ("decryption", keys.decryption_certificate)):
        days = days_left(app, path)
        if days is None or days < 0:
            yield failing(f"本机关证书 {use} 读不出或已过期", "the office's own cannot be read, or has ended", use)
        else:
            yield (warning if days <= limit else ok)(f"本机关证书 {use} 余 {days} 天", f"{days} days left", use)
    soon = [name for name, days in partner_days(app) if days is None or days <= limit]
    if soon:
        words = (
            f"{len(soon)} 个部门证书将到期、已到期或读不出",
            f"of {len(soon)} partners: ending, ended or not readable",
        )
        yield warning(*words, ", ".join(soon[:5]))


def partner_days(app: App) -> Iterator[tuple[str, int | None]]:
    """Partner → days until the first of its two certificates ends; None where agreement or file cannot be read."""
    for path in app.agreement_files():
        try:
            pinned = load_agreement(path).certificates
        except ExchangeError:
            yield path.stem, None
            continue
        days = [days_left(app, file) for file in (pinned.signing, pinned.encryption)]
        known = [day for day in days if day is not None]
        yield path.stem, min(known) if len(known) == len(days) else None


def days_left(app: App, path: Path) -> int | None:
    """Days of the office's until the last certificate in this file ends, as the board and the alerts count them;
    negative once it has ended; None where it cannot be read.
    """
    now = app.now()
    try:
        end = ends(read_certificates(path), now)
    except (ExchangeError, OSError, ValueError):
        return None
    days = (office_day(end) - office_day(now)).days
    return days if end > now else min(days, -1)


def clock(_app: App) -> Iterator[HealthFinding]:
    """Who keeps this machine's clock."""
    yield machine.kept_clock()


def _late(app: App, duty: str, limit: timedelta) -> tuple[str, str] | None:
    """Since when it was not done, in both languages; None where it was done in time."""
    last = Duties.of_home(app.settings.home).last(duty)
    if last is None:
        return "从未进行", "never done"
    if last.is_of_late(app.now(), limit):
        return None
    hours = abs(app.now() - last.at) / timedelta(hours=1)
    return f"已 {hours:.1f} 小时未进行", f"not done for {hours:.1f} hours"


def _some_agreement(app: App, fits: Callable[[Agreement], bool]) -> bool:
    """Whether one of those that can be read fits."""
    for path in app.agreement_files():
        try:
            if fits(load_agreement(path)):
                return True
        except ExchangeError:
            continue
    return False


def _not_writable(folder: Path) -> str | None:
    """What the system says where a file cannot be made, synced and removed here; None where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
