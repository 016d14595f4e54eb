"""What may be decided, and what follows from it."""

from __future__ import annotations

import pytest

from exchange.base.errors import Halt
from exchange.base.tables import DECISIONS, ITEMS
from exchange.review.decisions import MAX_NOTE_LETTERS, WAITING, allowed, check_note, check_reason, complete

OPEN = {"identity": "under_review", "name": "under_review", "sex": "under_review"}
WAITS = {"criminal_record": "source_not_ready"}
"""Without the source nobody says that there is no record; one that was found elsewhere is found."""


@pytest.mark.parametrize(
    ("open_columns", "answers", "decided"),
    [
        (OPEN, {"identity": "consistent", "sex": "inconsistent"},
         {"identity": "consistent", "name": "consistent", "sex": "inconsistent"}),
        (OPEN, {"identity": "name_disagrees"},
         {"identity": "name_disagrees", "name": "name_disagrees", "sex": "not_answered"}),
        (OPEN, {"identity": "name_disagrees", "sex": "consistent"},
         {"identity": "name_disagrees", "name": "name_disagrees", "sex": "not_answered"}),
        (OPEN, {"identity": "no_such_number"},
         {"identity": "no_such_number", "name": "not_answered", "sex": "not_answered"}),
        ({"criminal_record": "under_review"}, {"criminal_record": "record_found"}, {"criminal_record": "record_found"}),
        ({"unregistered": "under_review"}, {"unregistered": "registered"}, {"unregistered": "registered"}),
        (WAITS, {"criminal_record": "record_found"}, {"criminal_record": "record_found"}),
        ({"sex": "under_review", "criminal_record": WAITING}, {"sex": "consistent", "criminal_record": "record_found"},
         {"sex": "consistent", "criminal_record": "record_found"}),
        (OPEN | {"criminal_record": WAITING}, {"identity": "name_disagrees"},
         {"identity": "name_disagrees", "name": "name_disagrees", "sex": "not_answered",
          "criminal_record": "not_answered"}),
        (OPEN | {"id_number": "under_review"}, {"identity": "consistent", "sex": "consistent"},
         {"identity": "consistent", "name": "consistent", "sex": "consistent", "id_number": "consistent"}),
        (OPEN | {"id_number": "under_review"}, {"identity": "name_disagrees"},
         {"identity": "name_disagrees", "name": "name_disagrees", "sex": "not_answered",
          "id_number": "name_disagrees"}),
    ],
)  # fmt: skip
def test_complete(open_columns: dict[str, str], answers: dict[str, str], decided: dict[str, str]) -> None:
    assert complete(open_columns, answers) == decided


@pytest.mark.parametrize(
    ("open_columns", "answers", "problem"),
    [
        (OPEN, {}, "identity: no answer"),
        (OPEN, {"identity": "consistent"}, "sex: no answer"),
        (OPEN, {"identity": "consistent", "sex": "no_record"}, "sex: this cannot be decided"),
        (OPEN, {"identity": "under_review"}, "identity: this cannot be decided"),
        ({"sex": "under_review"}, {"sex": "consistent", "ethnicity": "consistent"}, "ethnicity is not open"),
        ({"criminal_record": "under_review"}, {"criminal_record": "awaiting_approval"}, "cannot be decided"),
        (WAITS, {"criminal_record": "no_record"}, "a source is missing or older than its limit"),
        (WAITS, {"criminal_record": "not_answered"}, "criminal_record: this cannot be decided"),
        ({"criminal_record": WAITING}, {"criminal_record": "no_record"}, "criminal_record: a source is missing"),
        ({"sex": "under_review", "criminal_record": WAITING},
         {"sex": "consistent", "criminal_record": "no_record"}, "criminal_record: a source is missing"),
        ({"criminal_record": WAITING}, {}, "criminal_record: no answer; one of .*record_found"),
        (OPEN | {"criminal_record": WAITING}, {"identity": "consistent", "sex": "consistent"}, "criminal_record: no"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided(open_columns: dict[str, str], answers: dict[str, str], problem: str) -> None:
    with pytest.raises(Halt, match=problem):
        complete(open_columns, answers)


@pytest.mark.parametrize("column", ["identity", *ITEMS, "shoes"])
def test_whoever_decides_reads_the_columns_name_as_it_is_written_for_people(column: str) -> None:
    """A column that nobody knows by the name with which it came."""
    name = ITEMS[column].zh if column in ITEMS else {"identity": "号码与姓名"}.get(column, column)
    for open_columns, answers in (({column: "under_review"}, {}), ({}, {column: "consistent"})):
        with pytest.raises(Halt) as halted:
            complete(open_columns, answers)
        assert f"“{name}”" in halted.value.zh


@pytest.mark.parametrize(
    ("reason", "note", "holds"),
    [
        ("archive", None, True),
        ("archive", "二楼档案室", True),
        ("other", None, False),
        ("other", "电话核实", True),
        ("none", None, False),
        ("archive", "x" * MAX_NOTE_LETTERS, True),
        ("archive", "x" * (MAX_NOTE_LETTERS + 1), False),
        ("archive", "见 22010220000615101X", False),
        ("archive", "见２２０１０２２００００６１５１０１Ｘ", False),
        ("archive", "见 220102 2000-06-15 101x", False),
        ("archive", "旧号 220102000615101", False),
        ("archive", "档号 2026-00123，2026-11-27 查", True),
    ],
)
def test_reasons(reason: str, note: str | None, holds: bool) -> None:
    if holds:
        check_reason(reason, note)
    else:
        with pytest.raises(Halt):
            check_reason(reason, note)


@pytest.mark.parametrize(
    ("note", "needed", "holds"),
    [
        (None, False, True),
        ("", False, True),
        ("因", True, True),
        *[(note, True, False) for note in (None, "", " ", "ㅤ")],
    ],
)
def test_a_note_that_is_needed(note: str | None, needed: bool, holds: bool) -> None:
    if holds:
        check_note(note, needed=needed)
    else:
        with pytest.raises(Halt, match="needs a note"):
            check_note(note, needed=needed)


def test_no_note_is_needed_unless_it_is_said() -> None:
    check_note(None)


def test_what_may_be_decided_of_a_column() -> None:
    assert allowed("id_number") == allowed("name") == allowed("identity") == DECISIONS["identity"]
    assert allowed("criminal_record") == DECISIONS["criminal_record"] != DECISIONS["other"]
    assert allowed("ethnicity") == DECISIONS["other"]
