"""Where signing begins, and what of keys and notes holds."""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import LedgerKey, Register, open_register
from exchange.register.ledger import checkpoint_of, hash_of
from exchange.register.models import LedgerRow
from exchange.register.signing import Checkpoint, note, parse_note
from exchange.wire.keys import make_register_key
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database

CHECKPOINT = Checkpoint(7, "cm9vdA==", "a" * 64)


def unsigned(database: Database) -> None:
    """Makes the ledger one of an earlier version: no signatures, no digests, no tree."""
    register, previous = database.open(), "0" * 64
    with Session(register.engine) as session:
        lines = session.scalars(select(LedgerRow).order_by(LedgerRow.seq)).all()
        for line in lines:
            line.digests = line.root = line.signature = None
            line.previous_hash, line.hash = previous, ""
            line.hash = previous = hash_of(line)
        written = [(line.previous_hash, line.hash, line.seq) for line in lines]
        session.rollback()
    register.close()
    for values in written:
        database.tamper(
            "UPDATE ledger SET digests = NULL, root = NULL, signature = NULL, previous_hash = %s, hash = %s"
            " WHERE seq = %s",
            *values,
        )
    database.tamper("UPDATE ledger_head SET hash = %s, subtrees = ''", previous)


@pytest.fixture
def old(register: Register, database: Database, manifest: RequestManifest, due: Due) -> Register:
    for name in ("bank.b1", "bank.b2"):
        register.claim(name, "bank", "a" * 64, [], AT)
    register.accept("bank.b1", manifest, due)
    register.missing.notice("bank", ("monthly", "2026-10", ""), due.day, AT)
    database.tamper("DELETE FROM ledger WHERE batch_id IS NULL")  # earlier versions had no such lines
    database.tamper("UPDATE ledger_head SET seq = 3")
    unsigned(database)
    return register


def test_old_lines_hold_up_to_the_one_that_says_where_signing_begins(old: Register) -> None:
    assert old.verify()[0] == 3
    attempts: list[Callable[[], object]] = [
        lambda: old.attested("bank.b1"),
        lambda: old.closed("bank.b1"),
        lambda: old.claim("bank.b3", "bank", "a" * 64, [], AT),
    ]
    for attempt in attempts:
        with pytest.raises(Halt, match="exchange register sign"):
            attempt()
    assert old.begin_signing() == 4
    assert old.begin_signing() == 4
    lines = old.verify()[0]
    assert old.attested("bank.b1").batch.state == "accepted"
    old.claim("bank.b3", "bank", "a" * 64, [], AT)
    assert old.verify()[0] == lines + 1


@pytest.mark.parametrize("statement", ["UPDATE batch SET purpose = 'x'", "UPDATE ledger SET actor = 'x'"])
def test_signing_does_not_begin_over_what_was_altered(old: Register, database: Database, statement: str) -> None:
    database.tamper(statement)
    with pytest.raises(Halt, match=r"altered|not what the ledger says"):
        old.begin_signing()


@pytest.mark.parametrize("statement", ["UPDATE batch SET purpose = 'x'", "UPDATE missing_set SET reminders = 9"])
def test_what_was_there_before_signing_is_told_when_it_begins(
    old: Register, database: Database, statement: str
) -> None:
    old.begin_signing()
    database.tamper(statement)
    with pytest.raises(Halt, match="not what the ledger says"):
        old.verify()


def test_signing_begins_in_an_empty_ledger_with_its_first_line(register: Register) -> None:
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    assert register.begin_signing() == 1
    assert register.verify()[0] == 1


def test_a_register_without_its_key_writes_nothing(database: Database) -> None:
    register = open_register(database.server.work_url(), "tests", database.server.password_file)
    with pytest.raises(Halt, match="without the key"):
        register.claim("bank.b1", "bank", "a" * 64, [], AT)
    assert register.waiting() == []
    register.close()


def test_lines_of_a_former_key_hold_while_its_public_key_is_kept(
    register: Register, database: Database, tmp_path: Path
) -> None:
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    make_register_key(tmp_path)
    new, former = (tmp_path / "register.pem").read_text(), database.key.public.read_text()
    for public, sound in ((new + former, True), (new, False)):
        (tmp_path / "both.pem").write_text(public)
        key = LedgerKey(tmp_path / "register.key", tmp_path / "both.pem")
        other = open_register(database.server.work_url(), "tests", database.server.password_file, key)
        if sound:
            other.claim("bank.b2", "bank", "a" * 64, [], AT)
            assert other.verify()[0] == 2
        else:
            with pytest.raises(Halt, match="was not signed by this office"):
                other.verify()
        other.close()


def test_the_signature_is_a_c2sp_signed_notes(register: Register, database: Database) -> None:
    """By the specification's own words: id, then an Ed25519 signature of the text before the empty line."""
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    with Session(register.engine) as session:
        line = session.scalars(select(LedgerRow)).one()
    text = note(checkpoint_of(line), line.signature or "")
    body, _, below = text.partition("\n\n")
    origin, size, root, extension = body.split("\n")
    dash, name, signature = below.rstrip("\n").split(" ")
    public = load_pem_public_key(database.key.public.read_bytes())
    raw, content = public.public_bytes_raw(), base64.b64decode(signature)  # type: ignore[union-attr]
    assert (dash, name, size, extension) == ("\u2014", origin, "1", f"line {line.hash}")
    assert base64.b64decode(root) == sha256(b"\0" + bytes.fromhex(line.hash)).digest()
    assert content[:4] == sha256(f"{name}\n".encode() + b"\1" + raw).digest()[:4]
    public.verify(content[4:], (body + "\n").encode())  # type: ignore[union-attr,call-arg]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "other\n7\ncm9vdA==\nline a\n\n",
        note(CHECKPOINT, "x").replace("7", "07"),
        "household-exchange/register",
    ],
)
def test_what_is_no_note(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_note(text)


def test_a_note_reads_back() -> None:
    assert parse_note(note(CHECKPOINT, "c2ln")) == (CHECKPOINT, ["c2ln"])


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_public_file_that_holds_no_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "register.pem").write_bytes(content)
    with pytest.raises(Halt, match="Ed25519"):
        LedgerKey(tmp_path / "register.key", tmp_path / "register.pem").is_signed(CHECKPOINT, "")
