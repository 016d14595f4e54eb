"""A witness cosigns what grew and nothing else; what it cosigned finds a register that was rewritten."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.register import Register
from exchange.register.checkpoints import Kept, read
from exchange.register.cosigning import CosignRequest, WitnessKey, cosignature
from exchange.register.signing import Checkpoint, parse_note
from exchange.register.witness import begin_anew, cosign, make_witness

from .conftest import Database
from .test_checkpoints import backup, claim, restore

NAME = "archives.example.gov.cn"
AT = datetime(2026, 11, 27, 10, tzinfo=UTC)
CHECKPOINT = Checkpoint(7, "cm9vdA==", "a" * 64)


@pytest.fixture
def folder(tmp_path: Path, database: Database) -> Path:
    """A witness that has been given the office's public key."""
    folder = tmp_path / "witness"
    make_witness(folder, NAME)
    shutil.copy(database.key.public, folder / "register.pem")
    return folder


def key(folder: Path) -> WitnessKey:
    return WitnessKey.parse((folder / "witness.vkey").read_text())


def test_the_form_is_that_of_c2sp(folder: Path, register: Register) -> None:
    """Built here by the specification's words alone: key id, moment, signature, and what is signed."""
    claim(register, 1)
    note = cosign(folder, register.for_witness(0), AT)
    body, _, signatures = note.partition("\n\n")
    line = signatures.splitlines()[-1]
    assert line.startswith(f"\u2014 {NAME} ")
    content = base64.b64decode(line.rpartition(" ")[2])
    assert len(content) == 4 + 8 + 64
    assert content[:4] == key(folder).id
    assert int.from_bytes(content[4:12]) == AT.timestamp()
    key(folder).public.verify(content[12:], f"cosignature/v1\ntime {AT.timestamp():.0f}\n{body}\n".encode())


def test_what_grows_is_cosigned_and_again(folder: Path, register: Register) -> None:
    size = 0
    for number in range(1, 12):
        claim(register, number)
        if number in (1, 2, 5, 8, 11):
            request = register.for_witness(size)
            note = cosign(folder, request, AT)
            size = parse_note(note)[0].size
            assert size == number
            assert key(folder).cosigned_at(note, parse_note(note)[0]) == AT
            assert cosign(folder, request, AT) == note, "a witness that was killed is asked again"


def test_a_witness_refuses_what_did_not_grow(folder: Path, register: Register, database: Database) -> None:
    claim(register, 1)
    at_one, first = backup(register), register.for_witness(0)
    claim(register, 2, 3)
    cosign(folder, register.for_witness(0), AT)
    with pytest.raises(Halt, match="signed 3 last"):
        cosign(folder, first, AT)
    restore(database, register, at_one)
    with pytest.raises(Halt, match="was rolled back: the witness signed 3 lines"):
        register.for_witness(3)
    for number in (4, 5, 6, 7):
        claim(register, number)
        for since in (0, 1, 3):
            if since > number - 2:
                continue
            with pytest.raises(Halt, match="not signed"):
                cosign(folder, register.for_witness(since), AT)
    asked = CosignRequest.parse(register.for_witness(3))
    for proof in ([], asked.proof[1:], [*asked.proof, b"0" * 32]):
        with pytest.raises(Halt, match="nothing shows"):
            cosign(folder, CosignRequest(3, proof, asked.note).written, AT)
    assert parse_note((folder / "last").read_text())[0].size == 3


@pytest.mark.parametrize(
    "harm",
    [
        lambda request: request[:0],
        lambda request: request.replace("old 0", "old -1"),
        lambda request: request.replace("old 0", "new 0"),
        lambda request: request.replace("old 0", "old 0\n!"),
        lambda request: request.replace("\n1\n", "\n2\n"),
        lambda request: request[:-10],
        lambda request: request.partition("\u2014")[0],
        lambda request: request.replace("old 0", "old 0\nAAAA"),
    ],
)
def test_a_damaged_request_is_refused(folder: Path, register: Register, harm: Callable[[str], str]) -> None:
    claim(register, 1)
    with pytest.raises(Halt):
        cosign(folder, harm(register.for_witness(0)), AT)
    assert not (folder / "last").exists()


