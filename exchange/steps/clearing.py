"""Clearing a set out of a partner's folder: nothing is removed but what is kept here.

Rules
- A partner may put other files under a set's names at any moment: the set anew, or a part of it. Where the manifest is
  another one, another set is coming: all that lies there is left to it, and the next look takes it as what it is. Else
  what is not what was kept stays.
- What lies there is compared by its bytes. A large data file whose bytes were read in this run is by its size, its time
  and its end: else it would come over the line twice. Times are whole seconds, and some clients keep those of the file
  that they send; of an envelope that was made anew no end is that of the one before.
- A server that does not allow it holds up no answer.
- The manifest goes first, so that no later look takes what is left for a set that lacks something else. What is left
  without it, because a file was held for a while, goes once it has lain there as long as an incomplete set may.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from exchange.register import FileRecord, Role
from exchange.wire.connection import Denied
from exchange.wire.transport import Folder, RemoteFile

log = logging.getLogger(__name__)

READ_TWICE: Final = 1024 * 1024
"""Bytes of a data file up to which it is read again before it is removed."""

END_OCTETS: Final = 64 * 1024
"""Of a large data file, which are read again."""

_BESIDE: Final = (Role.SIGNATURE, Role.DATA)


@dataclass(frozen=True)
class Fetched:
    """A large data file as it lay in the folder before it was fetched, and the last bytes that were fetched of it."""

    file: RemoteFile
    end: bytes

    @classmethod
    def of(cls, file: RemoteFile, kept: Path) -> Self:
        """``kept``: the bytes that were fetched."""
        with kept.open("rb") as whole:
            whole.seek(max(0, kept.stat().st_size - END_OCTETS))
            return cls(file, whole.read())

    def lies_there(self, folder: Folder) -> bool:
        """Whether what lies under its name looks as it did."""
        name = self.file.name
        same = folder.sign(name) == (self.file.size, self.file.mtime)
        return same and folder.end_of(name, END_OCTETS) == self.end


def clear_away(folder: Folder, batch_id: str, files: Mapping[str, FileRecord], fetched: Fetched | None) -> None:
    """Removes from the partner's folder what is kept of this batch. ``files``: the batch's, by role; ``fetched``: the
    large data file whose bytes were read in this run, None where there is none.
    """
    is_kept = _lies_as_kept(folder, files[Role.MANIFEST])
    if not is_kept and folder.sign(files[Role.MANIFEST].name) is not None:
        log.warning("%s: another manifest lies under its name; what lies there is left", batch_id)
        return
    for role in (Role.MANIFEST, Role.SIGNATURE, Role.DATA):
        if (kept := files.get(role)) is None:
            continue
        if role is Role.MANIFEST:
            still = is_kept
        elif fetched is not None and fetched.file.name == kept.name and kept.size > READ_TWICE:
            still = fetched.lies_there(folder)
        else:
            still = _lies_as_kept(folder, kept)
        if not still:
            continue
        try:
            folder.remove(kept.name)
        except Denied as denied:
            log.error("%s: %s", batch_id, denied)
            return


def clear_again(folder: Folder, files: Mapping[str, FileRecord], listed: Iterable[RemoteFile]) -> None:
    """Removes a set that came again, with the manifest that is kept; what of it is not as it was ``listed`` stays.
    Denied where the server does not allow it.
    """
    if not _lies_as_kept(folder, manifest := files[Role.MANIFEST]):
        return
    for file in sorted(listed, key=lambda file: file.name != manifest.name):
        if folder.sign(file.name) == (file.size, file.mtime):
            folder.remove(file.name)


def clear_left(folder: Folder, files: Mapping[str, FileRecord], listed: Iterable[RemoteFile]) -> bool:
    """Removes what is left of a set whose manifest was removed; False, and nothing is, where something is ``listed``
    that is not what was kept. Denied where the server does not allow it.
    """
    left, kept = [file.name for file in listed], {files[role].name: files[role] for role in _BESIDE if role in files}
    if not all(name in kept and _lies_as_kept(folder, kept[name]) for name in left):
        return False
    for name in left:
        folder.remove(name)
    return True


def _lies_as_kept(folder: Folder, kept: FileRecord) -> bool:
    return folder.is_there(kept.name, kept.size, kept.sha256, as_fetched=True)
