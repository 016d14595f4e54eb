"""Derived data that is worked out anew when it is lost: encrypted files beside the archive, never the only copy.

    <home>/cache/<SHA-256 of the original, or a partner>.<what it is>

Rules
- Blocks are encrypted with AES-256-GCM under a key derived from the office's own; each is bound to its file's name and
  to its place, so that a block that was altered, moved or made by somebody else is as good as none.
- What cannot be read is None, never an error: the caller works it out again.
- The files go with the original that they were made from, and with the work that is left over (``retention.py``).

File: the encrypted blocks one after another, then their ends as ``uint64``, then their number as ``uint64``.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.base.files import names_in, written_atomically

_DERIVED: Final = b"exchange cache 1"
_NONCE: Final = 12
_NUMBER: Final = struct.calcsize("<Q")


class Cache:
    """The folder of derived data; ``secret`` gives the bytes from which its key is derived, when it is needed."""

    def __init__(self, folder: Path, secret: Callable[[], bytes]) -> None:
        self.folder = folder
        self._secret = secret

    def write(self, name: str, blocks: Iterable[bytes]) -> None:
        """Keeps these blocks under a name, whole or not at all. Retryable where the disk is full."""
        cipher, ends = self._cipher(), [0]
        with written_atomically(self.folder / name) as file:
            for number, block in enumerate(blocks):
                nonce = os.urandom(_NONCE)
                written = file.write(nonce + cipher.encrypt(nonce, block, _bound(name, number)))
                ends.append(ends[-1] + written)
            file.write(struct.pack(f"<{len(ends)}Q", *ends[1:], len(ends) - 1))

    def read(self, name: str, numbers: Iterable[int]) -> list[bytes] | None:
        """The blocks of these numbers, from 0; None where one of them cannot be read."""
        with (
            suppress(OSError, struct.error, ValueError, IndexError, InvalidTag),
            (self.folder / name).open("rb") as file,
        ):
            ends, cipher = _ends(file), self._cipher()
            return [_opened(file, ends, cipher, number, _bound(name, number)) for number in numbers]
        return None

    def derived(self) -> dict[str, list[Path]]:
        """SHA-256 of an original → all that was made from it, by one look into the folder."""
        made: dict[str, list[Path]] = {}
        for name in names_in(self.folder):
            made.setdefault(name.partition(".")[0], []).append(self.folder / name)
        return made

    def remove(self, originals: Collection[str]) -> None:
        """Removes all that was made from the originals of these SHA-256, by one look into the folder."""
        for original, made in self.derived().items():
            if original in originals:
                for path in made:
                    path.unlink(missing_ok=True)

    def _cipher(self) -> AESGCM:
        return AESGCM(hmac.digest(self._secret(), _DERIVED, sha256))


def _bound(name: str, number: int) -> bytes:
    return f"{name} {number}".encode()


def _ends(file: BinaryIO) -> tuple[int, ...]:
    """Where the blocks end, 0 before them; none where the file is not whole."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _NUMBER))
    (count,) = struct.unpack("<Q", file.read())
    table = (count + 1) * _NUMBER
    if table > size:
        return ()
    file.seek(size - table)
    ends = (0, *struct.unpack(f"<{count}Q", file.read(count * _NUMBER)))
    return ends if list(ends) == sorted(ends) and ends[-1] + table == size else ()


def _opened(file: BinaryIO, ends: Sequence[int], cipher: AESGCM, number: int, bound: bytes) -> bytes:
    file.seek(ends[number])
    block = file.read(ends[number + 1] - ends[number])
    return cipher.decrypt(block[:_NONCE], block[_NONCE:], bound)
