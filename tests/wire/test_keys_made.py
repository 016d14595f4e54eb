"""Keys are made once: by whoever comes first, by a run that was killed and the one after it, and never in the place of
one that is there.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from exchange.base import keyed
from exchange.base.errors import Halt
from exchange.base.files import write_atomically
from exchange.base.keyed import make_keys, read_keys
from exchange.register import witness
from exchange.register.cosigning import WitnessKey
from exchange.wire import keys
from exchange.wire.envelope import load_key_pair
from exchange.wire.keys import make_certificate, make_office_keys, make_register_key, make_ssh_key

Make = Callable[[Path], object]
SUBJECT: Final = PublicFormat.SubjectPublicKeyInfo
AT_ONCE: Final = 6
DAY: Final = date(2026, 11, 23)


def _public(path: Path) -> bytes:
    """Of a private key in PEM."""
    return load_pem_private_key(path.read_bytes(), None).public_key().public_bytes(Encoding.PEM, SUBJECT)


def _register(folder: Path) -> None:
    public = load_pem_public_key((folder / "register.pem").read_bytes())
    assert public.public_bytes(Encoding.PEM, SUBJECT) == _public(folder / "register.key")


def _witness(folder: Path) -> None:
    written = WitnessKey.parse((folder / "witness.vkey").read_text("utf-8"))
    assert written.name == "archives.example"
    assert written.public.public_bytes(Encoding.PEM, SUBJECT) == _public(folder / "witness.key")


MADE: Final[dict[str, tuple[Make, Make, str, str | None]]] = {
    "certificate": (
        lambda folder: make_certificate(folder, "sign", "office"),
        lambda folder: load_key_pair(folder / "sign.key", folder / "sign.pem"),
        "sign.key",
        "sign.pem",
    ),
    "register": (make_register_key, _register, "register.key", "register.pem"),
    "ssh": (lambda folder: make_ssh_key(folder / "sftp"), lambda folder: make_ssh_key(folder / "sftp"), "sftp", None),
    "told": (
        lambda folder: make_keys(folder / "told.keys", DAY),
        lambda folder: read_keys((folder / "told.keys").read_bytes(), folder),
        "told.keys",
        None,
    ),
    "witness": (
        lambda folder: witness.make_witness(folder, "archives.example"),
        _witness,
        "witness.key",
        "witness.vkey",
    ),
}
"""How it is made; how it is used; the private file, and what belongs to it and is made from it."""
OF_TWO: Final = sorted(name for name, (_, _, _, public) in MADE.items() if public)


class Killed(BaseException):
    """Nothing after this ran."""


@pytest.mark.parametrize("what", MADE)
def test_several_who_make_it_at_once_make_one(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits before it writes until all would, where they can."""
    make, use, _, _ = MADE[what]
    written, together = list[str](), Barrier(AT_ONCE)

    def waits(path: Path, content: bytes) -> None:
        with suppress(BrokenBarrierError):
            together.wait(0.2)
        written.append(path.name)
        write_atomically(path, content)

    for module in (keys, keyed, witness):
        monkeypatch.setattr(module, "write_atomically", waits)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(lambda _: make(tmp_path / "keys"), range(AT_ONCE)))
    assert sorted(written) == sorted(set(written)), "each file is written once"
    use(tmp_path / "keys")
    if what == "told":
        assert sorted(map(bool, told)) == [False] * (AT_ONCE - 1) + [True], "it is made once, and one says so"
    else:
        assert set(told) == {make(tmp_path / "keys")}, "all were told the same key"


@pytest.mark.parametrize("what", OF_TWO)
def test_a_run_that_was_killed_is_gone_on_with(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, use, private, public = MADE[what]

    def killed(path: Path, content: bytes) -> None:
        if path.name == public:
            raise Killed
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        for module in (keys, keyed, witness):
            patch.setattr(module, "write_atomically", killed)
        with pytest.raises(Killed):
            make(tmp_path)
    written = (tmp_path / private).read_bytes()
    make(tmp_path)
    assert (tmp_path / private).read_bytes() == written
    use(tmp_path)


@pytest.mark.parametrize("what", OF_TWO)
def test_a_private_key_whose_public_part_was_lost_stays(what: str, tmp_path: Path) -> None:
    make, use, private, public = MADE[what]
    make(tmp_path)
    written = (tmp_path / private).read_bytes()
    (tmp_path / str(public)).unlink()
    make(tmp_path)
    assert (tmp_path / private).read_bytes() == written
    use(tmp_path)


@pytest.mark.parametrize("what", OF_TWO)
def test_one_that_cannot_be_read_is_for_a_person(what: str, tmp_path: Path) -> None:
    make, _, private, public = MADE[what]
    (tmp_path / private).write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    (tmp_path / private).chmod(0o600)
    with pytest.raises(Halt, match=private):
        make(tmp_path)
    assert not (tmp_path / str(public)).exists()


def _killed_before_name(number: int, folder: Path) -> bool:
    """Makes an office's keys in a process that is killed as the so-manieth file is to get its name; whether it was."""
    if (child := os.fork()) == 0:
        rename, numbers = Path.replace, itertools.count()

        def killed(path: Path, target: Path) -> Path:
            if next(numbers) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(path, target)

        Path.replace = killed  # type: ignore[method-assign,assignment]
        make_office_keys(folder, "office", DAY)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_what_a_killed_run_left_half_written_goes_with_the_next_one(tmp_path: Path) -> None:
    """Private keys lay there for good, and nobody could tell whether they are in use."""
    number, names = 0, {"register.key", "register.pem", "sftp", "sftp.pub", "told.keys"}
    names |= {f"{name}.{part}" for name in ("sign", "encrypt") for part in ("key", "pem")}
    while _killed_before_name(number, folder := tmp_path / f"keys-{number}"):
        assert len(list(folder.glob(".writing-*"))) == 1
        made = {path.name: path.read_bytes() for path in folder.glob("[!.]*")}
        make_office_keys(folder, "office", DAY)
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert after.keys() == names
        assert made.items() <= after.items(), "what is there stays"
        number += 1
    assert number == len(names)
