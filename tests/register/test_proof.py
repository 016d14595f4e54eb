"""The proof of a batch leads from its line to the checkpoint that is held, and to no other; else it says why not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.register import Register
from exchange.register.merkle import root_by_path
from exchange.register.signing import parse_note

from .conftest import Database
from .test_checkpoints import claim

LINES = 5


@pytest.fixture
def notes(register: Register, tmp_path: Path) -> Callable[[int], Path]:
    """The ledger's checkpoint as it was behind so many lines; one more batch is claimed with each."""
    for number in range(1, LINES + 1):
        claim(register, number)
        (tmp_path / str(number)).write_text(register.checkpoint() or "", "utf-8")
    return lambda size: tmp_path / str(size)


@pytest.mark.parametrize("size", [*range(1, LINES + 1), None])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_path_leads_from_the_line_to_the_checkpoint(
    register: Register, notes: Callable[[int], Path], number: int, size: int | None
) -> None:
    held = None if size is None else notes(size)
    if size is not None and number > size:
        with pytest.raises(Halt, match=f"was claimed with line {number}, behind the {size} lines"):
            register.prove(f"bank.b{number}", held)
        return
    head, _, note = register.prove(f"bank.b{number}", held).partition("\n\n")
    form, extra, index, *path = head.split("\n")
    checkpoint, _ = parse_note(note)
    assert (form, index, checkpoint.size) == ("c2sp.org/tlog-proof@v1", f"index {number - 1}", size or LINES)
    line = base64.b64decode(extra.removeprefix("extra "))
    assert f"bank.b{number}".encode() in line
    root = root_by_path(
        sha256(line).hexdigest(), number - 1, checkpoint.size, [base64.b64decode(each) for each in path]
    )
    assert base64.b64encode(root).decode() == checkpoint.root


def test_nothing_is_proved_of_a_batch_that_nobody_knows(register: Register) -> None:
    with pytest.raises(Halt, match=r"no signed line of the ledger covers bank\.b1"):
        register.prove("bank.b1")
    with pytest.raises(Halt, match="no line of the ledger is signed yet"):
        register.for_witness(0)


@pytest.mark.parametrize("at", [2, 3, LINES])
def test_nothing_is_proved_by_a_ledger_that_was_altered(
    register: Register, database: Database, notes: Callable[[int], Path], at: int
) -> None:
    """Whichever line it is that the path leads over."""
    database.tamper("UPDATE ledger SET hash = repeat('e', 64) WHERE seq = %s", at)
    with pytest.raises(Halt, match="the ledger was altered"):
        register.prove("bank.b1", notes(LINES))


def test_a_witness_that_signed_more_than_there_is_is_told(register: Register, notes: Callable[[int], Path]) -> None:
    assert register.for_witness(LINES).startswith(f"old {LINES}\n")
    with pytest.raises(Halt, match=f"the ledger was rolled back: the witness signed {LINES + 1} lines"):
        register.for_witness(LINES + 1)
