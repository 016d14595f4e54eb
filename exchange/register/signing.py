"""The signature under each of the ledger's lines, and the checkpoint that it is.

Rules
- Ed25519; the private key is a file of the office's (0600) that no role of the database can read. The public keys stand
  in one PEM file, the present one first; those of former keys stay behind it, so that old lines can be checked.
- What is signed is a checkpoint in the form of C2SP's tlog-checkpoint (https://c2sp.org/tlog-checkpoint): origin,
  number of lines, root of the tree over them (``merkle.py``, base64), and as an extension the last line's own hash.
  Thus each line is a checkpoint of the ledger as it was, and one can leave the house as a C2SP signed note.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from exchange.base.errors import Halt
from exchange.settings import read_secret

ORIGIN: Final = "household-exchange/register"
"""The ledger's name in its checkpoints."""

_ED25519: Final = b"\x01"  # C2SP signed-note: the signature's kind
_KEY_ID_BYTES: Final = 4
_END: Final = "-----END PUBLIC KEY-----"
_LINE: Final = "line "
_BODY_LINES: Final = 4


@dataclass(frozen=True)
class Checkpoint:
    """The ledger's state: how many lines it has, the root of their tree (base64), and the last line's hash (hex)."""

    size: int
    root: str
    last_hash: str

    @property
    def body(self) -> str:
        """The text of the checkpoint, which is signed."""
        return f"{ORIGIN}\n{self.size}\n{self.root}\n{_LINE}{self.last_hash}\n"


@dataclass(frozen=True)
class LedgerKey:
    """``private`` signs and is read when a line is first written; ``public`` is enough to verify."""

    private: Path
    public: Path

    def sign(self, checkpoint: Checkpoint) -> str:
        """The signature as a note's line has it: base64 of the key's id and 64 bytes. Halt without a fitting key."""
        signature = self._private.sign(checkpoint.body.encode())
        return base64.b64encode(_key_id(self._private.public_key()) + signature).decode()

    def is_signed(self, checkpoint: Checkpoint, signature: str | None) -> bool:
        """Whether one of the office's keys made this signature of this checkpoint."""
        try:
            content = base64.b64decode(signature or "", validate=True)
        except ValueError:
            return False
        known = self._public.get(content[:_KEY_ID_BYTES])
        if known is None:
            return False
        try:
            known.verify(content[_KEY_ID_BYTES:], checkpoint.body.encode())
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        try:
            key = load_pem_private_key(read_secret(self.private), password=None)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            msg = f"{self.private} is no Ed25519 key without a password"
            raise Halt(msg, zh=f"{self.private} 不是不带密码的 Ed25519 私钥，请从备份恢复")
        if _key_id(key.public_key()) not in self._public:
            msg = f"{self.private} belongs to no key in {self.public}"
            raise Halt(msg, zh=f"{self.private} 与 {self.public} 中的公钥不配对，请从备份恢复")
        return key

    @cached_property
    def _public(self) -> dict[bytes, Ed25519PublicKey]:
        return {_key_id(key): key for key in _public_keys(self.public)}


def note(checkpoint: Checkpoint, signature: str) -> str:
    """The checkpoint as a C2SP signed note, which leaves the house."""
    return f"{checkpoint.body}\n\u2014 {ORIGIN} {signature}\n"


def parse_note(text: str) -> tuple[Checkpoint, Sequence[str]]:
    """The checkpoint of a note, and the signatures in the ledger's name under it; ValueError where it is no note."""
    body, parted, below = text.partition("\n\n")
    lines = body.split("\n")
    if not parted or len(lines) < _BODY_LINES or lines[0] != ORIGIN or not lines[3].startswith(_LINE):
        msg = "not a checkpoint of the register"
        raise ValueError(msg)
    checkpoint = Checkpoint(int(lines[1]), lines[2], lines[3].removeprefix(_LINE))
    if checkpoint.body != body + "\n":
        msg = "not a checkpoint of the register"
        raise ValueError(msg)
    ours = f"\u2014 {ORIGIN} "
    return checkpoint, [line.removeprefix(ours) for line in below.splitlines() if line.startswith(ours)]


def _key_id(key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return sha256(ORIGIN.encode() + b"\n" + _ED25519 + raw).digest()[:_KEY_ID_BYTES]


def _public_keys(path: Path) -> list[Ed25519PublicKey]:
    try:
        blocks = path.read_text("ascii").split(_END)[:-1]
        keys = [load_pem_public_key((block.strip() + "\n" + _END + "\n").encode()) for block in blocks]
    except OSError as error:
        msg = f"{path}: {error.strerror}; `exchange keys make` makes the register's key"
        raise Halt(msg, zh=f"{path} 读不出；登记簿密钥由 exchange keys make 制作") from None
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    ed25519 = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ed25519 or len(ed25519) != len(keys):
        msg = f"{path} does not hold Ed25519 public keys in PEM form"
        raise Halt(msg, zh=f"{path} 中不是 PEM 格式的 Ed25519 公钥，请从备份恢复")
    return ed25519
