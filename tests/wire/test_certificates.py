"""What a pinned certificate must be, in every kind of key; two during a change; nothing encrypted to an ended one."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from exchange.base.errors import Halt, Refused
from exchange.wire.certificates import Use, fault, read_certificates, recipient
from exchange.wire.envelope import encrypt, verify

NOW = datetime(2026, 11, 27, tzinfo=UTC)
DAY = timedelta(days=1)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Key] = {
    "rsa": RSA,
    "weak": rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505  (that is what is tried)
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p192": ec.generate_private_key(ec.SECP192R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def made(key: Key, begins: datetime = NOW - DAY, ends: datetime = NOW + DAY, usage: str = "") -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
    if usage:
        named = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        rest = dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
        holds = {each: each == usage for each in named} | rest
        builder = builder.add_extension(x509.KeyUsage(**holds), critical=True)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


@pytest.mark.parametrize(
    ("key", "use", "words"),
    [
        ("rsa", "signing", None), ("rsa", "encryption", None),
        ("p256", "signing", None), ("p256", "encryption", "its key is EC; for encryption it must be RSA"),
        ("p192", "signing", "its curve is secp192r1"), ("ed25519", "encryption", "its key is Ed25519"),
        ("ed25519", "signing", "its key is Ed25519"), ("weak", "signing", "RSA of 1024 bits"),
        ("weak", "encryption", "RSA of 1024 bits"),
    ],
)  # fmt: skip
def test_the_kind_and_size_of_a_key(key: str, use: Use, words: str | None) -> None:
    found = fault(made(KEYS[key]), use)
    assert (found is None) if words is None else (found is not None and words in found)


def test_a_certificate_of_sm2_is_told_as_what_it_is(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = (
        "openssl",
        "req",
        "-x509",
        "-new",
        "-sm3",
        "-subj",
        "/CN=invented",
        "-key",
        str(key),
        "-out",
        str(certificate),
    )
    subprocess.run(["openssl", "genpkey", "-algorithm", "SM2", "-out", str(key)], check=True)
    subprocess.run(make, check=True)
    (read,) = read_certificates(certificate)
    assert {use: (fault(read, use) or "").partition(",")[0] for use in ("signing", "encryption")} == dict.fromkeys(
        ("signing", "encryption"), "its key is of a kind that is not taken"
    )


@pytest.mark.parametrize(
    ("usage", "sound_for"),
    [
        ("digital_signature", {"signing"}), ("content_commitment", {"signing"}),
        ("key_encipherment", {"encryption"}), ("key_agreement", set()), ("", {"signing", "encryption"}),
    ],
)  # fmt: skip
def test_the_usage_that_a_certificate_names(usage: str, sound_for: set[Use]) -> None:
    certificate = made(RSA, usage=usage)
    uses: tuple[Use, ...] = ("signing", "encryption")
    assert {use for use in uses if fault(certificate, use) is None} == sound_for


@pytest.mark.parametrize("key", ["p256", "ed25519", "weak"])
def test_nothing_is_encrypted_to_a_key_that_may_not_be(tmp_path: Path, key: str) -> None:
    (tmp_path / "c.pem").write_bytes(pem(made(KEYS[key])))
    with pytest.raises(Halt, match="its key is"):
        recipient(tmp_path / "c.pem", NOW)


@pytest.mark.parametrize(("begins", "ends"), [(-10, -1), (1, 10)])
def test_nothing_is_encrypted_to_a_certificate_that_is_not_valid_now(tmp_path: Path, begins: int, ends: int) -> None:
    (tmp_path / "c.pem").write_bytes(pem(made(RSA, NOW + begins * DAY, NOW + ends * DAY)))
    with pytest.raises(Halt, match="not valid now"):
        recipient(tmp_path / "c.pem", NOW)


def test_of_two_the_newer_one_is_encrypted_to_once_it_is_valid(tmp_path: Path) -> None:
    old, new = made(RSA, NOW - 700 * DAY, NOW + 10 * DAY), made(RSA, NOW, NOW + 700 * DAY)
    for order in ((old, new), (new, old)):
        (tmp_path / "c.pem").write_bytes(pem(*order))
        assert recipient(tmp_path / "c.pem", NOW - DAY) == old
        assert recipient(tmp_path / "c.pem", NOW + DAY) == new
        assert recipient(tmp_path / "c.pem", NOW + 11 * DAY) == new
    assert encrypt(b"rows", new)


def test_three_are_no_change(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(pem(*[made(RSA)] * 3))
    with pytest.raises(Halt, match="3 certificates"):
        read_certificates(tmp_path / "c.pem")


@pytest.mark.parametrize("key", ["rsa", "p256"])
def test_during_a_change_either_signature_counts_while_its_certificate_is_valid(tmp_path: Path, key: str) -> None:
    signers = {
        "old": (KEYS[key], made(KEYS[key], NOW - 700 * DAY, NOW + 10 * DAY)),
        "new": (other := rsa.generate_private_key(65537, 2048), made(other, NOW - 2 * DAY, NOW + 700 * DAY)),
    }
    (tmp_path / "pinned.pem").write_bytes(pem(*[certificate for _, certificate in signers.values()]))
    (tmp_path / "m").write_bytes(b"manifest")
    signatures = {}
    for name, (private, certificate) in signers.items():
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (tmp_path / "k").write_bytes(private.private_bytes(*form))
        (tmp_path / "c").write_bytes(pem(certificate))
        signer = ["-signer", f"{tmp_path}/c", "-inkey", f"{tmp_path}/k", "-in", f"{tmp_path}/m", "-md", "sha256"]
        command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", *signer]
        signatures[name] = subprocess.run(command, capture_output=True, check=True).stdout
    for signature in signatures.values():
        verify(b"manifest", signature, tmp_path / "pinned.pem", NOW)
    verify(b"manifest", signatures["new"], tmp_path / "pinned.pem", NOW + 11 * DAY)
    with pytest.raises(Refused, match="signature_invalid"):
        verify(b"manifest", signatures["old"], tmp_path / "pinned.pem", NOW + 11 * DAY)
