"""Keys: what the desk makes is what ``openssl`` and the office take; what ends soon is told."""

from __future__ import annotations

import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange.desk.page import TEMPLATE, make_desk
from exchange.wire.certificates import fault
from tests.desk.browser import drive, picture
from tests.desk.conftest import Made, make_key

PASSWORD = "新口令 2026"


@pytest.mark.parametrize(("first", "browser"), [(False, "chromium"), (True, "chromium"), (False, "firefox")])
def test_new_keys(made: Made, tmp_path: Path, first: bool, browser: str) -> None:
    """With one's own desk, and on the first day with the one that is made for nobody yet."""
    saved = tmp_path / "saved"
    begin: list[dict[str, Any]] = [{"do": "click", "at": "#tab-keys"}]
    if first:
        begin = [{"do": "axe"}, {"do": "type", "at": "#keys-partner", "text": "social-example"}]
    driven = drive(
        TEMPLATE if first else made.page,
        saved,
        *begin,
        {"do": "type", "at": "#keys-password", "text": PASSWORD},
        {"do": "type", "at": "#keys-password-again", "text": PASSWORD},
        {"do": "click", "at": "#keys-make"},
        {"do": "wait", "at": "#keys-outcome", "text": "已生成"},
        {"do": "texts", "at": "#keys-outcome code"},
        {"do": "click", "at": "#keys-save"},
        {"do": "downloaded"},
        *(picture("first-day" if first else "keys") if browser == "chromium" else []),
        width=1000,
        browser=browser,
    )
    assert driven.gave[0] in (None, []), "axe finds nothing"
    (archive,) = saved.iterdir()
    assert archive.name == "social-example-新密钥.zip"
    with zipfile.ZipFile(archive) as files:
        assert sorted(files.namelist()) == ["encrypt.key", "encrypt.pem", "sign.key", "sign.pem"]
        files.extractall(tmp_path)
    for use, shown in zip(
        ("sign", "encrypt"), next(each for each in driven.gave if isinstance(each, list) and each), strict=True
    ):
        certificate = x509.load_pem_x509_certificate((tmp_path / f"{use}.pem").read_bytes())
        key = load_pem_private_key((tmp_path / f"{use}.key").read_bytes(), PASSWORD.encode())
        assert isinstance(key, RSAPrivateKey)
        assert key.key_size == 3072
        assert key.public_key() == certificate.public_key()
        assert fault(certificate, "signing" if use == "sign" else "encryption") is None
        certificate.verify_directly_issued_by(certificate)
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=730)
        assert abs(datetime.now(UTC) - certificate.not_valid_before_utc) < timedelta(hours=1)
        told = ["openssl", "x509", "-in", str(tmp_path / f"{use}.pem"), "-noout", "-fingerprint", "-sha256"]
        printed = subprocess.run(told, check=True, capture_output=True, text=True).stdout
        assert printed.strip().endswith(shown)


def test_what_ends_within_sixty_days_is_told_on_every_view(made: Made, tmp_path: Path) -> None:
    make_key(tmp_path, "sign", days=30)
    pinned = made.agreement.certificates.model_copy(update={"signing": tmp_path / "sign.pem"})
    page = tmp_path / "desk.html"
    page.write_bytes(make_desk(made.agreement.model_copy(update={"certificates": pinned}), made.office, 730))
    said = drive(page, tmp_path / "saved", {"do": "text", "at": "main"}).gave[0]
    assert "本方签名证书还有" in said
    assert "天到期" in said
    assert "加密证书还有" not in said
