"""Retention: what is kept of ended batches is destroyed when its time is over, and nothing else is.

Rules
- Kinds and days stand in the settings; an agreement may say otherwise for its partner: as its file says now, and, once
  that was taken away, as the version said under which the partner's last batch was accepted. No record goes before
  the files that it explains: without manifest and agreement an original can be read no more. Days count from the
  office's day on which the batch ended.
- Register first, file second, register again: killed at any point, the next run goes on. A file is moved aside before
  it is deleted, and moved back where somebody asked for the same bytes meanwhile (it is younger than ``SETTLED``).
- A register that lost commits knows neither the batches, holds and objections of the last while nor their files: behind
  one nothing is destroyed until a person has looked, and what is about to be destroyed, or is held, is written down
  beside the archive as well (``App.keep_checkpoint``).
- Days count by this machine's clock: where it is further than ``CLOCKS_APART`` from that of the database's server, who
  knows what is past its time? Nothing is destroyed. Where both are one machine's this is not found.
- What lies in the archive and is named by no batch (of steps that were killed, copies of notices), and what was left in
  the working folders, the cache and of databases' dumps, goes after the days of ``work``; what was destroyed before and
  lies there again (an older folder under a newer register), once it is ``SETTLED``. What was derived from an original
  goes before it.
- Raw exports go some days after their version was published (``snapshots/raw_exports.py``), each by its name and hash.
- A snapshot's version goes when it is neither new, nor used, nor may be asked for by an objection any more.
- Backups are not reached from here; they must follow (``docs/operations.md``).
"""

from __future__ import annotations

import logging
import os
import stat
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from exchange.agreements.agreement import agreement_bytes, parse_agreement
from exchange.agreements.sections import AgreedRetention
from exchange.app import App
from exchange.base.duty import RETENTION, Duties
from exchange.base.errors import Halt
from exchange.base.files import DUMPS, WRITING, disk_trouble, sha256_of
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.register import Role
from exchange.register.database import probe
from exchange.register.retention import EXPORTS, WORK, KeptFile
from exchange.snapshots.raw_exports import RawFile, left_over, past_their_time

log = logging.getLogger(__name__)

KIND_OF_ROLE: Final[Mapping[str, str]] = {Role.DATA: "originals", Role.RESULT_DATA: "results"}
"""Role → kind; every other file of a batch is one of its ``RECORDS``."""

RECORDS: Final = "records"

SETTLED: Final = timedelta(days=1)
"""Longer than any step takes from laying a file into the archive to registering it."""

CLOCKS_APART: Final = timedelta(days=7)
"""What goes by less too early was due all the same; a clock that is set runs ahead by a month or a year."""

_CHUNK: Final = 500


def kind_of(role: str) -> str:
    """The kind of file, in the settings' words, of a file with this role."""
    return KIND_OF_ROLE.get(role.partition("-")[0], RECORDS)


def due(app: App) -> list[tuple[KeptFile, str]]:
    """The files whose time is over and that nothing protects, each with its kind."""
    days = {partner: _days(app, partner, _agreed_now) for partner in _partners(app)}
    for partner, digest in app.register.retention.last_agreed(days).items():
        days[partner] = _days(app, partner, partial(_agreed_last, digest=digest))
    today, default = office_day(app.now()), _days(app)
    agreed = [days_of for days_of in (default, *days.values()) if days_of]
    shortest = {kind: app.now() - timedelta(days=min(days_of[kind] for days_of in agreed)) for kind in agreed[0]}
    ended_before = {role: shortest[kind] for role, kind in KIND_OF_ROLE.items()} | {"": shortest[RECORDS]}
    files = []
    for file in app.register.retention.kept(ended_before):
        kind, kept_for = kind_of(file.role), days.get(file.partner, default)
        if kept_for and (today - office_day(file.ended_at)).days > kept_for[kind]:
            files.append((replace(file, policy=f"{kept_for[kind]} days"), kind))
    return files


