"""Keyed hashes: numbers of people that can be compared and found again, and read by nobody without the key.

Rules
- A hash is 64 bits of AES-256 over one block that holds the value and what kind of value it is: a pseudorandom
  function of the value, worked out for all values in one call. Without the key nothing can be tried against a hash,
  though only some 10^13 identity numbers can exist.
- Keys have generations. A new one is put over the old: the hash of generation n is the function under key n of the hash
  of generation n - 1. So what is kept can be brought to a new key without the numbers, and a lost copy of the key file
  opens nothing that was brought further since.
- A generation has a fingerprint, which tells nothing of the key: the register keeps it beside what was hashed, so that
  another key in the file's place is noticed before anything is hashed with it.
- 64 bits: among 10^9 kept numbers a wrong one is found once in 10^10 questions.

Key file: a line for each generation, from 1: ``generation day-it-was-made 64-hex-digits``; private (0600), never in the
database. Who loses it can never again say who was told about whom.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from exchange.base.errors import Halt
from exchange.base.files import locked, make_folder, write_atomically

Hashes = npt.NDArray[np.uint64]

KEY_BYTES: Final = 32
_HASH: Final = np.dtype("<u8")


class Kind(IntEnum):
    """What a value is, so that equal values of two kinds have hashes that cannot be compared."""

    NUMBER = 0
    PLACE_AND_BIRTH = 1
    NAME = 2
    FINGERPRINT = 3


@dataclass(frozen=True)
class Key:
    """One generation of the key of keyed hashes."""

    made: date
    secret: bytes


@dataclass(frozen=True)
class KeyRing:
    """All generations of the key, the first one first; at least one."""

    keys: tuple[Key, ...]

    @property
    def generation(self) -> int:
        """The number of the newest key, from 1."""
        return len(self.keys)

    def hashed(self, values: npt.NDArray[np.integer], kind: Kind, generation: int | None = None) -> Hashes:
        """uint64[n]: the hashes of these values from 0 to 2^63, in the newest generation, or in this one."""
        upto = self.generation if generation is None else generation
        return self._chained(values.astype(_HASH), kind, self.keys[:upto])

    def tag(self, text: str) -> str:
        """HMAC-SHA256 of a text under the newest key, in hex: for texts that another chooses, of which 64 bits could be
        met on purpose.
        """
        return hmac.digest(self.keys[-1].secret, b"text\0" + text.encode(), "sha256").hex()

    def fingerprint(self, generation: int | None = None) -> str:
        """16 hexadecimal digits: which keys these are, up to the newest generation, or to this one."""
        (value,) = self.hashed(np.zeros(1, np.int64), Kind.FINGERPRINT, generation)
        return f"{value:016x}"

    def renewed(self, hashes: Hashes, kind: Kind, generation: int, upto: int | None = None) -> Hashes:
        """uint64[n]: the hashes of a generation (uint64[n]), in their order, brought to the newest, or to ``upto``."""
        return self._chained(hashes, kind, self.keys[generation:upto])

    def _chained(self, values: Hashes, kind: Kind, keys: Sequence[Key]) -> Hashes:
        for key in keys:
            values = _function(values, kind, key.secret)
        return values


def _function(values: Hashes, kind: Kind, secret: bytes) -> Hashes:
    blocks = np.zeros((len(values), 2), _HASH)
    blocks[:, 0], blocks[:, 1] = values, kind
    cipher = Cipher(algorithms.AES(secret), modes.ECB())  # noqa: S305  (single blocks, for a function and not to hide)
    return np.frombuffer(cipher.encryptor().update(blocks.tobytes()), _HASH)[::2].copy()


def text_values(texts: Sequence[str]) -> Hashes:
    """uint64[n], in the texts' order: values for :meth:`KeyRing.hashed`; not secret by themselves."""
    return np.frombuffer(b"".join([sha256(text.encode()).digest()[:8] for text in texts]), ">u8").astype(_HASH)


def read_keys(content: bytes, path: Path) -> KeyRing:
    """The key file's generations; Halt where it is not whole, without a word of what is in it."""
    try:
        lines = [line.split() for line in content.decode("ascii").splitlines()]
        keys = tuple(Key(date.fromisoformat(made), bytes.fromhex(secret)) for _, made, secret in lines)
        numbers = [int(number) for number, _, _ in lines]
    except ValueError:
        numbers, keys = [], ()
    if not keys or numbers != [*range(1, len(keys) + 1)] or any(len(key.secret) != KEY_BYTES for key in keys):
        msg = f"{path} is no file of hash keys; bring it back from its backup"
        raise Halt(msg, zh=f"{path} 不是散列密钥文件，请从备份恢复")
    return KeyRing(keys)


def with_new_key(ring: KeyRing | None, today: date) -> KeyRing:
    """The ring with a new key, dated ``today``, behind the others; of None one with a first key."""
    return KeyRing((*(ring.keys if ring else ()), Key(today, secrets.token_bytes(KEY_BYTES))))


def write_keys(path: Path, ring: KeyRing) -> None:
    """Writes the key file (0600), whole or not at all."""
    lines = [f"{number} {key.made} {key.secret.hex()}\n" for number, key in enumerate(ring.keys, 1)]
    write_atomically(path, "".join(lines).encode("ascii"))


def make_keys(path: Path, today: date) -> bool:
    """A key file with a first generation, unless there is one; whether it was made. Of several who ask at once one
    makes it: what was hashed with another would be found by nobody.
    """
    if path.exists():
        return False
    with locked(make_folder(path.parent)):
        if path.exists():
            return False
        write_keys(path, with_new_key(None, today))
        return True
