"""GB 18030-2022, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.wire.gb18030 import from_utf8, private_use, to_utf8


def decode(content: bytes) -> str:
    return to_utf8(content).decode()


def encode(text: str) -> bytes:
    return from_utf8(text.encode())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xfe\x59", "\u9fb4"),  # 龴, which GB 18030-2000 kept at U+E81E
        (b"\x82\x35\x90\x37", "\u9fb4"),
        (b"\xa6\xd9", "\ufe10"),
        (b"\xa8\xbc", "\u1e3f"),
        ("张三".encode("gbk"), "张三"),
        (b"\x95\x32\x82\x36", "\U00020000"),  # four bytes, outside the basic plane
    ],
)
def test_bytes_are_read_as_the_edition_of_2022_has_them(content: bytes, text: str) -> None:
    assert decode(content) == text


def test_what_moved_is_written_at_its_old_place() -> None:
    assert encode("\u9fb4") == b"\xfe\x59"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(text: str) -> None:
    there = decode(encode(text))
    assert there == "".join(private_use().get(c, c) if decode(encode(c)) != c else c for c in text)
    assert decode(encode(there)) == there


def test_bytes_that_are_none_are_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(b"\x81")