def run(app: App) -> Counter[str]:
    """Destroys what is due; how many files, by kind. Halt as :func:`check`."""
    check(app)
    app.register.guard.forget(app.now())
    retention = app.register.retention
    retention.intend(due(app), app.now())
    _intend_nameless(app)
    app.keep_checkpoint()
    destroyed: Counter[str] = Counter()
    derived, gone = app.cache.derived(), set[str]()
    for number, digest, kind in retention.intended():
        with retention.destroying(number, app.now(), is_there=not app.archive.is_gone(digest)) as destruction:
            if destruction.allowed:
                for path in derived.get(digest, ()):
                    path.unlink(missing_ok=True)
                gone.add(digest)
                destruction.done = app.archive.destroy(digest, _settled(app))
                destroyed[kind] += destruction.done
            else:
                app.archive.put_back(digest)
    app.cache.remove(gone)  # what was made of them meanwhile
    destroyed[WORK] += _left_in_work(app)
    destroyed[EXPORTS] += _destroy_exports(app)
    log.info("destroyed: %s", dict(destroyed))
    Duties.of_home(app.settings.home).done(RETENTION, f"{destroyed.total()}")
    return destroyed


def prune_snapshots(app: App) -> list[tuple[str, str]]:
    """Removes the snapshots' versions that are needed no more; (source, version) of each. Halt as :func:`check`."""
    check(app)
    policy = app.settings.policy
    needed = app.register.snapshots.needed(app.now() - timedelta(days=policy.objections_days))
    removed = ((source, app.snapshots.prune(source, policy.snapshots_kept, needed)) for source in SOURCES)
    return [(source, name) for source, names in removed for name in names]


def check(app: App) -> None:
    """Halt where nothing may be destroyed now: the clock is not the database's, the archive's disk is not there, or the
    ledger is not that of the kept checkpoints.
    """
    _check_clock(app)
    app.check_archive()  # else all that is due would count as gone, and lie there again with its disk
    app.register.check_newest(app.checkpoints)


def _check_clock(app: App) -> None:
    """Halt where this machine's clock and that of the database's server are too far apart to count days by either."""
    theirs, ours = probe(app.register.engine).now, datetime.now(UTC)
    if abs(theirs - ours) > CLOCKS_APART:
        msg = (
            f"this machine's clock ({ours:%Y-%m-%d %H:%M}) and that of the database's server ({theirs:%Y-%m-%d %H:%M}, "
            "both UTC) are days apart; nothing is destroyed until they are set right"
        )
        apart = f"本机时钟（{office_day(ours)}）与登记库服务器的时钟（{office_day(theirs)}）相差数日"
        raise Halt(msg, zh=f"{apart}：校时之前不销毁任何文件")


def due_exports(app: App) -> list[RawFile]:
    """The files of raw exports that are not needed any more."""
    return past_their_time(app.snapshots, app.settings.exports, app.now(), app.settings.retention.exports_days)


def unpublished_exports(app: App) -> list[str]:
    """Exports that stay beyond that time, because they were not published: a person decides about them."""
    return left_over(app.snapshots, app.settings.exports, app.now(), app.settings.retention.exports_days)


def _destroy_exports(app: App) -> int:
    """Destroys them; what a run that was cut off had written down goes as well, if it is still the same file."""
    retention, exports = app.register.retention, app.settings.exports
    files = [(file.name, digest) for file in due_exports(app) if (digest := _hash_if_there(file.path))]
    retention.intend_exports(files, f"{app.settings.retention.exports_days} days", app.now())
    app.keep_checkpoint()
    gone = 0
    for number, name, digest in retention.intended_exports():
        path = exports / name
        with disk_trouble(path):
            if _hash_if_there(path) not in (None, digest):
                log.warning("%s: another file lies in the place of the one to be destroyed; it stays", name)
                continue
            path.unlink(missing_ok=True)
        retention.export_destroyed(number, app.now())
        gone += 1
        with suppress(OSError):  # the last one takes the folder with it
            path.parent.rmdir()
    return gone


