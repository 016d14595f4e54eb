"""Work lists behind a password: as written, with no other password, and not when a byte of them was changed."""

from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.review.locked import is_locked, lock, new_password, unlock
from tests.examples import one_in

DAMAGED = "this is no workbook behind a password, or it is damaged"
PASSWORD = "kq7m-3v9x-ab2c-d4ef-gh5j"


@pytest.fixture(scope="module")
def workbook() -> bytes:
    book, written = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(["核查内容", "欧阳彧晟"])
    book.save(written)
    return written.getvalue()


@pytest.fixture(scope="module")
def locked(workbook: bytes) -> bytes:
    return lock(workbook, PASSWORD)


def test_what_was_locked_opens_by_its_password_alone(workbook: bytes, locked: bytes) -> None:
    assert is_locked(locked)
    assert not is_locked(workbook)
    assert unlock(locked, PASSWORD) == workbook
    for other in ("x", PASSWORD.upper(), PASSWORD[:-1]):
        with pytest.raises(Halt, match="does not open"):
            unlock(locked, other)


def test_its_form_is_agile_encryption(locked: bytes) -> None:
    assert b"http://schemas.microsoft.com/office/2006/encryption" in locked
    assert b'cipherAlgorithm="AES"' in locked
    assert b'hashAlgorithm="SHA512"' in locked
    assert b'spinCount="100000"' in locked
    assert b"xl/workbook.xml" not in locked


@one_in(8)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_gives_the_same_workbook_or_a_halt(workbook: bytes, locked: bytes, at: float, bit: int) -> None:
    place = int(at * len(locked))
    harmed = locked[:place] + bytes([locked[place] ^ 1 << bit]) + locked[place + 1 :]
    opened, said = workbook, ""
    try:
        opened = unlock(harmed, PASSWORD)  # what is between the parts of the file matters to nobody
    except Halt as error:
        said = str(error)
    assert opened == workbook
    assert said in ("", "the password does not open this workbook", DAMAGED)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600])
def test_what_is_no_such_workbook_is_a_halt(content: bytes) -> None:
    with pytest.raises(Halt, match="no workbook behind a password"):
        unlock(content, PASSWORD)


def test_passwords_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {24}
