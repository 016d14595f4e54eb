"""The tree over the ledger's lines: the Merkle tree of RFC 6962 (section 2.1), grown line by line.

Rules: entry n is the 32 bytes of the n-th line's hash; a leaf is SHA-256(0x00, entry), a node SHA-256(0x01, left,
right). Only the roots of the whole subtrees are kept (at most one for each bit of the size), so that a line costs the
same however long the ledger is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self


@dataclass
class Tree:
    """``subtrees``: the roots of the whole subtrees, the largest first, as RFC 6962 cuts the entries."""

    size: int = 0
    subtrees: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, hashes: Iterable[str]) -> Self:
        """The tree of these lines' hashes (hex), in order."""
        tree = cls()
        for each in hashes:
            tree.add(each)
        return tree

    @classmethod
    def restored(cls, size: int, written: str) -> Self:
        """The tree that ``written`` was made of; ValueError where the text is none of a tree of this size."""
        subtrees = [bytes.fromhex(each) for each in written.split()]
        if len(subtrees) != size.bit_count():
            msg = "not a tree of this size"
            raise ValueError(msg)
        return cls(size, subtrees)

    @property
    def written(self) -> str:
        """The subtrees as text: hex, parted by blanks."""
        return " ".join(each.hex() for each in self.subtrees)

    def add(self, line_hash: str) -> None:
        """One more line behind the others, by its hash in hex."""
        self.subtrees.append(sha256(b"\0" + bytes.fromhex(line_hash)).digest())
        whole = self.size
        while whole & 1:
            right, left = self.subtrees.pop(), self.subtrees.pop()
            self.subtrees.append(_node(left, right))
            whole >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The tree's hash, 32 bytes; of no lines, the SHA-256 of nothing."""
        if not self.subtrees:
            return sha256().digest()
        *rest, root = self.subtrees
        for left in reversed(rest):
            root = _node(left, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
