"""Signatures and envelopes: what ``openssl`` makes we accept, what we make ``openssl`` opens, and nothing else."""

from __future__ import annotations

import base64
import codecs
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt, Refused, Retryable
from exchange.wire import envelope
from exchange.wire.cms import as_der, cipher, digests
from exchange.wire.envelope import (
    KeyPair,
    decrypt,
    encrypt,
    encrypt_into,
    is_whole_der,
    load_certificate,
    load_key_pair,
    sign,
    verify,
)
from exchange.wire.keys import make_certificate

_ENVELOPE_HEAD = bytes.fromhex("308006092a864886f70d010703a080308002010031800000")
"""How a streamed envelope begins."""

CONTENT = "正文\r\nline\n".encode() * 50


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        make_certificate(folder, name, name)
    return folder


@pytest.fixture
def ours(keys: Path) -> KeyPair:
    return load_key_pair(keys / "ours.key", keys / "ours.pem")


@pytest.fixture
def theirs(keys: Path) -> KeyPair:
    return load_key_pair(keys / "theirs.key", keys / "theirs.pem")


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True).stdout


def test_our_signature_is_good_for_openssl(keys: Path, ours: KeyPair, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    (tmp_path / "s").write_bytes(sign(CONTENT, ours))
    pinned = ["-nointern", "-noverify", "-certfile", str(keys / "ours.pem")]
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "s", "-content", tmp_path / "m", *pinned)


