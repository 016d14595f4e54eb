"""Bytes to text: the encodings that people's programs save, and what is refused before it is parsed."""

from __future__ import annotations

import codecs
import re
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.validate import effort, encoding
from exchange.validate.encoding import (
    MAX_LINE_BYTES,
    _from_utf16,
    _lines_at,
    _side_by_side,
    _without_marks,
    to_utf8,
)

TEXT = "业务编号,姓名\nR1,张三\nR2,𬬭䶮\n"


@pytest.mark.parametrize("stated", [None, "utf-8"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf8(stated: str | None, mark: bytes) -> None:
    assert to_utf8(mark + TEXT.encode(), stated) == TEXT.encode()


@pytest.mark.parametrize("stated", [None, "gb18030"])
def test_gb18030_with_four_byte_characters(stated: str | None) -> None:
    assert to_utf8(TEXT.encode("gb18030"), stated) == TEXT.encode()


@pytest.mark.parametrize(
    ("content", "stated", "code", "row"),
    [
        (b"a,b\n1,\x00\n", None, "nul_byte", 1),
        (b"a\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n", None, "line_too_long", 1),
        ("头\n张三\n".encode() + "李四\n".encode("gb18030"), None, "mixed_encoding", 2),
        ("a\n李四\n".encode("gb18030") + "张三\n".encode(), None, "mixed_encoding", 2),
        ("a\n张三\n".encode() + "张三".encode()[:-1] + "\n李四\n".encode(), None, "encoding", 2),
        ("name\n郑伟\n".encode("gb18030"), None, "encoding_unclear", 1),
        ("姓名\n张三\n".encode("utf-16"), "utf-8", "nul_byte", 1),
        ("a\n李四\n".encode("gb18030"), "utf-8", "encoding", 1),
        (b"a\n\xff\xff\n", None, "encoding", 1),
    ],
)
def test_what_is_refused_and_where(content: bytes, stated: str | None, code: str, row: int) -> None:
    with pytest.raises(Refused) as refused:
        to_utf8(content, stated)
    assert (refused.value.code, refused.value.row) == (code, row)


CMS = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
OTHERS = [
    *((b"\x30" + length + CMS + b"\x03" + bytes(40), "data_still_sealed") for length in (b"\x80", b"\x40")),
    *((b"\x30" + length + CMS + bytes(40), "data_still_sealed") for length in (b"\x81\x99", b"\x84\x01\x02\n\x04")),
    (b"-----BEGIN CMS-----\nMIIB\n", "data_still_sealed"),
    (b"-----BEGIN PKCS7-----\r\nMIIB\r\n", "data_still_sealed"),
    (b'MIME-Version: 1.0\nContent-Disposition: attachment; filename="smime.p7m"\n', "data_still_sealed"),
    (b"PK\x03\x04\x14\x00\x06\x00", "csv_is_workbook"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), "csv_is_workbook"),
    *(
        (b"%s" % begin + bytes(40), "csv_is_workbook")
        for begin in (b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
    ),
    (b"ID;PWXL;N;E\nP;PGeneral\n", "csv_is_workbook"),
    (b"{\\rtf1\\ansi", "csv_is_workbook"),
    *((mark + b"<table>", "csv_is_workbook") for mark in (b"", b"\xef\xbb\xbf", b"\r\n  ")),
    *(
        (b"<" + begin, "csv_is_workbook")
        for begin in (b"HTML>", b"html xmlns", b'?xml version="1.0"?>', b"!DOCTYPE html>")
    ),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "csv_is_pdf"),
]


@pytest.mark.parametrize("stated", [None, "utf-8", "gb18030"])
@pytest.mark.parametrize(("content", "code"), OTHERS)
def test_what_is_no_list_is_told_by_what_it_is(content: bytes, code: str, stated: str | None) -> None:
    with pytest.raises(Refused) as refused:
        to_utf8(content, stated)
    assert refused.value.code == code


@pytest.mark.parametrize("stated", [None, "gb18030"])
def test_a_row_that_is_utf8_by_accident_is_what_the_others_are(stated: str | None) -> None:
    text = "业务编号,姓名\nR1,王芳\nR2,谢瑾昇\n"
    assert to_utf8(text.encode("gb18030"), stated) == text.encode()


@pytest.mark.parametrize("name", ["张三", "王芳", "欧阳文", "司马相如"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf8_that_is_stated_to_be_gb18030_is_never_other_peoples_names(name: str, mark: bytes) -> None:
    with pytest.raises(Refused) as refused:
        to_utf8(mark + f"row_ref,name\nR1,{name}\n".encode(), "gb18030")
    assert (refused.value.code, refused.value.row) == ("encoding", 1)


@pytest.mark.parametrize("name", ["谷纪", "河港", "贺维", "王芳", "蕭贇", "José"])
@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF8, "utf-8"), (b"\x84\x31\x95\x33", "gb18030")])
def test_a_mark_decides_what_one_name_cannot(name: str, mark: bytes, encoding: str) -> None:
    text = f"row_ref,name\nR1,{name}\n"
    assert to_utf8(mark + text.encode(encoding)) == text.encode()


def test_a_mark_of_utf8_in_front_of_gb18030_decides_nothing() -> None:
    assert to_utf8(codecs.BOM_UTF8 + TEXT.encode("gb18030")) == TEXT.encode()


