"""Envelopes whose lengths are put in afterwards: the same to ``openssl``, and DER from end to end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.wire.definite import make_definite
from exchange.wire.envelope import encrypt, encrypt_into, load_certificate
from exchange.wire.keys import make_certificate

SIZES = [0, 1, 15, 16, 95, 127, 128, 200, 255, 4095, 4096, 4097, 40_000, 65_535, 65_536, 1_100_000, 17_000_000]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_certificate(folder, "theirs", "theirs")
    return folder


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True).stdout


def parsed(path: Path) -> list[str]:
    return openssl("asn1parse", "-inform", "DER", "-in", path).decode().splitlines()


@pytest.mark.parametrize("size", SIZES)
def test_no_length_is_left_open_and_openssl_opens_it(keys: Path, tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    sealed = tmp_path / "e"
    with sealed.open("w+b") as file:
        encrypt_into(file, [content[:100], content[100:]], load_certificate(keys / "theirs.pem"))
        streamed = sealed.stat().st_size
        make_definite(file)
    values = parsed(sealed)
    assert not any("l=inf" in value or "EOC" in value for value in values)
    assert re.search(rf"l= *{(size // 16 + 1) * 16} prim: +cont \[ 0 \]", values[-1])
    outer = re.search(r"hl=(\d+) l= *(\d+)", values[0])
    assert outer
    assert int(outer[1]) + int(outer[2]) == sealed.stat().st_size
    assert size < 5000 or sealed.stat().st_size < streamed
    theirs: list[str | Path] = ["-recip", keys / "theirs.pem", "-inkey", keys / "theirs.key"]
    assert openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", sealed, *theirs) == content


def test_it_has_the_form_of_what_is_sealed_in_memory(keys: Path, tmp_path: Path) -> None:
    """Whether a result went out in parts cannot be told from it: the same values in the same places."""
    content = bytes(5000)
    with (tmp_path / "streamed").open("w+b") as file:
        encrypt_into(file, [content], load_certificate(keys / "theirs.pem"))
        make_definite(file)
    (tmp_path / "whole").write_bytes(encrypt(content, load_certificate(keys / "theirs.pem")))
    forms = [[value.partition("[HEX DUMP]")[0] for value in parsed(tmp_path / name)] for name in ("streamed", "whole")]
    assert forms[0] == forms[1]


@pytest.mark.parametrize("content", [b"", b"\x30\x80", b"no envelope at all", bytes(4096)])
def test_what_openssl_never_wrote_is_for_a_person(tmp_path: Path, content: bytes) -> None:
    with (tmp_path / "e").open("w+b") as file:
        file.write(content)
        file.flush()
        with pytest.raises(Halt, match="not known here"):
            make_definite(file)


def test_an_envelope_that_is_cut_off_is_for_a_person(keys: Path, tmp_path: Path) -> None:
    with (tmp_path / "e").open("w+b") as file:
        encrypt_into(file, [bytes(50_000)], load_certificate(keys / "theirs.pem"))
        file.truncate(20_000)
        with pytest.raises(Halt, match="not known here"):
            make_definite(file)
