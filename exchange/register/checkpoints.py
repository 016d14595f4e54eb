"""Checkpoints that left the house, and the office's own: what a ledger that was rolled back or rewritten is found by.

Rules
- Each receipt and result carries the checkpoint of the ledger's last line (a C2SP signed note, ``signing.py``). The
  newest of each day is kept beside the archive, outside the database; each minute, too, by the collector; and before
  something is sent, the one of the line by which it is sent (``App.attested``).
- Before anything is sent, the line of the newest kept checkpoint must be in the ledger as it was. Where it is not,
  nothing is sent until a person has looked and said so: ``exchange register resume``.
- Where witnesses cosign (``witness.py``), what they cosigned is kept likewise, and counts likewise.
- A kept checkpoint that was refuted stays, under another name; one that an authority has stamped is never replaced:
  by a clock that was put back the newest goes to the first day behind that has no stamp.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, ColumnElement, any_, bindparam, func, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.base.files import locked, make_folder, names_in, sync_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.register import as_made, ledger
from exchange.register.lines import now
from exchange.register.models import LedgerRow
from exchange.register.signing import Checkpoint, LedgerKey, note, parse_note
from exchange.register.walk import Walked

_PARTED: Final = ".parted"
_COSIGNED: Final = "cosigned"
_NAMED: Final = len("2026-11-23")
_DIGITS: Final = 15
_LOOKED_AT: Final = 40
"""Among the checkpoints of so many days the one of the longest ledger is compared before something is sent."""


@dataclass(frozen=True)
class Kept:
    """The folder of the office's own checkpoints: a file for each day, named by it; in ``cosigned`` a file for each one
    that a witness cosigned, named by the witness's key and the number of lines.
    """

    folder: Path

    def keep(self, text: str, day: date) -> None:
        """The day's newest; nothing to do where it is that already, or another process has kept a newer one."""
        path, size = self._unstamped(day), parse_note(text)[0].size
        if _knows(path, size):
            return
        with locked(make_folder(self.folder)):
            if not _knows(path, size):
                write_atomically(path, text.encode())

    def _unstamped(self, day: date) -> Path:
        path = self.folder / str(day)
        while stamp_of(path).exists():
            day += timedelta(days=1)
            path = self.folder / str(day)
        return path

    def files(self) -> list[Path]:
        """The files of the office's own checkpoints that were not refuted, the oldest day first."""
        return [path for name in self._days() if (path := self.folder / name).is_file()]

    def latest(self, most: int, besides: Collection[str]) -> list[Path]:
        """So many of the last of :meth:`files`, behind those of before that have one of these names. Only they are
        looked at: a file comes with every day, and this is asked for each set.
        """
        days = self._days()
        files = (path for name in reversed(days) if (path := self.folder / name).is_file())
        last = [*islice(files, most)][::-1]
        before = [self.folder / name for name in sorted(besides) if last and name < last[0].name]
        return [*(path for path in before if path.is_file()), *last]

    def _days(self) -> list[str]:
        return sorted(name for name in names_in(self.folder) if len(name) == _NAMED and name[4] == name[7] == "-")

    def keep_cosigned(self, text: str, key: bytes, size: int) -> Path:
        """A checkpoint with the cosignature of the witness whose key has this id."""
        path = self.folder / _COSIGNED / f"{key.hex()}-{size:0{_DIGITS}}"
        write_atomically(path, text.encode())
        return path

    def cosigned(self, key: bytes | None = None) -> list[Path]:
        """What witnesses cosigned, or the one whose key has this id; the smallest ledger first."""
        key_id = "?" * 8 if key is None else key.hex()
        pattern, folder = f"{key_id}-{'?' * _DIGITS}", self.folder / _COSIGNED
        names = sorted(name for name in names_in(folder) if fnmatchcase(name, pattern))
        return [folder / name for name in sorted(names, key=lambda name: name.partition("-")[2])]

    def all(self) -> list[Path]:
        """The files of all checkpoints that were not refuted: the office's own, then the cosigned ones."""
        return [*self.files(), *self.cosigned()]

    def set_aside(self, wrong: Iterable[Path]) -> None:
        """Renames checkpoints that were refuted, so that they no longer count."""
        for path in wrong:
            path.rename(path.with_name(f"{path.name}{_PARTED}-{path.stat().st_mtime_ns}"))
            sync_folder(path.parent)


def stamp_of(note: Path) -> Path:
    """Where the time stamp of an authority over this file lies, or would (``operation/timestamps.py``)."""
    return note.with_name(f"{note.name}.tsr")


def _knows(path: Path, size: int) -> bool:
    """Whether the note in this file speaks of so many lines, or more; False where there is none that can be read."""
    with suppress(OSError, ValueError):
        return parse_note(path.read_text("utf-8"))[0].size >= size
    return False


def present(session: Session, kept: Kept | None = None) -> str | None:
    """The ledger's checkpoint now, as a signed note; None where no line is signed. ``kept``: Halt, too, as
    :func:`check_newest` says.
    """
    line = ledger.last_line(session) if kept is None else _last_held(session, kept)
    if line is None or line.signature is None:
        return None
    return note(ledger.checkpoint_of(line), line.signature)


def _last_held(session: Session, kept: Kept) -> LedgerRow | None:
    """The last line of the ledger that was held against these checkpoints with the same question."""
    known = newest(kept, ledger.key_of(session))
    found = session.execute(ledger.LAST.add_columns(*held()), sizes(known)).first()
    if found is None:
        check_newest(session, kept)
        return None
    line: LedgerRow
    line, *of_ledger = found
    check_held(known, *of_ledger)
    return line


