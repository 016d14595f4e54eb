"""Making keys: RSA key pairs with a self-signed certificate, SSH keys, and the key that signs the register.

Rules: what is there is never replaced; private keys are 0600 and unencrypted, because a service opens them unattended
(keep their folder on an encrypted disk). A self-signed certificate is enough: both sides pin the one they were given.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from exchange.base.files import write_atomically

_KEY_BITS: Final = 3072
_VALID_FOR: Final = timedelta(days=730)


def make_certificate(folder: Path, name: str, common_name: str) -> None:
    """``<name>.key`` (0600) and a self-signed ``<name>.pem``, unless they are there."""
    if (folder / f"{name}.pem").exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID_FOR)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_atomically(folder / f"{name}.key", key.private_bytes(encoding, form, serialization.NoEncryption()))
    write_atomically(folder / f"{name}.pem", certificate.public_bytes(encoding))


def make_register_key(folder: Path) -> None:
    """``register.key`` (Ed25519, 0600) and its public ``register.pem``, unless they are there."""
    if (folder / "register.pem").exists():
        return
    key, encoding = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomically(folder / "register.key", private)
    public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(folder / "register.pem", public)


def make_ssh_key(path: Path) -> str:
    """A new ed25519 key (OpenSSH form, 0600) unless there is one; its public line."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
        write_atomically(path, key.private_bytes(encoding, form, serialization.NoEncryption()))
    private = serialization.load_ssh_private_key(path.read_bytes(), password=None)
    public = private.public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
