"""Which partners' status files may have changed since the last look: a few queries for all partners in a quiet minute.

    <home>/status/seen.json     what the last look saw

Rules
- A hint only: for a partner that is named the file is made anew, the others keep theirs. All are named at the first
  look, on a new day, when the ledger is not the one that was read, as after a restore, and when an agreement, a
  certificate, the office's days, this software or an announcement changed;
  one is named when the ledger has a new line about its batches, or other files are missing in its folder.
- A partner whose file could not be put is named again at the next look. The state is written after a look, so that one
  that is killed is repeated.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.files import files_below, make_folder, sha256, write_atomically
from exchange.calendar.working_days import office_day
from exchange.register.counts import line_hash
from exchange.register.standing import moved_since
from exchange.status.maintenance import announced

_AGREED: Final = (".toml", ".pem")


@dataclass(frozen=True)
class LastTold:
    """The state after the last look. ``line``: the ledger's last one then; ``everybody``: a hash of what concerns all
    partners; ``lacking``: partner → what its folder lacks; ``pending``: partners whose file could not be put; ``head``:
    the hash of that line, None where there was none.
    """

    line: int
    everybody: str
    lacking: Mapping[str, str] = field(default_factory=dict)
    pending: Sequence[str] = ()
    head: str | None = None


def changed_partners(app: App, partners: Collection[str]) -> tuple[list[str], LastTold]:
    """The partners whose status may have changed, and the state now."""
    before = _read(app.settings.home)
    engine = app.register.engine
    line, moved = moved_since(engine, before.line if before else 0)
    now = LastTold(line, _everybody(app), _lacking(app), head=line_hash(engine, line))
    if before is None or before.everybody != now.everybody or before.head != line_hash(engine, before.line):
        return sorted(partners), now
    other = {partner for partner in partners if before.lacking.get(partner) != now.lacking.get(partner)}
    return sorted({*moved, *other, *before.pending} & set(partners)), now


def keep(app: App, seen: LastTold, pending: Sequence[str]) -> None:
    """Stores the state after a look. ``pending``: partners whose file could not be put."""
    content = json.dumps(asdict(replace(seen, pending=sorted(pending))))
    make_folder(_file(app.settings.home).parent)
    write_atomically(_file(app.settings.home), content.encode())


def _file(home: Path) -> Path:
    return home / "status" / "seen.json"


def _read(home: Path) -> LastTold | None:
    with suppress(OSError, ValueError, TypeError):
        return LastTold(**json.loads(_file(home).read_bytes()))
    return None


def _everybody(app: App) -> str:
    notices = [(notice.number, str(notice.ends_at)) for notice in announced(app.settings.home, app.now())]
    state = [str(office_day(app.now())), app.settings.office, notices, list(_files(app))]
    return sha256(json.dumps(state, ensure_ascii=False).encode())


def _files(app: App) -> Iterator[tuple[str, int, int]]:
    """Path, time and size of each agreement and certificate, of the office's own days, and of this software."""
    keys, days = app.settings.keys, app.settings.office_days
    agreed = [path for path in files_below(app.settings.agreements) if path.suffix in _AGREED]
    own = [keys.signing_certificate, keys.decryption_certificate, *([days] if days else [])]
    for path in (*agreed, *own, Path(__file__)):
        with suppress(OSError):
            entry = path.stat()
            yield str(path), entry.st_mtime_ns, entry.st_size


def _lacking(app: App) -> dict[str, str]:
    by_partner = defaultdict(list)
    for request in app.register.unfinished.all():
        by_partner[request.partner].append(f"{request.stem} {request.reason} {request.first_seen}")
    return {partner: sha256("\n".join(sorted(lines)).encode()) for partner, lines in by_partner.items()}
