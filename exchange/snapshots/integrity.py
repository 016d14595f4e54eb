"""Integrity of snapshots: their files are held against the hashes in ``snapshot.json``.

Rules
- Every file of a version is read whole and checked when the version is put in its place and each night; and before it
  is published or first opened on a machine, unless a note says that it was checked there and not written to since.
- ``snapshot.json`` itself is held against the version's name, which is a part of its hash and is pinned by batches.
- The note lies outside of the version's folder (``<home>/checked/<machine>/``), and holds each file's inode, size and
  times. It proves that these files were whole on this machine once and that nobody has written to them since by the
  ordinary way; a disk that forgets, or somebody who sets times back, is found by the nightly check, which believes no
  note.
- A version that fails is taken out of use by a note beside it, which every machine that shares the folder sees. Only
  the same version, built again and checked, ends that, or that it is gone in its time; that it once failed stays noted.
- What may not be read (rights, a network disk that is away) was not altered: a person looks, and once it can be read it
  is in use as before. Nor was what is removed while it is read.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from exchange.base.errors import Halt
from exchange.base.files import disk_trouble, sha256_of, write_atomically

_RECORD: Final = "snapshot.json"
_NAME_HASH: Final = 12
_BROKEN: Final = ".broken-"


class Past(Halt):
    """A version that answers nothing any more: it was removed in its time, or is of another layout."""


def check(folder: Path, source: str) -> None:
    """Reads every file of the version in this folder; Halt, and it is out of use, where one is not as written. Halt
    alone where it may not be read, Past where the version is gone.
    """
    with disk_trouble(folder):
        wrong = _wrong_file(folder)
        if wrong is None:
            _note(folder)
            return
        if not folder.is_dir():
            raise Past(gone(source, folder.name))
    _take_out_of_use(folder, wrong)
    raise Halt(words(source, folder.name, wrong), zh=_words_zh(source, folder.name))


def check_once(folder: Path, source: str) -> None:
    """As :func:`check`, but nothing is read where this machine's note says that it was. Halt also where it is out of
    use.
    """
    with disk_trouble(folder):
        if (broken := _broken_note(folder)).exists():
            raise Halt(
                words(source, folder.name, broken.read_text("utf-8", "replace")), zh=_words_zh(source, folder.name)
            )
    if not _noted(folder):
        check(folder, source)


def mended(folder: Path) -> None:
    """Ends that a version is out of use: it was built again, or is gone. That it once failed stays noted."""
    with suppress(FileNotFoundError):
        _broken_note(folder).replace(folder.parent / f".mended-{folder.name}")


def is_out_of_use(folder: Path) -> bool:
    """Whether a check of this version has failed, on any machine."""
    return _broken_note(folder).exists()


def out_of_use(home: Path) -> list[tuple[str, str]]:
    """The versions in this folder of a source that are out of use: (version, the file that was not as written),
    sorted.
    """
    notes = sorted(home.glob(f"{_BROKEN}*"))
    return [(note.name.removeprefix(_BROKEN), note.read_text("utf-8", "replace")) for note in notes]


def words(source: str, name: str, wrong: str) -> str:
    """The message for operators about a version that is out of use. ``wrong``: the file that is not as written."""
    return (
        f"snapshot {source} {name} is out of use: {wrong} is not what was written. "
        f"Batches that used it: `exchange snapshot used-by {source} {name}`; "
        f"build it again with `exchange snapshot build`"
    )


def _words_zh(source: str, name: str) -> str:
    return f"快照 {source} {name} 已停用：与制作时不符；受影响的批次见 used-by，请重新制作（snapshot build）"


def gone(source: str, name: str) -> str:
    """The message about a version that is not there (any more)."""
    return f"snapshot {source} {name} is not on disk"


def record_in(folder: Path) -> bytes:
    """The bytes of the version's ``snapshot.json``, none where there is no such file; Halt where it may not be read."""
    path = folder / _RECORD
    with disk_trouble(path), suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def is_named_by(folder: Path, record: bytes) -> bool:
    """Whether the version's name is made of the hash of these bytes, as it is of its ``snapshot.json``."""
    return hashlib.sha256(record).hexdigest()[:_NAME_HASH] == folder.name.rpartition(".")[2]


def _wrong_file(folder: Path) -> str | None:
    """The name of the first file that is not as written, None where all are."""
    record = record_in(folder)
    if not is_named_by(folder, record):
        return _RECORD
    try:
        files: dict[str, str] = json.loads(record)["files"]
    except (ValueError, KeyError):
        return _RECORD
    if not files:
        return "every table (there is none)"
    return next((name for name, digest in files.items() if not _is_whole(folder / name, digest)), None)


def _is_whole(path: Path, digest: str) -> bool:
    try:
        return sha256_of(path) == digest
    except FileNotFoundError:
        return False


def _take_out_of_use(folder: Path, wrong: str) -> None:
    with suppress(OSError):  # who may only read says so and cannot note it
        write_atomically(_broken_note(folder), wrong.encode())


def _broken_note(folder: Path) -> Path:
    return folder.parent / f"{_BROKEN}{folder.name}"


def _noted(folder: Path) -> bool:
    try:
        return _note_place(folder).read_text(encoding="ascii") == _seen(folder)
    except OSError:
        return False


def _note(folder: Path) -> None:
    with suppress(OSError):  # without a note it is read again
        write_atomically(_note_place(folder), _seen(folder).encode())


def _note_place(folder: Path) -> Path:
    """Where this machine's note lies: another machine reads the same files by another way."""
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:_NAME_HASH]
    return folder.parents[2] / "checked" / machine / f"{folder.parent.name}.{folder.name}"


def _seen(folder: Path) -> str:
    return "\n".join(_state(path) for path in _files(folder))


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _state(path: Path) -> str:
    state = path.stat()
    return f"{path.name} {state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