def _hash_if_there(path: Path) -> str | None:
    """None where it is gone, as another run destroyed it."""
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return None


def hold(app: App, batch_id: str, reason: str) -> bool:
    """Holds a batch, and the earlier one to which it objects; whether it was not held before. A file that was about
    to be deleted is put back.
    """
    held = app.register.retention.hold(batch_id, reason, app.now())
    app.keep_checkpoint()
    for each in filter(None, (batch_id, app.register.batch(batch_id).objects_to)):
        for file in app.register.files(each):
            app.archive.put_back(file.sha256)
    return held


def _partners(app: App) -> list[str]:
    return [path.stem for path in app.agreement_files()]


def _agreed_now(app: App, partner: str) -> AgreedRetention:
    """As the file says, whether its certificates are there or not: of one that leaked it was taken away."""
    path = app.agreement_file(partner)
    return parse_agreement(agreement_bytes(path), path).retention


def _agreed_last(app: App, partner: str, digest: str) -> AgreedRetention:
    """As an agreement said that was kept with a batch; of one of an older form no more than this is read."""
    try:
        return AgreedRetention.model_validate(tomllib.loads(app.archive.read(digest).decode()).get("retention", {}))
    except ValueError:
        msg = f"{partner}: what the agreement kept with its last batch says of retention cannot be read"
        raise Halt(msg, zh=f"{partner}：与末批一同保存的协议中，保管期限读不出") from None


def _days(
    app: App, partner: str = "", read: Callable[[App, str], AgreedRetention] = lambda *_: AgreedRetention()
) -> dict[str, int] | None:
    """Kind → days; of a partner whose agreement cannot be read nothing is destroyed (None): it may say more."""
    own = app.settings.retention
    try:
        agreed = read(app, partner)
    except Halt as error:
        log.warning("partner %s: nothing of it is destroyed: %s", partner, error)
        return None
    named = {kind: f"{kind}_days" for kind in (*KIND_OF_ROLE.values(), RECORDS)}
    days = {kind: getattr(agreed, name) or getattr(own, name) for kind, name in named.items()}
    return days | {RECORDS: max(days.values())}


def _settled(app: App) -> datetime:
    return app.now() - SETTLED


def _intend_nameless(app: App) -> None:
    """What lies in the archive and is named by no batch will be destroyed, too."""
    days = app.settings.retention.work_days
    long_ago = app.now() - timedelta(days=days)
    touched = app.archive.digests(_settled(app))
    while several := dict(islice(touched, _CHUNK)):
        nameless = {digest: at < long_ago for digest, at in several.items()}
        app.register.retention.intend_nameless(nameless, f"{days} days", app.now(), app.archive.is_gone)


def _left_in_work(app: App) -> int:
    """Removes what fetching and writing left behind where they were cut off."""
    days = app.settings.retention.work_days
    since, removed = (app.now() - timedelta(days=days)).timestamp(), 0
    home = app.settings.home
    folders = (home / "incoming", home / "outgoing", home / "cache")
    left = {*(path for folder in folders for path in folder.glob("*")), *_half_written(home)}
    left |= {*home.glob(f"{DUMPS}*/*")}
    for path in sorted(path for path in left if _lies_since_before(path, since)):
        app.register.retention.left_in_work(path.name, f"{days} days", app.now())
        with suppress(FileNotFoundError):  # another run was faster
            path.unlink()
            removed += 1
    return removed


def _half_written(home: Path) -> Iterator[Path]:
    """Folders may go while they are looked through: of a build, of another run."""
    for folder, _, names in os.walk(home):
        yield from (Path(folder, name) for name in names if name.startswith(WRITING))


def _lies_since_before(path: Path, since: float) -> bool:
    """False, too, where it was renamed or removed meanwhile: whoever wrote it has ended."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_mtime < since
