"""Making keys: RSA key pairs with a self-signed certificate, SSH keys, and the key that signs the register.

Rules: what is there is never replaced, and one run makes keys at a time: a private key without its public part (a run
was killed in between, or somebody lost that) gets one; private keys are 0600 and unencrypted, because a service opens
them unattended (keep their folder on an encrypted disk). A self-signed certificate is enough: both sides pin the one
they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from exchange.base.errors import Halt
from exchange.base.files import clear_half_written, locked, make_folder, write_atomically
from exchange.base.keyed import make_keys
from exchange.settings import read_secret

_KEY_BITS: Final = 3072
_VALID_FOR: Final = timedelta(days=730)
_VALID_BEFORE: Final = timedelta(minutes=5)  # clocks differ
_PEM: Final = serialization.Encoding.PEM

PrivateKey = TypeVar("PrivateKey", rsa.RSAPrivateKey, Ed25519PrivateKey)


def make_office_keys(folder: Path, office: str, today: date) -> bool:
    """All keys of an office in this folder, those that are not there, and ``sftp.pub``; whether hash keys
    (``told.keys``) were made. What a killed run left half written goes.
    """
    with locked(make_folder(folder)):
        clear_half_written(folder)
    for name in ("sign", "encrypt"):
        make_certificate(folder, name, f"{office} {name}")
    make_register_key(folder)
    made = make_keys(folder / "told.keys", today)
    public, place = make_ssh_key(folder / "sftp").encode(), folder / "sftp.pub"
    with locked(folder):
        if not place.exists() or not place.read_bytes().startswith(public):  # a comment may stand behind it
            write_atomically(place, public + b"\n")
    return made


def make_certificate(folder: Path, name: str, common_name: str) -> None:
    """``<name>.key`` (0600) and a self-signed ``<name>.pem``, unless they are there. Halt where the key is none."""
    public = folder / f"{name}.pem"
    if public.exists():
        return
    with locked(make_folder(folder)):
        if not public.exists():
            key = made_or_kept(folder / f"{name}.key", _new_rsa)
            write_atomically(public, _self_signed(key, common_name))


def _new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _self_signed(key: rsa.RSAPrivateKey, common_name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_BEFORE)
        .not_valid_after(now + _VALID_FOR)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(_PEM)


def make_register_key(folder: Path) -> None:
    """``register.key`` (Ed25519, 0600) and its public ``register.pem``, unless they are there. Halt where the key is
    none.
    """
    public = folder / "register.pem"
    if public.exists():
        return
    with locked(make_folder(folder)):
        if not public.exists():
            key = made_or_kept(folder / "register.key", Ed25519PrivateKey.generate)
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            write_atomically(public, key.public_key().public_bytes(_PEM, form))


def made_or_kept(path: Path, generate: Callable[[], PrivateKey]) -> PrivateKey:
    """The private key of this file, or a new one, written there (PEM, 0600); for whoever holds the folder. Halt where
    the file holds none of the kind that is generated, or others may read it.
    """
    key = generate()
    if path.exists():
        try:
            kept = serialization.load_pem_private_key(read_secret(path), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            kept = None
        if not isinstance(kept, type(key)):
            msg = f"{path}: no private key of this kind, and it is not replaced; bring it back from its backup"
            raise Halt(msg, zh=f"{path} 不是所需的私钥，不予覆盖，请从备份恢复")
        return kept
    form = serialization.PrivateFormat.PKCS8
    write_atomically(path, key.private_bytes(_PEM, form, serialization.NoEncryption()))
    return key


def make_ssh_key(path: Path) -> str:
    """A new ed25519 key (OpenSSH form, 0600) unless there is one; its public line."""
    if not path.exists():
        with locked(make_folder(path.parent)):
            if not path.exists():
                key, form = Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH
                write_atomically(path, key.private_bytes(_PEM, form, serialization.NoEncryption()))
    private = serialization.load_ssh_private_key(path.read_bytes(), password=None)
    public = private.public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
