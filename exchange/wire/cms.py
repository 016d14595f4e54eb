"""What a CMS file says of itself before anybody opens or verifies it: which digests, which cipher (RFC 5652).

Rules
- Only headers are walked, in DER or BER, over at most the beginning of a file; what cannot be walked says nothing, and
  is left to whoever opens it to refuse.
- SHA-256 and better, AES in CBC or GCM: what NIST SP 800-131A Rev. 2 (2019) still allows; MD5, SHA-1 and triple DES are
  withdrawn there.
"""

from __future__ import annotations

import base64
import codecs
import re
from typing import Final

BEGINNING: Final = 64 * 1024
"""Bytes of a file within which what is asked for stands."""

STRONG_DIGESTS: Final = frozenset(bytes.fromhex(f"6086480165030402{last:02x}") for last in (1, 2, 3, 6, 8, 9, 10))
"""2.16.840.1.101.3.4.2: SHA-256, -384, -512, -512/256 and SHA3 of these lengths, as encoded object identifiers."""

STRONG_CIPHERS: Final = frozenset(bytes.fromhex(f"6086480165030401{last:02x}") for last in (2, 22, 42, 6, 26, 46))
"""2.16.840.1.101.3.4.1: AES of 128, 192 and 256 bits in CBC and in GCM."""

_ENVELOPED: Final = frozenset(
    bytes.fromhex(written) for written in ("06092a864886f70d010703", "060b2a864886f70d0109100117")
)
"""EnvelopedData, and AuthEnvelopedData (RFC 5083)."""

_SIGNED: Final = bytes.fromhex("06092a864886f70d010702")
"""SignedData."""

_SEQUENCE: Final = 0x30
_INDEFINITE: Final = 0x80
_DEEPEST: Final = 32
_MARKED: Final = (b"\xef", b"\xff", b"\xfe")
_ENDINGS: Final = b"\r\n\x1a"
_PEM: Final = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----\s([A-Za-z0-9+/=\s]+)-----END \1-----[\s\x1a]*")


def as_der(content: bytes) -> bytes:
    """What stands between a PEM file's two lines, with or without the mark that an editor put before them; and without
    the line ends that a transfer as text or an editor puts behind. Anything else, and what is no base64, as it is.
    """
    match = _PEM.fullmatch(_as_text(content))
    try:
        return base64.b64decode(match[2]) if match else _without_ending(content)
    except ValueError:  # cut off, or a character too many
        return content


def _as_text(content: bytes) -> bytes:
    """PEM as some editors and shells save it: with a mark, or in UTF-16."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return content.decode(encoding, "replace").encode() if content[:1] in _MARKED else content


def _without_ending(content: bytes) -> bytes:
    """Where nothing but line ends follows the outermost object, that object."""
    bare = content.rstrip(_ENDINGS)
    try:
        begin, end = enter(content, 0)
    except IndexError:
        return content
    if content[0] != _SEQUENCE:
        return content
    if end < 0:
        return bare if bare.endswith(b"\0\0") else content
    return content[:end] if begin < end and len(bare) <= end <= len(content) else content


def digests(signature: bytes) -> frozenset[bytes]:
    """The digests that a signature names; none where it cannot be walked or is something else, such as an envelope. A
    signer's digest must be among them.
    """
    try:
        kind, _ = enter(signature, 0)
        if signature[kind : skip(signature, kind)] != _SIGNED:
            return frozenset()
        offset, end = enter(signature, skip(signature, _inside_content_info(signature)))
        names = set()
        while offset < end:
            names.add(_first_value(signature, offset))
            offset = skip(signature, offset)
    except (IndexError, ValueError):
        return frozenset()
    return frozenset(names)


def cipher(envelope: bytes) -> bytes | None:
    """The cipher of an envelope's content, from its first bytes; None where they cannot be walked."""
    try:
        kind, _ = enter(envelope, 0)
        if envelope[kind : skip(envelope, kind)] not in _ENVELOPED:
            return None
        offset = skip(envelope, _inside_content_info(envelope))  # the version
        while envelope[offset] != _SEQUENCE:  # who made it, if it says so, and the recipients
            offset = skip(envelope, offset)
        offset, _ = enter(envelope, offset)
        return _first_value(envelope, skip(envelope, offset))
    except (IndexError, ValueError):
        return None


def _inside_content_info(content: bytes) -> int:
    """Where the version stands: in the sequence that follows the type of the content."""
    offset, _ = enter(content, 0)
    offset, _ = enter(content, skip(content, offset))
    offset, _ = enter(content, offset)
    return offset


def _first_value(content: bytes, offset: int) -> bytes:
    """The object identifier that an algorithm begins with."""
    offset, _ = enter(content, offset)
    begin, end = enter(content, offset)
    if end > len(content):
        raise IndexError
    return content[begin:end]


def enter(content: bytes, offset: int) -> tuple[int, int]:
    """Where the value at this place begins and ends; -1 as the end of one of indefinite length."""
    first = content[offset + 1]
    if first == _INDEFINITE:
        return offset + 2, -1
    octets = first & 0x7F if first & _INDEFINITE else 0
    begin = offset + 2 + octets
    return begin, begin + (int.from_bytes(content[offset + 2 : begin]) if octets else first)


def skip(content: bytes, offset: int, depth: int = 0) -> int:
    """Where the next value stands."""
    if depth > _DEEPEST:
        raise ValueError
    offset, end = enter(content, offset)
    if end >= 0:
        return end
    while content[offset : offset + 2] != b"\0\0":
        offset = skip(content, offset, depth + 1)
    return offset + 2
