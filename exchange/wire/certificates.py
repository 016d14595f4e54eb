"""Partners' pinned certificates: what they must be, which of them count now, which one results are encrypted to.

Rules
- A file holds one PEM certificate, or two during a change: signatures by either count while it is valid, results are
  encrypted to the newer one that is valid.
- Kind and size of the key are those of ``schemas/certificates.toml``; where a certificate names its usage, it is the
  one it is pinned for.
- Nothing is encrypted to a certificate that has ended, or has not begun: that is a Halt, and the batch is kept.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from exchange.base.errors import Halt
from exchange.base.paths import SCHEMAS

Use = Literal["signing", "encryption"]

_RULES: Final[dict[str, Any]] = tomllib.loads((SCHEMAS / "certificates.toml").read_text(encoding="utf-8"))
TOLD_DAYS: Final[tuple[int, ...]] = tuple(_RULES["told"]["days"])
"""Partner and office are warned so many days before a certificate ends; descending."""

_NEXT: Final = timedelta(seconds=1)
"""A certificate's last moment counts: the next one begins a second later without a gap."""


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates in this PEM file; Halt where there is none, or are more than a change takes."""
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        msg = f"{path}: no readable PEM certificate"
        raise Halt(msg, zh=f"{path} 中没有可读的 PEM 证书") from None
    if len(certificates) > _RULES["chain"]["certificates"]:
        msg = f"{path}: {len(certificates)} certificates; at most the old and the new one during a change"
        raise Halt(msg, zh=f"{path} 中有 {len(certificates)} 张证书，换证期间至多新旧两张")
    return certificates


def fault(certificate: x509.Certificate, use: Use) -> str | None:
    """What this certificate cannot be used for and what would be right; None where it is sound. Its dates aside."""
    right = f"RSA of {_RULES['rsa']['bits']} bits or more" + " or EC (P-256, P-384, P-521)" * (
        use in _RULES["ec"]["uses"]
    )
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:  # docs/adr/0030-rsa-and-aes.md
        return f"its key is of a kind that is not taken, as SM2 is; for {use} it must be {right}"
    except (ValueError, TypeError):
        return "its key cannot be read"
    if isinstance(key, RSAPublicKey):
        if key.key_size < _RULES["rsa"]["bits"]:
            return f"its key is RSA of {key.key_size} bits; it must be {right}"
    elif not isinstance(key, EllipticCurvePublicKey) or use not in _RULES["ec"]["uses"]:
        kind = "EC" if isinstance(key, EllipticCurvePublicKey) else type(key).__name__.removesuffix("PublicKey")
        return f"its key is {kind}; for {use} it must be {right}"
    elif key.curve.name not in _RULES["ec"]["curves"]:
        return f"its curve is {key.curve.name}; it must be {right}"
    return _wrong_usage(certificate, use)


def _wrong_usage(certificate: x509.Certificate, use: Use) -> str | None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        return "its extensions cannot be read"
    if use == "signing" and not (usage.digital_signature or usage.content_commitment):
        return "its key usage holds neither digitalSignature nor nonRepudiation; it cannot be used for signing"
    if use == "encryption" and not usage.key_encipherment:
        return "its key usage does not hold keyEncipherment; it cannot be used for encryption"
    return None


def valid(certificates: list[x509.Certificate], now: datetime) -> list[x509.Certificate]:
    """The certificates that are valid now, the newer first."""
    in_force = [
        certificate
        for certificate in certificates
        if certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    ]
    return sorted(in_force, key=lambda certificate: certificate.not_valid_before_utc, reverse=True)


def ends(certificates: list[x509.Certificate], now: datetime) -> datetime:
    """Until when one of them is valid from now on: a new one counts where it begins before the old one ends."""
    end = max(certificate.not_valid_after_utc for certificate in begun(certificates, now) or certificates)
    for following in sorted(certificates, key=lambda certificate: certificate.not_valid_before_utc):
        if following.not_valid_before_utc <= end + _NEXT:
            end = max(end, following.not_valid_after_utc)
    return end


def begun(certificates: list[x509.Certificate], now: datetime) -> list[x509.Certificate]:
    """The certificates that are valid now or were."""
    return [certificate for certificate in certificates if certificate.not_valid_before_utc <= now]


def recipient(path: Path, now: datetime) -> x509.Certificate:
    """The certificate to which results are encrypted now; Halt where the file holds none that may be used."""
    in_force = valid(read_certificates(path), now)
    if not in_force:
        msg = (
            f"{path}: the partner's encryption certificate is not valid now; put the new one there, then run this again"
        )
        raise Halt(msg, zh=f"{path}：部门的加密证书现不在有效期内；放入新证书后再执行")
    if (wrong := fault(in_force[0], "encryption")) is not None:
        msg = f"{path}: {wrong}"
        raise Halt(msg, zh=f"{path}：该加密证书不能使用")
    return in_force[0]
