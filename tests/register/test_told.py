"""The index of who was told about whom: every asked number is found again, in any generation of the key."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from exchange.base.errors import Halt
from exchange.base.keyed import KeyRing, Kind, with_new_key
from exchange.calendar.working_days import Due
from exchange.register import Claim, Register
from exchange.register.database import transaction
from exchange.register.ledger import append_note
from exchange.register.told import Told, ToldRow, add_told
from exchange.steps.asked import Asked, number_keys
from exchange.wire.manifest import RequestManifest
from tests.register.conftest import Database

AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
DAY = date(2026, 11, 27)
ONE, OTHER, MOTHER = 22010419800101001, 22010419800101002, 22010419500101002
RING = with_new_key(None, DAY)


def index(batch: str, register: Register, keys: list[int], rows: list[int]) -> None:
    register.claim(batch, "bank", "a" * 64, [], AT)
    hashes = RING.hashed(np.array(keys, np.int64), Kind.NUMBER)
    with transaction(register.engine) as session:
        append_note(session, AT, "tests", {})
        add_told(session, batch, Told.of(RING, [hashes[:1], hashes[1:]], [np.array(rows[:1]), np.array(rows[1:])]))


def found(register: Register, key: int, ring: KeyRing = RING) -> dict[str, list[int]]:
    return dict(register.told.find(lambda generation: ring.hashed(np.array([key]), Kind.NUMBER, generation)).rows)


def test_every_row_that_asks_about_a_person_is_found(register: Register) -> None:
    index("bank.b1", register, [ONE, OTHER, ONE, MOTHER], [1, 2, 9, 9])
    index("bank.b2", register, [OTHER], [4])
    assert found(register, ONE) == {"bank.b1": [1, 9]}
    assert found(register, OTHER) == {"bank.b1": [2], "bank.b2": [4]}
    assert found(register, MOTHER) == {"bank.b1": [9]}
    assert found(register, 1) == {}


@pytest.mark.parametrize("altered", ["hashes = '\\x00'", "rows = ''", "rows = '\\x00'"])
def test_an_index_that_cannot_be_read_any_more_is_named_and_stops_no_other(
    database: Database, register: Register, altered: str
) -> None:
    for number in range(3):
        index(f"bank.b{number}", register, [ONE], [1])
    database.tamper(f"UPDATE told SET {altered} WHERE batch_id = 'bank.b1'")  # noqa: S608
    found = register.told.find(lambda generation: RING.hashed(np.array([ONE]), Kind.NUMBER, generation))
    assert (found.rows, found.unread) == ({"bank.b0": [1], "bank.b2": [1]}, ["bank.b1"])


def test_nothing_that_rests_in_the_database_is_a_number(register: Register) -> None:
    index("bank.b1", register, [ONE], [1])
    with transaction(register.engine) as session:
        row = session.get_one(ToldRow, "bank.b1")
        assert ONE.to_bytes(8, "little") not in row.hashes


def test_a_renewal_that_was_killed_goes_on_and_loses_nobody(register: Register) -> None:
    for number in range(3):
        index(f"bank.b{number}", register, [ONE, OTHER], [1, 2])
    ring = with_new_key(RING, DAY)
    for batch in register.told.behind(2)[:1]:  # killed after one
        register.told.renew(batch, ring)
    assert register.told.generations() == {1: 2, 2: 1}
    assert found(register, ONE, ring) == {f"bank.b{number}": [1] for number in range(3)}
    for batch in [*register.told.behind(2), "bank.b0"]:  # one of them a second time
        register.told.renew(batch, ring)
    assert register.told.generations() == {2: 3}
    assert found(register, ONE, ring) == {f"bank.b{number}": [1] for number in range(3)}
    assert found(register, ONE) == {}, "the old key alone opens nothing any more"


NUMBERS = pl.DataFrame(
    {
        "row_ref": ["A", "B", "C", "D"],
        "id_number": ["11010519491231002X", " 11010519491231002x", "110105194912310021", ""],
        "relative_id_number": ["", "440524188001010014", "", "440524188001010014"],
    }
)


def test_numbers_are_found_however_they_are_written_and_of_whomever() -> None:
    asked = Asked(RING)
    asked.add(number_keys(NUMBERS, DAY), 11)
    told = asked.told()
    first, second = RING.hashed(np.array([11010519491231002, 44052418800101001]), Kind.NUMBER)
    assert told.rows[told.hashes == first].tolist() == [11, 12]
    assert told.rows[told.hashes == second].tolist() == [12, 14]
    assert len(told.rows) == 4


def test_an_objection_asks_about_whom_its_rows_mean() -> None:
    asked = Asked(RING, NUMBERS)
    claims = asked.claims(pl.DataFrame({"row_ref": ["X", "B"], "reason": ["", ""]}))
    asked.add(number_keys(claims, DAY), 1)
    assert asked.told().rows.tolist() == [2, 2]


def test_the_index_is_written_with_the_result_or_not_at_all(
    register: Register, manifest: RequestManifest, due: Due
) -> None:
    told = Told.of(RING, [RING.hashed(np.array([ONE]), Kind.NUMBER)], [np.array([1])])
    assert register.claim("bank.b1", "bank", "a" * 64, [], AT) is Claim.NEW
    with pytest.raises(Halt):
        register.prepared("bank.b1", {}, [], told=told)  # not accepted yet
    assert register.told.generations() == {}
    register.accept("bank.b1", manifest, due)
    for _ in range(2):
        register.prepared("bank.b1", {}, [], told=told)
    assert register.told.generations() == {1: 1}


def test_another_key_in_the_files_place_is_noticed(register: Register) -> None:
    other = with_new_key(None, DAY)
    register.told.check(other)  # nothing rests on a key yet
    index("bank.b1", register, [ONE], [1])
    register.told.check(RING)
    register.told.check(with_new_key(RING, DAY))
    for wrong in (other, with_new_key(other, DAY)):
        with pytest.raises(Halt, match="other hash keys"):
            register.told.check(wrong)
    register.told.renew("bank.b1", with_new_key(RING, DAY))
    with pytest.raises(Halt, match="other hash keys"):
        register.told.check(RING)  # an older copy of the file
    assert register.verify()[0] > 0
