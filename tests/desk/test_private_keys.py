"""A private key in whatever file a program keeps it, opened by the desk: the same key, or what is wrong in a word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.desk.conftest import Made
from tests.desk.node import run

PASSWORD = "口令 pass-1"
OPEN = f"pass:{PASSWORD}"
ENCRYPTED = ["-passout", OPEN]
PKCS12 = ["pkcs12", "-export", "-inkey", "{key}", "-in", "{pem}"]
FORMS = {
    "pkcs8": ["pkcs8", "-topk8", "-nocrypt", "-in", "{key}"],
    "pkcs8 der": ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", "{key}"],
    "pkcs8 aes": ["pkcs8", "-topk8", "-in", "{key}", *ENCRYPTED],
    "pkcs8 aes der": ["pkcs8", "-topk8", "-outform", "DER", "-in", "{key}", *ENCRYPTED],
    "pkcs1": ["rsa", "-traditional", "-in", "{key}"],
    "pkcs12 aes": [*PKCS12, *ENCRYPTED],
    "pkcs12 aes, its certificates open": [*PKCS12, "-certpbe", "NONE", *ENCRYPTED],
    "pkcs12 aes, without a mac": [*PKCS12, "-nomac", *ENCRYPTED],
    "pkcs12 open": [*PKCS12, "-keypbe", "NONE", "-certpbe", "NONE", *ENCRYPTED],
}


def read(made: Made, folder: Path, form: list[str], password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the desk makes of the file that openssl writes: the modulus in hex, or what is wrong."""
    place = folder / "private.key"
    words = [word.format(key=made.keys / "sign.key", pem=made.keys / "sign.pem") for word in form]
    subprocess.run(["openssl", *words, "-out", str(place)], check=True, capture_output=True)
    monkeypatch.setenv("PASSWORD", password)
    return run("cms.mjs", "key", str(folder)).strip()


@pytest.mark.parametrize("form", FORMS)
def test_the_key_is_read(made: Made, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = load_pem_private_key((made.keys / "sign.key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    assert read(made, tmp_path, FORMS[form], PASSWORD, monkeypatch) == f"{key.private_numbers().public_numbers.n:x}"


@pytest.mark.parametrize("form", ["pkcs8 aes", "pkcs12 aes"])
@pytest.mark.parametrize("password", ["", "another one"])
def test_a_wrong_password_is_told(
    made: Made, tmp_path: Path, form: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(made, tmp_path, FORMS[form], password, monkeypatch) == "password"


@pytest.mark.parametrize("cipher", ["PBE-SHA1-3DES", "PBE-SHA1-RC2-128"])
def test_a_cipher_of_before_aes_is_told_from_a_wrong_password(
    made: Made, tmp_path: Path, cipher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = [*PKCS12, "-keypbe", cipher, "-certpbe", "NONE", "-legacy", *ENCRYPTED]
    assert read(made, tmp_path, form, PASSWORD, monkeypatch) == "old"


@pytest.mark.parametrize(
    "form",
    [
        ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "{key}", *ENCRYPTED],
        ["pkcs8", "-topk8", "-v2", "des3", "-in", "{key}", *ENCRYPTED],
        ["pkcs8", "-topk8", "-scrypt", "-in", "{key}", *ENCRYPTED],
        ["rsa", "-traditional", "-aes256", "-in", "{key}", *ENCRYPTED],
        [*PKCS12, "-keypbe", "DES-EDE3-CBC", *ENCRYPTED],
    ],
    ids=["PKCS#5 v1", "3DES", "scrypt", "before PKCS#8", "PKCS#12 with 3DES"],
)
def test_another_cipher_is_told_from_a_wrong_password_in_any_file(
    made: Made, tmp_path: Path, form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever types the right password again and again is helped by no word about passwords."""
    assert read(made, tmp_path, form, PASSWORD, monkeypatch) == "old"


def test_what_holds_no_key_is_told(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = ["pkcs12", "-export", "-nokeys", "-in", "{pem}", *ENCRYPTED]
    assert read(made, tmp_path, form, PASSWORD, monkeypatch) == "format"
    assert read(made, tmp_path, ["x509", "-in", "{pem}"], PASSWORD, monkeypatch) == "format"