def test_another_offices_register_is_refused(folder: Path, register: Register) -> None:
    claim(register, 1)
    request = register.for_witness(0)
    other = Ed25519PrivateKey.generate().public_key()
    office = (folder / "register.pem").read_text()
    (folder / "register.pem").write_text(office.replace(office.splitlines()[1], pem_line(other.public_bytes_raw())))
    with pytest.raises(Halt, match="no signature of the office's"):
        cosign(folder, request, AT)


def pem_line(raw: bytes) -> str:
    return base64.b64encode(bytes.fromhex("302a300506032b6570032100") + raw).decode()


def test_a_witness_that_has_forgotten_signs_nothing_until_a_person_says_so(folder: Path, register: Register) -> None:
    claim(register, 1)
    cosign(folder, register.for_witness(0), AT)
    (folder / "last").write_text("torn")
    with pytest.raises(Halt, match="without it nothing is signed"):
        cosign(folder, register.for_witness(1), AT)


def test_after_a_restore_a_person_lets_it_begin_anew(folder: Path, register: Register, database: Database) -> None:
    claim(register, 1)
    rows = backup(register)
    claim(register, 2)
    cosign(folder, register.for_witness(0), AT)
    restore(database, register, rows)
    assert begin_anew(folder) == 2
    assert begin_anew(folder) == 0
    cosign(folder, register.for_witness(0), AT)
    assert len(list(folder.glob("last*"))) == 2, "what it signed before stays under another name"


def test_nothing_begins_anew_where_no_witness_lives(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "no-such-folder"):
        with pytest.raises(Halt):
            begin_anew(folder)
    assert [*tmp_path.iterdir()] == []


def test_a_rewritten_register_is_found_by_the_cosigned_checkpoint(
    folder: Path, register: Register, database: Database, tmp_path: Path
) -> None:
    """Rewritten with the office's own key, and the office's own checkpoints with it."""
    claim(register, 1)
    rows, kept = backup(register), Kept(tmp_path / "checkpoints")
    claim(register, 2, 3)
    note = cosign(folder, register.for_witness(0), AT)
    kept.keep_cosigned(note, key(folder).id, 3)
    register.check_newest(kept)
    assert register.verify(kept.all())[0] == 3
    restore(database, register, rows)
    claim(register, 4, 5, 6)
    assert kept.files() == []
    with pytest.raises(Halt, match="was rewritten"):
        register.check_newest(kept)
    with pytest.raises(Halt, match="was rewritten"):
        register.verify(kept.all())
    assert register.resume(kept, "a person looked") == 1
    register.check_newest(kept)
    assert kept.cosigned() == []
    assert len(list((kept.folder / "cosigned").iterdir())) == 1, "the refuted one stays"


@given(st.integers(0, 4 + 8 + 64 - 1), st.integers(0, 7))
def test_a_flipped_cosignature_does_not_hold(place: int, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    witness, line = WitnessKey(NAME, private.public_key()), cosignature(NAME, private, CHECKPOINT, AT)
    assert witness.cosigned_at(line, CHECKPOINT) == AT
    content = bytearray(base64.b64decode(line.rpartition(" ")[2]))
    content[place] ^= 1 << bit
    flipped = f"\u2014 {NAME} {base64.b64encode(content).decode()}\n"
    assert witness.cosigned_at(flipped, CHECKPOINT) is None
    assert witness.cosigned_at(line, Checkpoint(8, CHECKPOINT.root, CHECKPOINT.last_hash)) is None


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4], lambda text: "x" + text, lambda text: text.replace("+", " ")]
)
def test_a_key_that_is_none_is_refused(change: Callable[[str], str]) -> None:
    written = WitnessKey(NAME, Ed25519PrivateKey.generate().public_key()).written
    assert WitnessKey.parse(written).written == written
    with pytest.raises(ValueError, match="not a witness's key"):
        WitnessKey.parse(change(written))


def test_a_cosigned_checkpoint_is_read_as_any_other(folder: Path, register: Register, database: Database) -> None:
    claim(register, 1)
    place = folder / "back"
    place.write_text(cosign(folder, register.for_witness(0), AT + timedelta(days=1)))
    assert read(place, database.key).size == 1
