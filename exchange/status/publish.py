"""Puts the newest status file into each partner's folder: page, signature, and ``status.json`` last.

    <home>/status/<partner>/    the files as they were made last
        sent                    the hash of the JSON that lies at the partner's
        failed                  when putting them failed last

Rules
- Made anew when something changed, at most once a minute; while nothing changes the same bytes stay. What was made and
  could not be put is put at the next try, the same bytes.
- One process at a time makes and puts a partner's: of two, page, signature and JSON would be of different makings, and
  stay so until something changes. Who finds another at it leaves that partner to the next look.
- Each file under a temporary name, then renamed (``wire/transfer.py``). Whoever reads between two of the renames finds
  a signature of another minute and fetches again.
- A register that lost commits (a standby that took over) would tell partners that their sets have not come: nothing is
  put where the ledger is not the one whose checkpoints were kept, as before anything else that is sent.
- Only partners whose status may have changed are looked at (``moved.py``).
- Into a folder that two agreements name none is put, as one would take the other's place and tell its reader of
  another's batches; whoever collects says that each needs a folder of its own.
- One partner's trouble is that partner's: it is named, the others go on. Nothing of it is in another's file. A server
  that took no file is left alone for some minutes, so that the look that calls this is not held up each time.
- The files are made from the register and stand in no archive: what they say can be asked of it at any time.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.agreements.folders import named_places, readable
from exchange.app import App
from exchange.base.errors import ExchangeError, Halt, without_values
from exchange.base.files import locked, make_folder, sha256, write_atomically
from exchange.status.facts import status_of
from exchange.status.moved import changed_partners, keep
from exchange.status.page import write_page
from exchange.wire.envelope import sign
from exchange.wire.manifest import SIGNATURE_SUFFIX, File, write
from exchange.wire.status import JSON_NAME, PAGE_NAME, Status

log = logging.getLogger(__name__)

AT_MOST_EACH: Final = timedelta(minutes=1)
LEFT_ALONE: Final = timedelta(minutes=5)
_NAMES: Final = (PAGE_NAME, JSON_NAME + SIGNATURE_SUFFIX, JSON_NAME)
"""In the order in which they are put."""

_SENT, _FAILED = "sent", "failed"
_MAX_IN_FLIGHT: Final = 8


@dataclass(frozen=True)
class _Told:
    """The outcome for one partner. ``holds``: its folder has the present status file; ``trouble``: why not, in a
    sentence.
    """

    holds: bool
    put: bool = False
    trouble: str | None = None


def publish_all(app: App) -> list[str]:
    """Renews the status files of all partners whose status may have changed; what went wrong, a sentence for each
    partner, or one where none is told anything.
    """
    try:
        app.keep_checkpoint()
    except Halt as error:
        return [f"status files: {error}"]
    changed, seen = changed_partners(app, [path.stem for path in app.agreement_files()])
    together = _together(app) if changed else set[str]()
    partners = [partner for partner in changed if partner not in together]
    with ThreadPoolExecutor(_MAX_IN_FLIGHT) as workers:
        published = dict(zip(partners, workers.map(lambda partner: _apart(app, partner), partners), strict=True))
    left = [partner for partner, put in published.items() if not put.holds]
    keep(app, seen, [*left, *together.intersection(changed)])
    return [put.trouble for put in published.values() if put.trouble is not None]


def _together(app: App) -> set[str]:
    """The partners one of whose folders another agreement names, too."""
    named = named_places(readable(app.agreement_files())).values()
    return {partner for partners in named if len({*partners}) > 1 for partner in partners}


def publish(app: App, partner: str, *, again: bool = False) -> bool:
    """Puts the partner's status file if it has changed, or, with ``again``, in any case; whether it was put. Errors as
    the transport raises them; Halt where the ledger lost lines.
    """
    app.keep_checkpoint()
    return _publish(app, partner, again=again).put


def _publish(app: App, partner: str, *, again: bool) -> _Told:
    agreement = load_agreement(app.agreement_file(partner))
    folder = make_folder(app.settings.home / "status" / partner)
    try:
        with locked(folder, wait=again):
            return _made_and_put(app, agreement, folder, again=again)
    except BlockingIOError:
        return _Told(holds=False)


def _made_and_put(app: App, agreement: Agreement, folder: Path, *, again: bool) -> _Told:
    """By whoever has locked the folder."""
    partner = agreement.partner
    holds = _make(app, agreement, folder)
    digest = sha256((folder / JSON_NAME).read_bytes())
    if not again and _sent(folder) == digest:
        return _Told(holds)
    with app.folder(agreement) as remote:
        for name in _NAMES:
            remote.deliver(name, folder / name)
    write_atomically(folder / _SENT, digest.encode())
    log.info("partner %s: the status file is renewed", partner)
    return _Told(holds, put=True)


def _apart(app: App, partner: str) -> _Told:
    failed = app.settings.home / "status" / partner / _FAILED
    if _failed_lately(failed, app.now()):
        return _Told(holds=False)
    try:
        with without_values():
            published = _publish(app, partner, again=False)
            failed.unlink(missing_ok=True)
    except ExchangeError as error:
        with suppress(ExchangeError):  # where our own disk is in the way, that is what is told
            make_folder(failed.parent)
            write_atomically(failed, app.now().isoformat().encode())
        log.error("partner %s: status file: %s: %s", partner, type(error).__name__, error)
        return _Told(holds=False, trouble=f"{partner}: status file: {error}")
    return published


def _failed_lately(failed: Path, now: datetime) -> bool:
    with suppress(OSError, ValueError):
        return timedelta() <= now - datetime.fromisoformat(failed.read_text("ascii")) < LEFT_ALONE
    return False


def _make(app: App, agreement: Agreement, folder: Path) -> bool:
    """Makes the files anew where they are not what the partner would be told now; False where that is left to a later
    minute, in which it is worked out: of a partner with hundreds of batches that takes longer than all else here.
    """
    before = _last_made(folder)
    if before is not None and timedelta() <= app.now() - before.made_at < AT_MOST_EACH:
        return False
    now = status_of(app, agreement)
    if before is not None and before.model_copy(update={"made_at": now.made_at, "page": None}) == now:
        return True
    page = write_page(now)
    named = File(name=PAGE_NAME, size=len(page), sha256=sha256(page))
    content = write(now.model_copy(update={"page": named}))
    # The JSON is written last: with it all three are of the same making.
    for name, made in zip(_NAMES, (page, sign(content, app.signing), content), strict=True):
        write_atomically(folder / name, made)
    return True


def _last_made(folder: Path) -> Status | None:
    """What was made last; None where nothing was, where the making was cut off, or an earlier version made it."""
    with suppress(OSError, ValidationError):
        published = Status.model_validate_json((folder / JSON_NAME).read_bytes())
        page = (folder / PAGE_NAME).read_bytes()
        if published.page is not None and published.page.sha256 == sha256(page):
            return published
    return None


def _sent(folder: Path) -> str | None:
    with suppress(OSError):
        return (folder / _SENT).read_text("ascii")
    return None