@pytest.mark.parametrize("name", ["郑伟", "谢瑾昇", "王芳", "陳"])
def test_gb18030_that_is_stated_is_read_as_that(name: str) -> None:
    text = f"row_ref,name\nR1,{name}\n"
    assert to_utf8(text.encode("gb18030"), "gb18030") == text.encode()


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF8 * 2 + TEXT.encode(),
        "\ufeff".encode("gb18030") + TEXT.encode("gb18030"),
        ("\u200b" + TEXT).encode(),
        TEXT.encode() + b"\x1a",
        TEXT.replace("\n", "\r").encode("gb18030"),
    ],
)
def test_marks_and_endings_are_no_text(content: bytes) -> None:
    assert to_utf8(content) == TEXT.encode()


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, "\u200b".encode(), "\ufeff".encode("gb18030")])
def test_marks_without_end_take_no_time(mark: bytes) -> None:
    """Six megabytes of them: the square of that is beyond what a file of that size may take."""
    assert to_utf8(mark * (6_000_000 // len(mark)) + b"a\n") == b"a\n"


@pytest.mark.parametrize("stated", [None, "utf-8", "gb18030"])
@pytest.mark.parametrize("content", [TEXT.encode(), TEXT.encode("gb18030"), TEXT.encode("utf-16"), b"a\n"])
def test_no_file_is_read_without_a_bound(content: bytes, stated: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "ALWAYS_ALLOWED", -1.0)
    monkeypatch.setattr(effort, "ALLOWED_PER_BYTE", 0.0)
    with pytest.raises(Refused) as refused:
        to_utf8(content, stated)
    assert refused.value.code in ("reading_too_long", "nul_byte")


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "gb18030"]))
def test_any_bytes_are_read_or_refused(content: bytes, stated: str | None) -> None:
    try:
        to_utf8(content, stated).decode()
    except Refused:
        return


def test_a_euro_sign_of_windows_is_a_lost_character_of_its_row() -> None:
    header = "业务编号,姓名\n张"
    assert to_utf8(header.encode("gb18030") + b"\x80\n") == f"{header}\ufffd\n".encode()


chinese = st.text(
    st.sampled_from("王李张刘陈杨赵黄周吴芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英"), min_size=2, max_size=4
)


@given(st.lists(chinese, min_size=2, max_size=6))
def test_lines_of_both_kinds_are_never_half_guessed(names: list[str]) -> None:
    mixed = (names[0] + "\n").encode() + ("".join(f"{name}\n" for name in names[1:])).encode("gb18030")
    try:
        found = to_utf8(mixed)
    except Refused:
        return
    assert found == mixed  # a few characters of GB18030 are valid UTF-8: then the whole is read as that


@pytest.mark.parametrize("last", ["utf-8", "gb18030"])
def test_to_find_out_an_encoding_takes_memory_for_no_line(last: str) -> None:
    """A tuple for each short line took thirty times the file."""
    content = "赵,\n".encode("gb18030") * 20_000 + "赵,\n".encode(last)
    tracemalloc.start()
    try:
        with suppress(Refused):
            to_utf8(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(content)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\u200b")), st.integers(1, 9))
def test_utf_16_in_pieces_is_the_whole(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_PIECE", 2 * piece)
        for form in ("utf-16-le", "utf-16-be"):
            assert _from_utf16(("\ufeff" + text).encode(form)) == text.encode()
            with pytest.raises(Refused) as refused:
                _from_utf16(("\ufeff\n" + text + "\n").encode(form) + b"\0")
            assert (refused.value.code, refused.value.row) == ("encoding", 2)


SIDE_BY_SIDE = re.compile(
    rb"(?!\xc2[\xa0\xb7])[\xc2-\xdf][\x80-\xbf][\x80-\xff]|[\x80-\xbf](?!\xc2[\xa0\xb7])[\xc2-\xdf]"
)


@given(st.text(st.sampled_from("a,\n\xa0·×éЖߐ王𬬭")), st.integers(1, 9))
def test_lines_with_letters_side_by_side_are_those_that_a_pattern_finds(text: str, piece: int) -> None:
    content = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_PIECE", piece)
        found = list(_lines_at(_side_by_side(content), content))
    lines = enumerate(content.splitlines(keepends=True))
    assert found == [(row, line) for row, line in lines if SIDE_BY_SIDE.search(line)]


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", "张".encode(), "张".encode("gb18030")])).map(b"".join))
def test_a_line_that_ends_with_cr_alone_ends_with_a_line_feed_and_all_else_stays(content: bytes) -> None:
    """Wherever the pieces begin in which they are sought."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_PIECE", 4)
        assert _without_marks(content) == re.sub(rb"\r(?!\n)", b"\n", content)


@pytest.mark.parametrize("ends", [b"\r", b"\r\n\r"])
def test_line_ends_of_cr_take_little_more_time_than_line_feeds(ends: bytes) -> None:
    row = "R1,220102199003071227,张三,女".encode()
    seconds = {end: min(_timed(row + end) for _ in range(3)) for end in (b"\n", ends)}
    assert seconds[ends] < 2 * seconds[b"\n"] + 0.05


def _timed(line: bytes) -> float:
    content, begun = line * 200_000, time.process_time()
    to_utf8(content, "utf-8")
    return time.process_time() - begun
