"""An agreement with keys of its own, and its desk: made once, without any server."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from exchange.agreements.agreement import Agreement
from exchange.demo.world import PARTNERS, World
from exchange.desk.page import make_desk
from exchange.settings_sections import Keys

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+3q1nRkUyz0m7oY0u2n2g5b0m5t6w2B1V0r3k9xQ2f"

PASSWORD = "口令 pass-1"


@dataclass(frozen=True)
class Made:
    """A partner's page with what it was made of; ``keys`` holds the private keys of both sides as PEM files."""

    page: Path
    agreement: Agreement
    office: Keys
    keys: Path


def make_key(folder: Path, name: str, days: int = 730) -> None:
    """A key and its certificate, as the partner guide makes them, but shorter: it is made faster."""
    place = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    form = ["-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", f"/CN={name}"]
    subprocess.run(["openssl", "req", "-x509", *form, *place], check=True, capture_output=True)


def with_password(key: Path, folder: Path) -> Path:
    """The same key, under the same name in this folder, locked with ``PASSWORD``."""
    given = ["-in", str(key), "-out", str(place := folder / key.name), "-passout", f"pass:{PASSWORD}"]
    subprocess.run(["openssl", "pkcs8", "-topk8", *given], check=True, capture_output=True)
    return place


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("sign", "encrypt", "office-sign", "office-encrypt"):
        make_key(folder, name)
    agreement = Agreement(
        partner="social-example",
        zh="某州社会保险事业管理局（虚构）",
        number="会商〔虚构〕7号",
        level="city",
        division="222400",
        in_force_from=date(2026, 1, 1),
        in_force_until=date(2036, 12, 31),
        cycles=("monthly", "ad_hoc"),
        purposes=(
            {
                "code": "pension",
                "zh": "养老金资格核对",
                "legal_basis": "社会保险法第七十四条",
                "items": ("id_number", "name", "sex", "birth_date", "registered_address"),
            },
            {
                "code": "newborn",
                "zh": "出生登记核对",
                "legal_basis": "母婴保健法第二十三条",
                "items": ("unregistered",),
                "unregistered_by": "mother",
            },
        ),
        sftp={"host": "sftp.example.invalid", "username": "social", "host_key": HOST_KEY},
        certificates={"signing": folder / "sign.pem", "encryption": folder / "encrypt.pem"},
        contact={"name": "经办人（虚构）", "telephone": "0"},
    )
    office = Keys(
        signing_key=folder / "office-sign.key",
        signing_certificate=folder / "office-sign.pem",
        decryption_key=folder / "office-encrypt.key",
        decryption_certificate=folder / "office-encrypt.pem",
        sftp_key=folder / "none",
    )
    page = folder / "desk.html"
    page.write_bytes(make_desk(agreement, office, 730))
    return Made(page, agreement, office, folder)


@pytest.fixture(scope="session")
def page(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The court's desk, made as an operator makes it."""
    place = tmp_path_factory.mktemp("desk") / "desk.html"
    program = str(Path(sys.executable).with_name("exchange"))
    environment = os.environ | {"EXCHANGE_CONFIG": str(world.config)}
    command = [program, "partner", "desk", PARTNERS[0].id, str(place)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return place
