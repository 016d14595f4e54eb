"""The tree over the lines is the one of RFC 6962, whatever its size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.register.merkle import Tree, consistency_path, grew, inclusion_path, root_by_path

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


@given(st.integers(1, len(HASHES)).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_a_path_leads_from_each_entry_to_the_root_and_from_no_other(drawn: tuple[int, int]) -> None:
    size, index = drawn
    path = inclusion_path(HASHES, index, size)
    root = Tree.of(HASHES[:size]).root()
    assert root_by_path(HASHES[index], index, size, path) == root
    assert root_by_path(sha256(b"another").hexdigest(), index, size, path) != root
    for place in range(len(path)):
        altered = [*path[:place], sha256(b"another").digest(), *path[place + 1 :]]
        assert root_by_path(HASHES[index], index, size, altered) != root


@pytest.mark.parametrize(("index", "size", "length"), [(0, 1, 1), (0, 2, 0), (3, 5, 2), (4, 5, 2), (6, 7, 1)])
def test_a_path_of_another_length_proves_nothing(index: int, size: int, length: int) -> None:
    with pytest.raises(ValueError, match="path is too"):
        root_by_path(HASHES[0], index, size, [sha256().digest()] * length)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_an_entry_that_is_not_there_has_no_path(index: int, size: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(HASHES, index, size)


SIZES = st.integers(1, len(HASHES)).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size)))
OTHER = sha256(b"another").digest()


@given(SIZES)
def test_a_tree_is_shown_to_have_grown_out_of_each_smaller_one_and_out_of_no_other(drawn: tuple[int, int]) -> None:
    old, size = drawn
    path = consistency_path(HASHES, old, size)
    smaller, root = Tree.of(HASHES[:old]).root(), Tree.of(HASHES[:size]).root()
    assert grew(old, smaller, size, root, path)
    assert not grew(old, OTHER, size, root, path)
    assert not grew(old, smaller, size, OTHER, path)
    assert not grew(old, smaller, size, root, [*path, OTHER])
    for place in range(len(path)):
        assert not grew(old, smaller, size, root, [*path[:place], OTHER, *path[place + 1 :]])
        assert not grew(old, smaller, size, root, path[:place] + path[place + 1 :])


@given(SIZES.filter(lambda drawn: drawn[0] < drawn[1]))
def test_what_forked_or_shrank_did_not_grow(drawn: tuple[int, int]) -> None:
    """The fork differs in the smaller tree's last line; whatever path its maker computes."""
    old, size = drawn
    forked = [*HASHES[: old - 1], sha256(b"another").hexdigest(), *HASHES[old:size]]
    smaller = Tree.of(HASHES[:old]).root()
    assert not grew(old, smaller, size, Tree.of(forked).root(), consistency_path(forked, old, size))
    assert not grew(size, Tree.of(HASHES[:size]).root(), old, smaller, consistency_path(HASHES, old, size))


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (-1, 5)])
def test_a_tree_that_is_not_smaller_has_no_path(old: int, size: int) -> None:
    with pytest.raises(IndexError):
        consistency_path(HASHES, old, size)
    assert not grew(old, OTHER, size, OTHER, [OTHER])
