"""The tree over the lines is the one of RFC 6962, whatever its size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.register.merkle import Tree

HASHES = [sha256(bytes([number])).hexdigest() for number in range(70)]


def by_the_book(entries: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\1" + by_the_book(entries[:k]) + by_the_book(entries[k:])).digest()


@pytest.mark.parametrize("size", range(len(HASHES)))
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    assert Tree.of(HASHES[:size]).root() == by_the_book([bytes.fromhex(each) for each in HASHES[:size]])


@given(st.integers(0, 40), st.integers(0, 29))
def test_a_tree_that_was_written_down_grows_on(first: int, more: int) -> None:
    begun = Tree.of(HASHES[:first])
    tree = Tree.restored(begun.size, begun.written)
    for each in HASHES[first : first + more]:
        tree.add(each)
    assert tree == Tree.of(HASHES[: first + more])


@pytest.mark.parametrize(("size", "written"), [(1, ""), (0, "00"), (2, "00 00"), (1, "x")])
def test_what_is_no_tree_of_that_size(size: int, written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (whichever says it)
        Tree.restored(size, written)
