"""A witness's cosignature under a checkpoint of the ledger: its form, and the request for one.

Rules
- A cosignature is that of C2SP's tlog-cosignature (https://c2sp.org/tlog-cosignature), ``cosignature/v1``: Ed25519 over
  a line with the moment, then the checkpoint. In a note it stands as a line in the witness's name: base64 of the key's
  id, the moment (8 bytes) and 64 bytes. It says: at this moment I had seen no other ledger than one that grew to this.
- A witness's key is written as C2SP's signed-note has it: ``name+id+base64``, the kind before the key's 32 bytes.
- A request is the body of ``add-checkpoint`` of C2SP's tlog-witness: the size that the witness signed last, the proof
  that the ledger grew out of it, the checkpoint. So any witness of that form can be asked, by file or by HTTP.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.register.signing import Checkpoint

_KIND: Final = b"\x04"  # C2SP signed-note: a witness's timed Ed25519 cosignature
_ID_BYTES: Final = 4
_MOMENT_BYTES: Final = 8
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[^\s+]+")
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class WitnessKey:
    """A witness's name and public key."""

    name: str
    public: Ed25519PublicKey

    @classmethod
    def parse(cls, written: str) -> Self:
        """The key in its written form; ValueError where the text is none, or its id is another key's."""
        name, _, rest = written.strip().partition("+")
        _, _, content = rest.partition("+")
        try:
            raw = base64.b64decode(content, validate=True)
        except binascii.Error:
            raw = b""
        if _NAME.fullmatch(name) and raw[:1] == _KIND and len(raw) == 1 + _KEY_BYTES:
            key = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
            if key.written == written.strip():
                return key
        msg = "not a witness's key: name+id+base64, as the witness printed it"
        raise ValueError(msg)

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _KIND + self.public.public_bytes_raw()).digest()[:_ID_BYTES]

    @property
    def written(self) -> str:
        """The key in its written form, ``name+id+base64``."""
        return f"{self.name}+{self.id.hex()}+{_base64(_KIND + self.public.public_bytes_raw())}"

    def cosigned_at(self, note: str, checkpoint: Checkpoint) -> datetime | None:
        """The latest moment at which this witness signed the note's checkpoint; None where no line of it holds."""
        mine = f"\u2014 {self.name} "
        lines = [line.removeprefix(mine) for line in note.splitlines() if line.startswith(mine)]
        return max(filter(None, (self._moment(line, checkpoint) for line in lines)), default=None)

    def _moment(self, line: str, checkpoint: Checkpoint) -> datetime | None:
        try:
            content = base64.b64decode(line, validate=True)
            seconds = int.from_bytes(content[_ID_BYTES:][:_MOMENT_BYTES])
            if content[:_ID_BYTES] != self.id:
                return None
            self.public.verify(content[_ID_BYTES + _MOMENT_BYTES :], _signed(checkpoint, seconds))
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, InvalidSignature, OverflowError, OSError):
            return None


def cosignature(name: str, key: Ed25519PrivateKey, checkpoint: Checkpoint, at: datetime) -> str:
    """The line that a witness puts under a note."""
    seconds = int(at.timestamp())
    content = WitnessKey(name, key.public_key()).id + seconds.to_bytes(_MOMENT_BYTES)
    return f"\u2014 {name} {_base64(content + key.sign(_signed(checkpoint, seconds)))}\n"


@dataclass(frozen=True)
class CosignRequest:
    """What a witness is asked: ``old``: the lines that it signed last, 0 for none; ``note``: the new checkpoint."""

    old: int
    proof: Sequence[bytes]
    note: str

    @property
    def written(self) -> str:
        """The request in its written form."""
        return "\n".join([f"old {self.old}", *map(_base64, self.proof)]) + "\n\n" + self.note

    @classmethod
    def parse(cls, text: str) -> Self:
        """The request in its written form; ValueError where the text is none."""
        head, _, note = text.partition("\n\n")
        first, *proof = head.split("\n")
        old = _OLD.fullmatch(first)
        if old is None:
            msg = "not a request for a cosignature"
            raise ValueError(msg)
        return cls(int(old[1]), [base64.b64decode(digest, validate=True) for digest in proof], note)


def _signed(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{checkpoint.body}".encode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
