"""An envelope that was written while its content came, with the lengths put in: DER in the place of BER.

Rules
- ``openssl cms -stream`` does not know how much will come: it leaves lengths open and writes the content in pieces of
  4 KiB (BER, X.690 8.1.3.6). Afterwards they are known, and the file is written anew over itself: nothing is encrypted
  again, memory stays the same, no second file is needed.
- Every partner gets the one form that all readers of CMS take. Some do not take pieces, and of Windows' it is not known
  (ADR 19).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from exchange.base.errors import Halt
from exchange.wire.cms import BEGINNING, enter, skip

_BUFFER: Final = 1 << 20
_SEQUENCE: Final = 0x30
_EXPLICIT: Final = 0xA0
_CONTENT: Final = 0x80
"""The encrypted content in one piece, [0] IMPLICIT (RFC 5652, 6.1)."""
_PIECE: Final = b"\x04"
_END: Final = b"\0\0"


def make_definite(file: IO[bytes]) -> None:
    """Puts the lengths into the envelope that stands in this file, as ``encrypt_into`` wrote it."""
    path = Path(f"/dev/fd/{file.fileno()}")
    with path.open("rb", _BUFFER) as pieces, os.fdopen(os.open(path, os.O_WRONLY), "wb", _BUFFER) as whole:
        try:
            head, begin = _beginning(pieces.read(BEGINNING))
        except (IndexError, ValueError):
            raise _unforeseen() from None
        pieces.seek(begin)
        held = head(sum(map(len, _contents(pieces))))
        pieces.seek(begin)
        for piece in _contents(pieces):  # nothing is written over that was not read: the longer head makes it wait
            held += piece
            free = pieces.tell() - whole.tell()
            whole.write(held[:free])
            held = held[free:]
        whole.write(held)
        whole.truncate()


class _Head:
    """What stands before the encrypted content, to be written once its size is known."""

    def __init__(self, kind: bytes, before: bytes, about: bytes) -> None:
        self._kind, self._before, self._about = kind, before, about

    def __call__(self, size: int) -> bytes:
        content = _tagged(_CONTENT, size)
        about = self._about + content
        sequence = _tagged(_SEQUENCE, len(about) + size) + about
        data = self._before + sequence
        enveloped = _tagged(_SEQUENCE, len(data) + size) + data
        explicit = _tagged(_EXPLICIT, len(enveloped) + size) + enveloped
        return _tagged(_SEQUENCE, len(self._kind) + len(explicit) + size) + self._kind + explicit


def _beginning(content: bytes) -> tuple[_Head, int]:
    """The head, and where the first piece of the content stands."""
    kind, _ = enter(content, 0)
    explicit = skip(content, kind)
    data, _ = enter(content, explicit)
    version, _ = enter(content, data)
    encrypted = skip(content, version)
    while content[encrypted] != _SEQUENCE:  # recipients
        encrypted = skip(content, encrypted)
    about, _ = enter(content, encrypted)
    pieces = skip(content, skip(content, about))
    begin, end = enter(content, pieces)
    if content[pieces] != _EXPLICIT or end >= 0:
        raise ValueError
    return _Head(content[kind:explicit], content[version:encrypted], content[about:pieces]), begin


def _contents(file: IO[bytes]) -> Iterator[bytes]:
    while (tag := file.read(2)) != _END:
        if tag[:1] != _PIECE:
            raise _unforeseen()
        octets = tag[1] & 0x7F if tag[1] & 0x80 else 0
        yield file.read(int.from_bytes(file.read(octets)) if octets else tag[1])


def _tagged(tag: int, length: int) -> bytes:
    """A tag with the shortest form of the length, as DER wants it."""
    if length < 0x80:
        return bytes([tag, length])
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets


def _unforeseen() -> Halt:
    return Halt("openssl wrote an envelope in a form that is not known here; was it replaced by another version?")