def test_openssls_signature_is_good_for_us(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    signer = ["-signer", str(keys / "theirs.pem"), "-inkey", str(keys / "theirs.key")]
    signature = openssl("cms", "-sign", "-binary", "-outform", "DER", "-in", tmp_path / "m", *signer)
    verify(CONTENT, signature, keys / "theirs.pem", datetime.now(UTC))


@pytest.mark.parametrize("form", ["DER", "PEM"])
@pytest.mark.parametrize("streamed", [[], ["-stream"]])
@pytest.mark.parametrize(
    ("digest", "counts"),
    [("sha256", True), ("sha384", True), ("sha512", True), ("sha3-256", True), ("md5", False), ("sha1", False)],
)
def test_a_signature_counts_with_sha_256_or_better(
    keys: Path, tmp_path: Path, digest: str, counts: bool, form: str, streamed: list[str]
) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    signer = ["-signer", str(keys / "theirs.pem"), "-inkey", str(keys / "theirs.key"), "-md", digest, *streamed]
    signature = openssl("cms", "-sign", "-binary", "-outform", form, "-in", tmp_path / "m", *signer)
    assert is_whole_der(as_der(signature))
    if counts:
        verify(CONTENT, signature, keys / "theirs.pem", datetime.now(UTC))
        return
    with pytest.raises(Refused) as refused:
        verify(CONTENT, signature, keys / "theirs.pem", datetime.now(UTC))
    assert refused.value.code == "signature_digest"


def test_no_beginning_of_a_pem_signature_is_whole(theirs: KeyPair) -> None:
    signature = sign(CONTENT, theirs)
    pem = b"-----BEGIN CMS-----\n" + base64.encodebytes(signature) + b"-----END CMS-----\n"
    assert as_der(pem) == signature
    assert not any(is_whole_der(as_der(pem[:length])) for length in range(len(pem) - 1))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\r\n\r\n", b"\x1a"])
@pytest.mark.parametrize("streamed", [(), ("-stream",)])
def test_what_editors_and_transfers_put_around_a_signature_is_no_part_of_it(
    keys: Path, tmp_path: Path, streamed: tuple[str, ...], ending: bytes
) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    signer = ["-signer", str(keys / "theirs.pem"), "-inkey", str(keys / "theirs.key"), *streamed]
    for form in ("DER", "PEM"):
        openssl("cms", "-sign", "-binary", "-outform", form, "-in", tmp_path / "m", *signer, "-out", tmp_path / form)
    pem = (tmp_path / "PEM").read_bytes()
    forms = [(tmp_path / "DER").read_bytes(), pem, codecs.BOM_UTF8 + pem, pem.replace(b"\n", b"\r\n")]
    for signature in [*(form + ending for form in forms), pem.decode().encode("utf-16")]:
        assert is_whole_der(as_der(signature))
        verify(CONTENT, signature, keys / "theirs.pem", datetime.now(UTC))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_no_beginning_of_a_signature_is_whole_for_a_line_end_behind_it(theirs: KeyPair, ending: bytes) -> None:
    signature = sign(CONTENT, theirs)
    for length in range(len(signature) - len(ending)):
        assert not is_whole_der(as_der(signature[:length] + ending))


@given(st.text("AZaz09+/= \n", max_size=40).map(str.encode))
def test_a_pem_signature_of_any_letters_is_as_whole_as_it_is(letters: bytes) -> None:
    """Cut off, or with a letter too many, it is no base64."""
    assert not is_whole_der(as_der(b"-----BEGIN CMS-----\n" + letters + b"-----END CMS-----\n"))


@given(st.binary(max_size=200), st.integers(0, 100))
def test_whatever_is_no_cms_names_no_digest_and_no_cipher(content: bytes, cut: int) -> None:
    for given_bytes in (content, b"\x30\x80" * 50 + content, _ENVELOPE_HEAD[:cut] + content):
        assert isinstance(digests(given_bytes), frozenset)
        assert cipher(given_bytes) is None or isinstance(cipher(given_bytes), bytes)


@pytest.mark.parametrize("change", ["content", "signature", "certificate", "nothing signed", "an envelope"])
def test_what_is_not_signed_by_the_pinned_certificate(keys: Path, theirs: KeyPair, change: str) -> None:
    signature = bytearray(sign(CONTENT, theirs))
    content = CONTENT + b" " if change == "content" else CONTENT
    if change == "signature":
        signature[-5] ^= 1
    pinned = keys / ("ours.pem" if change == "certificate" else "theirs.pem")
    given = b"0\x00" if change == "nothing signed" else bytes(signature)
    if change == "an envelope":
        given = encrypt(CONTENT, theirs.certificate)
    with pytest.raises(Refused) as refused:
        verify(content, given, pinned, datetime.now(UTC))
    assert refused.value.code == "signature_invalid"


@pytest.mark.parametrize("away", [timedelta(days=-2), timedelta(days=3650)])
def test_a_certificate_is_good_for_its_time_only(keys: Path, theirs: KeyPair, away: timedelta) -> None:
    moment = datetime.now(UTC) + away
    with pytest.raises(Refused) as refused:
        verify(CONTENT, sign(CONTENT, theirs), keys / "theirs.pem", moment)
    assert refused.value.code == "certificate_expired"


def test_openssl_opens_our_envelope_and_it_is_aes_256(keys: Path, theirs: KeyPair, tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(encrypt(CONTENT, theirs.certificate))
    recipient = ["-recip", str(keys / "theirs.pem"), "-inkey", str(keys / "theirs.key")]
    assert openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", tmp_path / "e", *recipient) == CONTENT
    printed = openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", tmp_path / "e")
    assert b"aes-256-cbc" in printed


@pytest.mark.parametrize("cipher", ["-aes-128-cbc", "-aes-256-cbc"])
@pytest.mark.parametrize("streamed", [[], ["-stream"]])
def test_we_open_openssls_envelope(keys: Path, ours: KeyPair, tmp_path: Path, cipher: str, streamed: list[str]) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    form = ["-binary", cipher, "-outform", "DER", *streamed]
    openssl("cms", "-encrypt", *form, "-in", tmp_path / "m", "-out", tmp_path / "e", keys / "ours.pem")
    assert decrypt(tmp_path / "e", ours) == CONTENT


@pytest.mark.parametrize("streamed", [[], ["-stream"]])
@pytest.mark.parametrize("weak", ["-des3", "-camellia256"])
def test_an_envelope_with_another_cipher_is_named(
    keys: Path, ours: KeyPair, tmp_path: Path, weak: str, streamed: list[str]
) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    form = ["-binary", weak, "-outform", "DER", *streamed]
    openssl("cms", "-encrypt", *form, "-in", tmp_path / "m", "-out", tmp_path / "e", keys / "ours.pem")
    with pytest.raises(Refused) as refused:
        decrypt(tmp_path / "e", ours)
    assert refused.value.code == "envelope_cipher"


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_large_and_small_envelopes_are_the_same(
    ours: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(envelope, "_IN_MEMORY", in_memory)
    (tmp_path / "e").write_bytes(encrypt(CONTENT, ours.certificate))
    assert decrypt(tmp_path / "e", ours) == CONTENT


def sealed_in_pieces(pieces: Iterable[bytes], recipient: Path, to: Path) -> bytes:
    with to.open("wb") as file:
        encrypt_into(file, pieces, load_certificate(recipient))
    return to.read_bytes()


def test_what_is_sealed_in_pieces_is_one_whole(keys: Path, theirs: KeyPair, tmp_path: Path) -> None:
    big = bytes(range(256)) * 5000
    sealed = sealed_in_pieces([CONTENT, b"", big], keys / "theirs.pem", tmp_path / "e")
    assert is_whole_der(sealed)
    recipient = ["-recip", str(keys / "theirs.pem"), "-inkey", str(keys / "theirs.key")]
    opened = openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", tmp_path / "e", *recipient)
    assert opened == CONTENT + big
    assert decrypt(tmp_path / "e", theirs) == opened
    assert b"aes-256-cbc" in openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", tmp_path / "e")


def test_an_error_in_the_middle_of_sealing_is_the_makers(keys: Path, tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield CONTENT
        raise Halt("does not pass")

    with pytest.raises(Halt, match="does not pass"):
        sealed_in_pieces(pieces(), keys / "theirs.pem", tmp_path / "e")


def test_a_disk_that_is_full_while_it_is_sealed_is_tried_later(keys: Path) -> None:
    with Path("/dev/full").open("wb") as full, pytest.raises(Retryable, match="room on the disk"):
        encrypt_into(full, [bytes(1 << 20)] * 4, load_certificate(keys / "theirs.pem"))


def test_no_certificate_to_seal_for_is_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="certificate"):
        sealed_in_pieces([CONTENT], tmp_path / "none.pem", tmp_path / "e")


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
@pytest.mark.parametrize("damage", ["truncated", "junk", "empty", "other recipient", "no envelope"])
def test_what_cannot_be_opened(
    ours: KeyPair, theirs: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, in_memory: int
) -> None:
    monkeypatch.setattr(envelope, "_IN_MEMORY", in_memory)
    damaged = {
        "truncated": encrypt(CONTENT, ours.certificate)[:-40],
        "junk": b"\x30\x03abc",
        "empty": b"",
        "other recipient": encrypt(CONTENT, theirs.certificate),
        "no envelope": sign(CONTENT, ours),
    }[damage]
    (tmp_path / "e").write_bytes(damaged)
    with pytest.raises(Refused) as refused:
        decrypt(tmp_path / "e", ours)
    assert refused.value.code == "data_envelope"


@pytest.mark.parametrize("ending", ["kill -9 $$", "exit 127", "exit 1"])
def test_a_program_that_is_killed_or_does_not_run_is_no_fault_of_the_file(
    keys: Path, ours: KeyPair, theirs: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """As where the machine has no memory left: the set is tried again, and nobody is refused."""
    monkeypatch.setattr(envelope, "_IN_MEMORY", 0)
    (tmp_path / "openssl").write_text(f"#!/bin/sh\n{ending}\n")
    (tmp_path / "openssl").chmod(0o755)
    (tmp_path / "e").write_bytes(encrypt(CONTENT, ours.certificate))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Retryable, match="openssl ended with"):
        verify(CONTENT, sign(CONTENT, theirs), keys / "theirs.pem", datetime.now(UTC))
    with pytest.raises(Retryable, match="openssl ended with"):
        decrypt(tmp_path / "e", ours)


@pytest.mark.parametrize("lack", ["memory", "the key"])
def test_what_openssl_says_of_the_machine_is_no_fault_of_the_file(
    ours: KeyPair, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lack: str
) -> None:
    """It ends with the same status as for a file that is no envelope."""
    monkeypatch.setattr(envelope, "_IN_MEMORY", 0)
    (tmp_path / "e").write_bytes(encrypt(bytes(40 << 20), ours.certificate))
    if lack == "memory":
        real = shutil.which("openssl")
        (tmp_path / "openssl").write_text(f'#!/bin/sh\nulimit -v 60000\nexec {real} "$@"\n')
        (tmp_path / "openssl").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    else:
        for name in ("key", "pem"):
            shutil.copy2(keys / f"ours.{name}", tmp_path / f"ours.{name}")
        ours = load_key_pair(tmp_path / "ours.key", tmp_path / "ours.pem")
        (tmp_path / "ours.key").unlink()
    with pytest.raises(Retryable, match="openssl ended with 2"):
        decrypt(tmp_path / "e", ours)


@pytest.mark.parametrize("code", [b"80000018", b"80000002", b"068C0100", b"100C0100"])
def test_a_signature_is_not_refused_for_what_the_machine_lacks(
    keys: Path, theirs: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: bytes
) -> None:
    (tmp_path / "openssl").write_bytes(b"#!/bin/sh\necho 40D7E106B17F0000:error:%b:a:b: >&2\nexit 4\n" % code)
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Retryable, match="openssl ended with 4"):
        verify(CONTENT, sign(CONTENT, theirs), keys / "theirs.pem", datetime.now(UTC))


def test_no_beginning_of_a_signature_is_whole(theirs: KeyPair) -> None:
    signature = sign(CONTENT, theirs)
    assert is_whole_der(signature)
    assert not any(is_whole_der(signature[:length]) for length in range(len(signature)))


def test_keys_that_others_may_read_or_that_do_not_belong_together(keys: Path, tmp_path: Path) -> None:
    with pytest.raises(Halt, match="not the RSA key"):
        load_key_pair(keys / "ours.key", keys / "theirs.pem")
    loose = tmp_path / "loose.key"
    loose.write_bytes((keys / "ours.key").read_bytes())
    loose.chmod(0o640)
    with pytest.raises(Halt, match="0600"):
        load_key_pair(loose, keys / "ours.pem")
    with pytest.raises(Halt, match="No such file"):
        load_key_pair(tmp_path / "none", keys / "ours.pem")


def test_a_key_that_is_damaged_is_noticed_though_its_primes_are_not_proven(keys: Path, tmp_path: Path) -> None:
    sound = load_key_pair(keys / "ours.key", keys / "ours.pem").key.private_numbers()
    damaged = RSAPrivateNumbers(
        sound.p, sound.q, sound.d + 2, sound.dmp1 + 2, sound.dmq1, sound.iqmp, sound.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    path = tmp_path / "damaged.key"
    path.touch(0o600)
    path.write_bytes(damaged.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Halt, match="not the RSA key"):
        load_key_pair(path, keys / "ours.pem")


def test_nothing_lies_on_a_disk_beside_what_is_sealed(
    keys: Path, theirs: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed then leaves no file behind."""
    nowhere = tmp_path / "temporary"
    nowhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))
    seen: list[list[Path]] = []

    def pieces() -> Iterator[bytes]:
        seen.append([*nowhere.iterdir()])
        yield CONTENT

    assert sealed_in_pieces(pieces(), keys / "theirs.pem", tmp_path / "e")
    assert decrypt(tmp_path / "e", theirs) == CONTENT
    assert seen == [[]]
