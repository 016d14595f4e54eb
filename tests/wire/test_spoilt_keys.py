"""A key file of which a byte is another does what it did, or a person is called by its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.base.keyed import make_keys, read_keys
from exchange.register import LedgerKey
from exchange.register.signing import Checkpoint
from exchange.settings import read_secret
from exchange.wire.connection import _own_key
from exchange.wire.envelope import decrypt, encrypt, load_key_pair, sign, verify
from exchange.wire.keys import make_certificate, make_register_key, make_ssh_key

CHECKPOINT = Checkpoint(1, "cm9vdA==", "a" * 64)
PLACES = 40


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office's, and what was made with them."""
    folder = tmp_path_factory.mktemp("keys")
    make_certificate(folder, "sign", "office")
    make_register_key(folder)
    make_ssh_key(folder / "sftp")
    make_keys(folder / "told.keys", date(2026, 11, 23))
    (folder / "pinned").write_bytes((folder / "sign.pem").read_bytes())
    (folder / "sealed").write_bytes(encrypt(b"7", load_key_pair(folder / "sign.key", folder / "sign.pem").certificate))
    return folder


def pair(keys: Path) -> object:
    loaded = load_key_pair(keys / "sign.key", keys / "sign.pem")
    verify(b"7", sign(b"7", loaded), keys / "pinned", datetime.now(UTC))
    return decrypt(keys / "sealed", loaded)


def ledger(keys: Path) -> object:
    key = LedgerKey(keys / "register.key", keys / "register.pem")
    return key.is_signed(CHECKPOINT, key.sign(CHECKPOINT))


def told(keys: Path) -> object:
    """The register keeps the fingerprint, by which another key is noticed."""
    return len(read_keys(read_secret(keys / "told.keys"), keys / "told.keys").fingerprint())


USED: dict[str, Callable[[Path], object]] = {
    "sign.key": pair,
    "sign.pem": pair,
    "register.key": ledger,
    "register.pem": ledger,
    "told.keys": told,
    "sftp": lambda keys: _own_key(keys / "sftp").get_name(),
}


def outcome(use: Callable[[Path], object], keys: Path) -> tuple[object, str | None]:
    try:
        return use(keys), None
    except Halt as error:
        return None, str(error)


@pytest.mark.parametrize("name", USED)
def test_any_byte(keys: Path, name: str) -> None:
    path, use = keys / name, USED[name]
    sound, before = path.read_bytes(), use(keys)
    for place in range(0, len(sound), max(1, len(sound) // PLACES)):
        for bit in (place % 7, 7):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << bit]) + sound[place + 1 :])
            found, said = outcome(use, keys)
            assert found == before if said is None else name.partition(".")[0] in said, place
    path.write_bytes(sound)
