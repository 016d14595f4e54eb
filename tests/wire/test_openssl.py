"""The program beside us: however it ends, stands still or leaves, nothing half is believed and nobody waits forever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.base.errors import Halt, Retryable
from exchange.base.files import written_atomically
from exchange.wire import envelope
from exchange.wire.envelope import KeyPair, decrypt, encrypt, encrypt_into, load_certificate, load_key_pair
from exchange.wire.keys import make_certificate

MEBIBYTE = 1 << 20
Instead = Callable[[str], None]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_certificate(folder, "theirs", "theirs")
    return folder


@pytest.fixture
def theirs(keys: Path) -> KeyPair:
    return load_key_pair(keys / "theirs.key", keys / "theirs.pem")


@pytest.fixture
def instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instead:
    """Puts a program that does this in the place of ``openssl``."""

    def put(script: str) -> None:
        program = tmp_path / "bin" / "openssl"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return put


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    threads = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= threads
    assert not [path for path in (tmp_path / "made").glob("*") if path.name != "e"], "a temporary name"


def seal(pieces: Iterator[bytes], keys: Path, tmp_path: Path) -> None:
    with written_atomically(tmp_path / "made" / "e") as file:
        encrypt_into(file, pieces, load_certificate(keys / "theirs.pem"))


LEAVES = {
    "at once": "",
    "with the first octets": "head -c 100 >/dev/null",
    "in the middle": f"head -c {3 * MEBIBYTE // 2}",
    "having closed its ear": "exec 0<&-; sleep 0.2",
}


@pytest.mark.parametrize("sizes", [[1], [0, 0], [100, 0, 100], [3 * MEBIBYTE], [MEBIBYTE] * 6, [8 * MEBIBYTE, 0, 1]])
@pytest.mark.parametrize("status", ["exit 0", "exit 1", "kill -9 $$"])
@pytest.mark.parametrize("leaves", LEAVES)
def test_what_a_program_did_not_take_to_the_end_is_no_envelope(
    keys: Path, tmp_path: Path, instead: Instead, leaves: str, status: str, sizes: list[int]
) -> None:
    instead(f"{LEAVES[leaves]}\n{status}")
    with pytest.raises(Retryable, match="could not encrypt"):
        seal(map(bytes, sizes), keys, tmp_path)
    assert not (tmp_path / "made" / "e").exists()


@pytest.mark.parametrize("error", [Halt("does not pass"), Retryable("in the way"), BrokenPipeError(), TimeoutError()])
@pytest.mark.parametrize("program", ["exec cat >/dev/null", "exec sleep 600", "exit 0", None])
@pytest.mark.parametrize("sizes", [[], [10], [4 * MEBIBYTE]])
def test_an_error_of_whoever_makes_the_pieces_is_theirs(
    keys: Path, tmp_path: Path, instead: Instead, error: Exception, program: str | None, sizes: list[int]
) -> None:
    """Whatever the program does meanwhile, even one that takes nothing and never ends; None: the real one."""
    if program is not None:
        instead(program)

    def pieces() -> Iterator[bytes]:
        yield from map(bytes, sizes)
        raise error

    with pytest.raises(type(error)) as raised:
        seal(pieces(), keys, tmp_path)
    assert raised.value is error
    assert not (tmp_path / "made" / "e").exists()


@pytest.mark.parametrize("sizes", [[10], [4 * MEBIBYTE], [4 * MEBIBYTE, 4 * MEBIBYTE]])
@pytest.mark.parametrize("program", ["exec sleep 600", "cat >/dev/null; exec sleep 600"])
def test_a_program_that_stands_still_is_given_up(
    keys: Path, tmp_path: Path, instead: Instead, monkeypatch: pytest.MonkeyPatch, program: str, sizes: list[int]
) -> None:
    monkeypatch.setattr(envelope, "_STILL_SECONDS", 0.5)
    instead(program)
    with pytest.raises(Retryable, match=r"stood still|could not encrypt"):
        seal(map(bytes, sizes), keys, tmp_path)


@pytest.mark.parametrize("program", ["exec sleep 600", "exec >&-; exec sleep 600"])
def test_so_is_one_that_opens_nothing(
    theirs: KeyPair, tmp_path: Path, instead: Instead, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(envelope, "_STILL_SECONDS", 0.5)
    monkeypatch.setattr(envelope, "_IN_MEMORY", 0)
    instead(program)
    (tmp_path / "e").write_bytes(encrypt(b"content", theirs.certificate))
    with pytest.raises(Retryable, match="openssl ended with"):
        decrypt(tmp_path / "e", theirs)
