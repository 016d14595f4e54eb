"""Workbooks behind a password: what a person takes out of the office opens nowhere without it.

Rules
- ECMA-376 agile encryption ([MS-OFFCRYPTO] 2.3.4.10: AES-256-CBC, SHA-512, 100,000 rounds), which Excel, WPS and
  LibreOffice open and save again by themselves; by ``msoffcrypto-tool``.
- The password is made here, is shown once, and stands in no file, argument or log: 100 bits, so that nobody guesses it.
- The plain workbook is in memory alone.
"""

from __future__ import annotations

import importlib
import io
import secrets
from typing import Any, Final

from exchange.base.errors import Halt, machine_in_the_way

_COMPOUND_FILE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""None that is taken for another."""
_GROUPS: Final = 5
_IN_GROUP: Final = 4


def new_password() -> str:
    """Five groups of four letters."""
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(_IN_GROUP)) for _ in range(_GROUPS)]
    return "-".join(groups)


def is_locked(content: bytes) -> bool:
    """Whether these bytes are a workbook behind a password (or another compound file, which no password opens)."""
    return content.startswith(_COMPOUND_FILE)


def lock(workbook: bytes, password: str) -> bytes:
    """The XLSX workbook behind the password."""
    written = io.BytesIO()
    _library("msoffcrypto.format.ooxml").OOXMLFile(io.BytesIO(workbook)).encrypt(password, written)
    return written.getvalue()


def unlock(content: bytes, password: str) -> bytes:
    """The workbook; Halt where the password is another one, or the file is damaged or no such workbook."""
    opened, library = io.BytesIO(), _library("msoffcrypto")
    wrong = _library("msoffcrypto.exceptions").InvalidKeyError
    try:
        file = library.OfficeFile(io.BytesIO(content))
        file.load_key(password=password, verify_password=True)
        file.decrypt(opened, verify_integrity=True)
    except Exception as error:  # of a library that reads what others wrote: whatever it is, the file does not open
        if (lack := machine_in_the_way(error)) is not None:
            raise lack from None
        if type(error) is wrong and "Key" in str(error):
            msg, zh = "the password does not open this workbook", "密码不对，打不开此工作簿"
        else:
            msg, zh = "this is no workbook behind a password, or it is damaged", "此文件不是带密码的工作簿，或已损坏"
        raise Halt(msg, zh=zh) from None
    return opened.getvalue()


def _library(name: str) -> Any:
    """Imported when a workbook is opened: no other command needs it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        msg = "msoffcrypto-tool is not installed: install this version's requirements anew"
        raise Halt(msg, zh="未安装 msoffcrypto-tool，请按本版本的依赖清单重新安装") from None
