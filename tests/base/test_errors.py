"""Errors say what happens next and carry no value."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from exchange.base.errors import Halt, Refused, Retryable, without_values
from exchange.base.files import write_atomically
from exchange.base.toml import read_bytes
from exchange.matching import id_numbers
from exchange.settings import read_secret
from exchange.validate.foreign_bytes import foreign_bytes
from tests.accounts import unprivileged

MOUNT = ["mount", "-t", "tmpfs", "-o", "nr_inodes=8", "tmpfs"]
CANARY = "11010519491231002X"


def test_an_unforeseen_error_tells_kind_and_place_only() -> None:
    with pytest.raises(Halt) as halted, without_values():
        pl.DataFrame({"text": [CANARY]}).select(pl.col("text").str.to_date("%Y-%m-%d"))
    assert CANARY not in str(halted.value)
    assert str(halted.value).startswith("unexpected InvalidOperationError at ")
    assert halted.value.__cause__ is None


def test_the_place_is_the_last_of_our_own() -> None:
    with pytest.raises(Halt, match=r"at id_numbers\.py:\d+$"), without_values():
        id_numbers.standardise(pl.DataFrame({"other": [CANARY]}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [Refused("no_rows"), Retryable("later"), Halt("look")])
def test_our_own_errors_go_through_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, without_values():
        raise error
    assert raised.value is error


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EFBIG, "is full"), (errno.EROFS, "is read-only")],
)
def test_a_disk_that_takes_nothing_is_retryable_wherever_it_is_met(number: int, words: str, tmp_path: Path) -> None:
    """The folder is named, not the file: its name may have come from outside."""
    with pytest.raises(Retryable, match=f"the office's disk {words}: {tmp_path}(;|$)") as raised, without_values():
        raise OSError(number, "x", str(tmp_path / CANARY))
    assert CANARY not in str(raised.value)


def test_other_faults_of_a_disk_are_for_a_person() -> None:
    with pytest.raises(Halt, match="unexpected PermissionError"), without_values():
        raise PermissionError(errno.EACCES, "x", CANARY)


@pytest.mark.parametrize("read", [lambda path: read_bytes(path, "none"), read_secret], ids=["settings", "key"])
def test_somebody_without_rights_to_a_file_is_told_where_the_work_is_done(
    read: Callable[[Path], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0)
    with unprivileged(), pytest.raises(Halt, match="this account may not read or write it") as halted:
        read(path)
    assert "请在网页办理" in halted.value.zh
    assert str(path) in str(halted.value)


def test_and_so_of_any_other_file_which_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / CANARY
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(Halt, match="unexpected PermissionError") as halted, unprivileged(), without_values():
        path.read_bytes()
    assert "请在网页办理" in halted.value.zh
    assert CANARY not in halted.value.in_both


class Ends(BaseException):
    """What ends a try from outside, whatever is at work."""


@pytest.mark.parametrize("error", [Ends(), Halt("look"), KeyboardInterrupt()])
def test_what_goes_through_brings_no_other_error_along(error: BaseException) -> None:
    """Whoever logs it logs all that it was raised from or behind."""

    def ended() -> None:
        try:
            raise ValueError(CANARY)
        except ValueError as quoting:
            raise error from quoting

    with pytest.raises(type(error)) as passed, without_values(Ends):
        ended()
    assert CANARY not in "".join(traceback.format_exception(passed.value))


def no_thread() -> None:
    """Of a machine that starts no thread more, as Python says it."""
    with pytest.MonkeyPatch.context() as patch:

        def refused(*_: object, **__: object) -> None:
            msg = CANARY
            raise RuntimeError(msg)

        patch.setattr(threading, "_start_new_thread", refused)
        patch.setattr(threading, "_start_joinable_thread", refused, raising=False)
        threading.Thread().start()


def no_more(error: BaseException) -> Callable[[], None]:
    def raising() -> None:
        raise error

    return raising


SCARCE: dict[str, Callable[[], None]] = {
    "memory": no_more(MemoryError(CANARY)),
    "Arrow's memory": no_more(pa.ArrowMemoryError(CANARY)),
    "open files": no_more(OSError(errno.EMFILE, CANARY)),
    "memory of the kernel's": no_more(OSError(errno.ENOMEM, CANARY)),
    "threads": no_thread,
}


@pytest.mark.parametrize(
    "door", [without_values, lambda: foreign_bytes("csv_format")], ids=["ours", "a partner's file"]
)
@pytest.mark.parametrize("lacking", SCARCE)
def test_what_a_machine_lacks_is_nobodys_fault_and_passes(
    lacking: str, door: Callable[[], AbstractContextManager[None]]
) -> None:
    with pytest.raises(Retryable, match="no memory, no thread or no open file left") as lack, door():
        SCARCE[lacking]()
    assert "本机内存" in lack.value.zh
    assert CANARY not in lack.value.in_both


@pytest.mark.parametrize(
    "error", [RuntimeError(CANARY), OSError(CANARY), OSError(errno.EIO, CANARY), ValueError(CANARY)]
)
def test_any_other_error_of_a_partners_file_is_of_the_file(error: Exception) -> None:
    with pytest.raises(Refused, match="csv_format"), foreign_bytes("csv_format"):
        raise error


def _write_nine(folder: Path) -> None:
    for number in range(9):
        write_atomically(folder / str(number), b"")


def test_a_disk_without_inodes_is_told_as_that(tmp_path: Path) -> None:
    """A file system of our own with room for eight names."""
    if os.geteuid() != 0 or subprocess.run([*MOUNT, str(tmp_path)], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(Retryable, match=f"has no inodes left: {tmp_path}"):
            _write_nine(tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        with pytest.raises(Retryable, match=f"is read-only: {tmp_path}"):
            write_atomically(tmp_path / "0", b"")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_refusal_names_its_place() -> None:
    assert str(Refused("column_missing", row=3, column="sex")) == "refused: column_missing, row 3, column sex"
