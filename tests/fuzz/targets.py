"""What is read of others, and what it may do with any bytes: give something, or an error that the exchange raises on
purpose (accepted, refused, retryable; Halt where the file is one of the office's own people).

An ``.ack`` is a name alone: nobody reads what is in it.

``mutated`` makes inputs out of sound ones: bytes changed, cut out, doubled, or taken from another.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

from paramiko.sftp import CMD_HANDLE, CMD_NAME, CMD_STATUS, CMD_VERSION, SFTP_EOF, SFTP_OK

from exchange.agreements.agreement import Agreement
from exchange.base.errors import ExchangeError
from exchange.base.toml import parse_model
from exchange.intake.scan import _stem
from exchange.review.worklist import parse_answers, read_list
from exchange.steps.pickup import _acknowledged
from exchange.validate.encoding import to_utf8
from exchange.validate.table import read_table
from exchange.validate.workbook import read_workbook
from exchange.wire.changed import ask_changed
from exchange.wire.cms import as_der, cipher, digests
from exchange.wire.connection import SftpAccount
from exchange.wire.envelope import is_whole_der
from exchange.wire.manifest import Notice, RequestManifest, is_whole_json, parse
from exchange.wire.sftp import SftpClient, TimeLimit
from exchange.wire.transport import Folder

CASES: Final = Path(__file__).parent.parent / "cases"
CRASHES: Final = Path(__file__).parent / "crashes"
"""Inputs that once made another error, as ``<target>-<hash>``; they are tried with every run of the tests."""

ITEMS: Final = ("id_number", "name", "sex")
_SIGNATURE: Final = bytes.fromhex("30230609 2a864886f70d010702 a016 3014 020101 310f 300d 0609 608648016503040201 0500")
_AGREEMENT: Final = b'partner = "a"\nzh = "b"\ncycles = ["ad_hoc"]\n[[purposes]]\ncode = "c"\nitems = ["sex"]\n'
_NAMES_OF_FILES: Final = (b"court-a.1.csv", b"court-a.1.request.json", "\u540d.csv".encode("gbk"), b".part", b"..")
_NOTICE: Final = (
    b'{"format": "exchange-notice/1", "partner": "court-a", "about": "x", "code": "data_missing", "zh": "a", "en": "b",'
    b' "seen_since": "2026-11-27T09:00:00+08:00"}'
)


def _manifest(content: bytes) -> None:
    is_whole_json(content)
    parse(RequestManifest, content)


def _signature(content: bytes) -> None:
    for form in (content, as_der(content)):
        is_whole_der(form)
        digests(form)
        cipher(form)


def _names(content: bytes) -> None:
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        _stem(line)
        _acknowledged(line)


def _work_list(content: bytes) -> None:
    with suppress(ExchangeError):
        read_list(content)
    parse_answers(content.decode("utf-8", "replace"))


class _Server:
    """Answers of an SFTP server, as they come through its channel; what it is asked is not heard."""

    def __init__(self, answers: bytes) -> None:
        self._answers = BytesIO(_packet(CMD_VERSION, struct.pack(">I", 3)) + answers)

    def recv(self, size: int) -> bytes:
        return self._answers.read(size)

    def send(self, content: bytes) -> int:
        return len(content)

    def get_name(self) -> str:
        return "server"


def _packet(kind: int, content: bytes) -> bytes:
    return struct.pack(">IB", len(content) + 1, kind) + content


def _text(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _entry(name: bytes) -> bytes:
    """A plain file of 5 bytes: flags for size, mode and times, and those."""
    return _text(name) + _text(b"-rw------- " + name) + struct.pack(">IQIII", 13, 5, 0o100600, 0, 1)


def _changed_at(folder: Folder) -> int | None:
    return ask_changed(folder, [folder.account])[0].at()


def _listing(content: bytes) -> None:
    """A folder as the intake looks at it, and what lies in the other, as the same answers would have it."""
    place = SftpAccount("host", 22, "user", "key", "to-office", "from-office")
    for look in (Folder.listing, _changed_at, lambda folder: folder.gone(["court-a.1.result.csv.p7m"])):
        with suppress(ExchangeError):
            look(Folder(place, SftpClient(_Server(content)), TimeLimit("host"), 1.0, nullcontext))  # type: ignore[arg-type]


_LISTED: Final = (
    _packet(CMD_HANDLE, struct.pack(">I", 1) + _text(b"handle"))
    + _packet(CMD_NAME, struct.pack(">II", 2, len(_NAMES_OF_FILES)) + b"".join(map(_entry, _NAMES_OF_FILES)))
    + _packet(CMD_STATUS, struct.pack(">II", 3, SFTP_EOF) + _text(b"no more") + _text(b"en"))
    + _packet(CMD_STATUS, struct.pack(">II", 4, SFTP_OK) + _text(b"closed") + _text(b"en"))
)

TARGETS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "manifest": _manifest,
    "csv": lambda content: read_table(to_utf8(content), ITEMS, None),
    "gb18030": lambda content: read_table(to_utf8(content, "gb18030"), ITEMS, None),
    "xlsx": lambda content: read_workbook(content, None, ITEMS, None),
    "cms": _signature,
    "names": _names,
    "listing": _listing,
    "work-list": _work_list,
    "agreement": lambda content: parse_model(Agreement, content, Path("a.toml")),
    "notice": lambda content: parse(Notice, content),
}


def seeds(target: str) -> list[bytes]:
    """Sound inputs, and what once was wrong."""
    ending = {"manifest": ".json", "csv": ".csv", "gb18030": ".csv", "xlsx": ".xlsx", "work-list": ".csv"}.get(target)
    found = [path.read_bytes() for path in sorted(CASES.iterdir()) if ending and path.name.endswith(ending)]
    own = {
        "cms": [_SIGNATURE, b"-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n"],
        "names": [b"court-a.1.request.json\ncourt-a.1.csv.p7m\ncourt-a.1.result-2.ack"],
        "listing": [_LISTED],
        "agreement": [_AGREEMENT],
        "notice": [_NOTICE],
    }
    return found + own.get(target, [])


def mutated(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Another input, by a few changes."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        begin = chance.randint(0, len(made))
        end = min(len(made), begin + chance.choice((1, 1, 2, 8, 64)))
        change = chance.randint(0, 4)
        if change == 0:
            made[begin:end] = chance.randbytes(end - begin)
        elif change == 1:
            del made[begin:end]
        elif change == 2:
            made[begin:begin] = made[begin:end] * chance.choice((1, 2, 100, 2000))
        elif change == 3:
            other = chance.choice(others)
            place = chance.randint(0, len(other))
            made[begin:end] = other[place : place + chance.randint(1, 64)]
        else:
            made[begin:end] = chance.choice((b'"', b"\0", b"\n", b"[", b"{", b"\xff\xfe", b",", b"=", b"\xe4\xb8"))
    return bytes(made)


def holds(target: str, content: bytes) -> bool:
    """Whether this input is read, or refused on purpose."""
    try:
        TARGETS[target](content)
    except ExchangeError:
        pass
    except BaseException as error:  # a panic of Polars is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return False
    return True
