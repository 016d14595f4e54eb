"""The tree over the ledger's lines: the Merkle tree of RFC 6962 (section 2.1), grown line by line.

Rules: entry n is the 32 bytes of the n-th line's hash; a leaf is SHA-256(0x00, entry), a node SHA-256(0x01, left,
right). Only the roots of the whole subtrees are kept (at most one for each bit of the size), so that a line costs the
same however long the ledger is. A path that proves an entry (section 2.1.1), or that a tree grew out of a smaller one
(2.1.2), reads every line's hash once; it is made when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
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
        for leaf in hashes:
            tree.add(leaf)
        return tree

    @classmethod
    def restored(cls, size: int, written: str) -> Self:
        """The tree that ``written`` was made of; ValueError where the text is none of a tree of this size."""
        subtrees = [bytes.fromhex(digits) for digits in written.split()]
        if len(subtrees) != size.bit_count():
            msg = "not a tree of this size"
            raise ValueError(msg)
        return cls(size, subtrees)

    @property
    def written(self) -> str:
        """The subtrees as text: hex, parted by blanks."""
        return " ".join(subtree.hex() for subtree in self.subtrees)

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


def inclusion_path(hashes: Iterable[str], index: int, size: int) -> list[bytes]:
    """What proves that entry ``index`` (from 0) is in the tree of the first ``size`` of these lines: the roots beside
    its way up, 32 bytes each, its own neighbour first. IndexError where there is no such entry.
    """
    if not 0 <= index < size:
        msg = f"no entry {index} in a tree of {size}"
        raise IndexError(msg)
    return _roots(hashes, _beside(index, range(size)))


def root_by_path(line_hash: str, index: int, size: int, path: Iterable[bytes]) -> bytes:
    """The root to which an entry's path leads (RFC 9162, section 2.1.3.2); ValueError where the path has another length
    than one in a tree of this size.
    """
    root, position, last = Tree.of([line_hash]).root(), index, size - 1
    for beside in path:
        if last == 0:
            msg = "the path is too long"
            raise ValueError(msg)
        if position & 1 or position == last:
            root = _node(beside, root)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            root = _node(root, beside)
        position, last = position >> 1, last >> 1
    if last:
        msg = "the path is too short"
        raise ValueError(msg)
    return root


def consistency_path(hashes: Iterable[str], old: int, size: int) -> list[bytes]:
    """What proves that the tree of the first ``size`` of these lines grew out of that of the first ``old``: the roots
    of RFC 9162, section 2.1.4.1, 32 bytes each; IndexError where the smaller one is none, or not the smaller.
    """
    if not 0 < old <= size:
        msg = f"a tree of {size} did not grow out of one of {old}"
        raise IndexError(msg)
    return _roots(hashes, _between(old, range(size), whole=True))


def grew(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the tree of ``size`` lines and this root grew out of the one of ``old`` lines, at
    least one (RFC 9162, section 2.1.4.2).
    """
    if old == size:
        return old_root == root and not path
    if not 0 < old < size or not path:
        return False
    first, *rest = path if old & (old - 1) else [old_root, *path]
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = first
    for beside in rest:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = _node(beside, before), _node(beside, after)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            after = _node(after, beside)
        position, last = position >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, root)


def _between(old: int, entries: range, *, whole: bool) -> list[range]:
    """The subtrees that lead from the first ``old`` of these entries to all of them, the lowest first; ``whole``: the
    old entries are a tree whose root the reader has.
    """
    if old == len(entries):
        return [] if whole else [entries]
    cut = 1 << (len(entries) - 1).bit_length() - 1
    left, right = entries[:cut], entries[cut:]
    if old <= cut:
        return [*_between(old, left, whole=whole), right]
    return [*_between(old - cut, right, whole=False), left]


def _roots(hashes: Iterable[str], parts: Sequence[range]) -> list[bytes]:
    """The root of each of these parts of the lines, in one walk over them."""
    lines, at, roots = iter(hashes), 0, {}
    for part in sorted(parts, key=lambda part: part.start):
        roots[part.start] = Tree.of(islice(lines, part.start - at, part.stop - at)).root()
        at = part.stop
    return [roots[part.start] for part in parts]


def _beside(index: int, entries: range) -> list[range]:
    """The subtrees beside an entry's way up, the lowest first, each as the entries under it."""
    if len(entries) == 1:
        return []
    cut = entries.start + (1 << (len(entries) - 1).bit_length() - 1)
    left, right = range(entries.start, cut), range(cut, entries.stop)
    return [*_beside(index, left), right] if index < cut else [*_beside(index, right), left]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