def read(path: Path, key: LedgerKey) -> Checkpoint:
    """The checkpoint in a receipt, a result's manifest, or a note; Halt where it holds none that this office signed."""
    try:
        content = path.read_text("utf-8")
        text = json.loads(content)["register"] if content.lstrip().startswith("{") else content
        checkpoint, signatures = parse_note(text)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise Halt(msg, zh=f"{path} 读不出：请核对文件名和权限") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        msg = f"{path} holds no checkpoint of the register"
        raise Halt(msg, zh=f"{path} 中没有登记簿的检查点：应为本机关的回执、结果清单或检查点文件") from None
    if not any(key.is_signed(checkpoint, signature) for signature in signatures):
        msg = f"{path}: its checkpoint was not signed by this office"
        raise Halt(msg, zh=f"{path} 中的检查点不是本机关所签")
    return checkpoint


def read_all(paths: Iterable[Path], key: LedgerKey) -> dict[Path, Checkpoint | None]:
    """The checkpoint of each; None where it holds none that this office signed."""
    by_path: dict[Path, Checkpoint | None] = {}
    for path in paths:
        by_path[path] = None
        with suppress(Halt):
            by_path[path] = read(path, key)
    return by_path


def check_newest(session: Session, kept: Kept) -> None:
    """Halt where the line of the newest kept checkpoint is not in the ledger as it was, or where the tables are not as
    they were made, so that something else might be read from them than what lines state.
    """
    known = newest(kept, ledger.key_of(session))
    check_held(known, *session.execute(select(*held()), sizes(known)).one())


def newest(kept: Kept, key: LedgerKey) -> dict[Path, Checkpoint]:
    """Those that the ledger is held against before something is sent; Halt where one is not this office's. A clock that
    once ran ahead left some for days to come: the one that knows the most lines is looked at, whatever its day. A clock
    that was put back leaves them for days gone by: today's and yesterday's are looked at, however many days are behind.
    """
    today = office_day(now())
    days = kept.latest(_LOOKED_AT, {str(today), str(today - timedelta(days=1))})
    largest = max(days, key=lambda path: _size(path, path.stat().st_mtime_ns), default=None)
    return {path: read(path, key) for path in {*days[-2:], *kept.cosigned()[-1:], *filter(None, [largest])}}


def sizes(known: Mapping[Path, Checkpoint]) -> dict[str, list[int]]:
    """The parameter of :func:`held`. The checkpoints must have been read before it is asked: those that others keep
    meanwhile may be of lines that it does not see.
    """
    return {"sizes": [checkpoint.size for checkpoint in known.values()]}


def held() -> tuple[ColumnElement[str | None], ColumnElement[list[list[Any]] | None]]:
    """The columns whose values :func:`check_held` takes; a query may select them beside others, of the same moment."""
    return as_made.other(), _LINES


def check_held(known: Mapping[Path, Checkpoint], other: str | None, lines: list[list[Any]] | None) -> None:
    """Halt as :func:`check_newest` says. ``other``, ``lines``: the answers to :func:`held`."""
    as_made.check_found(other)
    _check_agree(known, lines)


@lru_cache(maxsize=2 * _LOOKED_AT)
def _size(path: Path, _written: int) -> int:
    """How many lines the note in this file speaks of, whoever wrote it; one that cannot be read is looked at first."""
    try:
        return parse_note(path.read_text("utf-8"))[0].size
    except (OSError, ValueError):
        return sys.maxsize


def check_agrees(session: Session, path: Path) -> None:
    """Halt where the line of the checkpoint in this file is not in the ledger as it was."""
    known = {path: read(path, ledger.key_of(session))}
    _check_agree(known, session.scalar(select(_LINES), sizes(known)))


def _check_agree(known: Mapping[Path, Checkpoint], lines: list[list[Any]] | None) -> None:
    """``lines``: number, root and hash of those that are in the ledger now."""
    found = {seq: Checkpoint(seq, root or "", line_hash) for seq, root, line_hash in lines or ()}
    for path, checkpoint in known.items():
        line = found.get(checkpoint.size)
        if line != checkpoint:
            lost = "was rolled back" if line is None else "was rewritten"
            msg = (
                f"the ledger {lost}: it is not the one of {checkpoint.size} lines that the checkpoint of {path.name} "
                "knows; nothing is sent until a person has looked (`exchange register verify`) and said so "
                "(`exchange register resume`)"
            )
            raise Halt(
                msg,
                zh=f"流水与 {path.name} 的检查点（{checkpoint.size} 行）不符，"
                "查明之前不发出任何结果：先 exchange register verify，再 resume",
            )


_LINES: Final = (
    select(type_coerce(func.json_agg(func.json_build_array(LedgerRow.seq, LedgerRow.root, LedgerRow.hash)), JSON))
    .where(LedgerRow.seq == any_(bindparam("sizes", type_=ARRAY(BigInteger))))
    .correlate(None)
    .scalar_subquery()
)


def parted(walked: Walked, checkpoints: Mapping[str, Checkpoint]) -> str | None:
    """Where the ledger parts from the first of these (name → checkpoint) that it does not agree with; None where it
    agrees with all.
    """
    agreed = 0
    for name, checkpoint in sorted(checkpoints.items(), key=lambda entry: entry[1].size):
        if checkpoint.size > walked.lines:
            return f"the ledger was rolled back: {name} knows {checkpoint.size} lines, the ledger has {walked.lines}"
        if walked.checkpoints.get(checkpoint.size) != checkpoint:
            return f"the ledger was rewritten: it parts from {name} between lines {agreed + 1} and {checkpoint.size}"
        agreed = checkpoint.size
    return None
