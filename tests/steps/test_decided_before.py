"""What an officer decided comes back only when the register says something else of it, or something else is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID, World
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.register import ReleaseSummary, ReviewState
from exchange.register.statistics import lines
from exchange.steps import decided_before
from exchange.steps.decided_before import facts, is_remembered
from exchange.steps.second_look import open_second_look
from tests.steps.releases import decide, proposed, sent, supplement

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "birth_date")


def remembering(app: App, days: int = 400) -> App:
    """The office as it is without a test's exception."""
    policy = app.settings.policy.model_copy(update={"remember_decisions_days": days})
    return dataclasses.replace(app, settings=app.settings.model_copy(update={"policy": policy}))


@pytest.fixture
def office(app: App) -> App:
    return remembering(app)


def doubtful(people: pl.DataFrame, number: int = 0) -> pl.DataFrame:
    """Somebody of whom an officer must decide, claimed to be born on another day by each test: no case is another's."""
    born = pl.lit(f"1980-01-{number + 1:02}").alias("birth_date")
    return people.filter(pl.col("oddity") == "doubtful").head(1).with_columns(born)


def asked(person: pl.DataFrame, items: Sequence[str] = ITEMS, **other: str) -> bytes:
    others = [pl.lit(value).alias(name) for name, value in other.items()]
    return person.with_columns(others).select(items).with_row_index("row_ref").write_csv().encode()


def answered(office: App, court: DemoPartner, ask: Ask, person: pl.DataFrame) -> str:
    """A batch whose one row an officer decided, and whose answer left."""
    batch = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(batch, 1).state is ReviewState.OPEN
    decide(office, batch, 1, identity="consistent", sex="consistent", birth_date="consistent")
    leave(office, batch)
    return batch


def leave(office: App, batch: str) -> None:
    (release,) = proposed(office, batch)
    pipeline.issue(office, release.id)
    assert office.register.reviews.get(batch, 1).state is ReviewState.RELEASED


def test_the_same_case_is_decided_as_before_and_leaves(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    first = answered(office, court, ask, doubtful(people))
    again = sent(office, court, ask(asked(doubtful(people)), 1, items=ITEMS))
    review, before = office.register.reviews.get(again, 1), office.register.reviews.get(first, 1)
    assert (review.state, review.as_before, review.decided_by) == (ReviewState.DECIDED, f"{first} 1", before.decided_by)
    assert (review.answers, review.reason, review.note) == (before.answers, before.reason, None)
    leave(office, again)
    assert supplement(court, again, 2) == supplement(court, first, 2)
    third = sent(office, court, ask(asked(doubtful(people)), 1, items=ITEMS))
    assert office.register.reviews.get(third, 1).as_before in (f"{first} 1", f"{again} 1")
    office.register.verify()


@pytest.mark.parametrize(
    ("items", "claimed"),
    [(ITEMS, {"sex": "不详"}), ((*ITEMS, "ethnicity"), {"ethnicity": "汉"}), (ITEMS[:3], {})],
    ids=["another claim", "more items", "fewer items"],
)
def test_another_case_is_for_an_officer(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, items: Sequence[str], claimed: dict[str, str]
) -> None:
    person = doubtful(people, 1)
    answered(remembering(office, 0), court, ask, person)
    again = sent(office, court, ask(asked(person, items, **claimed), 1, items=items))
    assert office.register.reviews.get(again, 1).state is ReviewState.OPEN


def test_what_the_register_says_anew_is_for_an_officer(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(office, court, ask, doubtful(people, 2))
    held = decided_before.facts
    monkeypatch.setattr(decided_before, "facts", lambda *given: [f"{each} another street" for each in held(*given)])
    again = sent(office, court, ask(asked(doubtful(people, 2)), 1, items=ITEMS))
    assert office.register.reviews.get(again, 1).state is ReviewState.OPEN


@pytest.mark.parametrize(("days", "state"), [(0, ReviewState.OPEN), (1, ReviewState.DECIDED)])
def test_the_office_says_how_long_a_decision_is_remembered(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Ask, people: pl.DataFrame,
    days: int, state: ReviewState,
) -> None:  # fmt: skip
    person = doubtful(people, 3 + days)
    answered(app, court, ask, person)
    again = sent(remembering(app, days), court, ask(asked(person), 1, items=ITEMS))
    assert app.register.reviews.get(again, 1).state is state
    old = sent(remembering(later(timedelta(days=days, hours=1)), days), court, ask(asked(person), 1, items=ITEMS))
    assert app.register.reviews.get(old, 1).state is ReviewState.OPEN


def test_what_did_not_leave_is_no_decision_yet(office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> None:
    person = doubtful(people, 5)
    batch = sent(office, court, ask(asked(person), 1, items=ITEMS))
    decide(office, batch, 1, identity="consistent", sex="consistent", birth_date="consistent")
    again = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(again, 1).state is ReviewState.OPEN


def test_it_can_be_taken_back_until_it_leaves(
    office: App, opened: Callable[[str], App], court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    person = doubtful(people, 6)
    officer = remembering(opened(OFFICER_ID))
    answered(officer, court, ask, person)
    again = sent(office, court, ask(asked(person), 1, items=ITEMS))
    officer.register.reviews.undo(again, 1)
    review = office.register.reviews.get(again, 1)
    assert (review.state, review.as_before, review.answers) == (ReviewState.OPEN, None, {})
    office.register.verify()


def test_not_as_it_was_decided_in_a_batch_that_was_objected_to(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    person = doubtful(people, 7)
    first = answered(office, court, ask, person)
    open_second_look(office, first, 1, "来信7号")
    again = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(again, 1).state is ReviewState.OPEN


@pytest.mark.parametrize("objected", [0, 1], ids=["to the decision", "to one as before"])
def test_an_objection_holds_for_every_batch_that_was_decided_so(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, objected: int
) -> None:
    person = doubtful(people, 9 + objected)
    batches = [answered(office, court, ask, person), sent(office, court, ask(asked(person), 1, items=ITEMS))]
    leave(office, batches[1])
    open_second_look(office, batches[objected], 1, "来信8号")
    third = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(third, 1).state is ReviewState.OPEN
    decide(office, third, 1, identity="consistent", sex="consistent", birth_date="inconsistent")
    leave(office, third)
    fourth = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(fourth, 1).as_before == f"{third} 1", "it was decided behind the objection"


def taken_back(officer: App, batch: str) -> None:
    officer.register.reviews.undo(batch, 1)


def returned(officer: App, batch: str) -> None:
    release = officer.register.releases.propose(batch, [1], ReleaseSummary({}, {}), needs_approval=True)
    assert release is not None
    officer.register.releases.reject(batch, release.number, "doubt")


def decided_otherwise(officer: App, batch: str) -> None:
    decide(officer, batch, 1, identity="consistent", sex="consistent", birth_date="inconsistent")


@pytest.mark.parametrize(("number", "doubt"), [(11, taken_back), (12, returned), (13, decided_otherwise)])
def test_no_decision_is_repeated_while_the_case_is_with_an_officer_anew(
    opened: Callable[[str], App], court: DemoPartner, ask: Ask, people: pl.DataFrame,
    number: int, doubt: Callable[[App, str], None],
) -> None:  # fmt: skip
    person, officer = doubtful(people, number), remembering(opened(OFFICER_ID))
    answered(officer, court, ask, person)
    again = sent(officer, court, ask(asked(person), 1, items=ITEMS))
    doubt(officer, again)
    third = sent(officer, court, ask(asked(person), 1, items=ITEMS))
    assert officer.register.reviews.get(third, 1).state is ReviewState.OPEN


def test_who_once_decided_does_not_approve_what_is_decided_as_before(
    office: App, opened: Callable[[str], App], court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    person = doubtful(people, 14)
    first = answered(remembering(opened("somebody")), court, ask, person)
    again = sent(office, court, ask(asked(person), 1, items=ITEMS))
    assert office.register.reviews.get(again, 1).as_before == f"{first} 1"
    assert office.register.reviews.deciders(again) == {"somebody"}


def test_a_row_decided_as_before_is_nobodys_work_of_the_month(
    office: App, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    person = doubtful(people, 15)
    first = answered(office, court, ask, person)
    again = sent(office, court, ask(asked(person), 1, items=ITEMS))
    leave(office, again)
    month = office.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    told = lines(office.register, month, month + timedelta(days=32)).reviews["batch"].to_list()
    assert (told.count(first), told.count(again)) == (1, 0)


def test_an_altered_decision_is_taken_for_none(
    office: App, world: World, court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    person = doubtful(people, 8)
    first = answered(office, court, ask, person)
    said = """UPDATE review SET decision = '{"identity": "no_such_number"}' WHERE batch_id = %s"""
    with world.postgres.connected("postgres", "exchange") as connection:
        was = connection.execute(b"SELECT decision FROM review WHERE batch_id = %s", [first]).fetchone() or ()
        connection.execute(said.encode(), [first])
        try:
            with pytest.raises(Halt, match="is not what the ledger says: review was altered"):
                sent(office, court, ask(asked(person), 1, items=ITEMS))
        finally:
            connection.execute(b"UPDATE review SET decision = %s WHERE batch_id = %s", [*was, first])


PEOPLE = pl.DataFrame(
    {
        "key": [11, 22, 22, 33],
        "name": ["甲", "乙", "丙", "丁"],
        "sex": ["1", "2", "2", None],
        "mother": [None, 11, None, 22],
    },
    schema_overrides={"mother": pl.Int64},
)
FORMER = pl.DataFrame({"key": [44], "person": [3]})


def held(people: pl.DataFrame, *numbers: int) -> list[str]:
    """What is held of claims of these keys."""
    population = Population(SortedTable(people.to_arrow()), SortedTable(FORMER.to_arrow()))
    return facts({"id_number": pl.Series(numbers)}, population)


def test_facts_are_all_that_is_held_of_everybody_who_is_claimed() -> None:
    one, two, by_former, nobody = held(PEOPLE, 11, 22, 44, 99)
    assert [len(each.splitlines()) for each in (one, two, by_former, nobody)] == [1, 2, 1, 0]
    assert "丁" in by_former


@pytest.mark.parametrize("column", ["name", "sex", "mother"])
@pytest.mark.parametrize("row", range(4))
def test_whatever_changes_of_somebody_changes_their_facts_and_nobody_elses(column: str, row: int) -> None:
    other = pl.Series([{"name": "戊", "sex": "9", "mother": 33}[column]])
    changed = PEOPLE.with_columns(PEOPLE[column].scatter(row, other))
    claims = (11, 22, 33, 44)
    touched = {0: {11}, 1: {22}, 2: {22}, 3: {33, 44}}[row]
    pairs = zip(claims, held(PEOPLE, *claims), held(changed, *claims), strict=True)
    assert {claim for claim, before, now in pairs if before != now} == touched


def test_the_order_of_the_register_is_no_fact() -> None:
    turned = PEOPLE[[0, 2, 1, 3]]
    assert held(PEOPLE, 22) == held(turned, 22)


@pytest.mark.parametrize(
    ("items", "objects_to", "is_test", "remembered"),
    [
        (("name", "sex"), None, False, True),
        (("name", "kinship"), None, False, True),
        (("name", "criminal_record"), None, False, False),
        (("name", "migration"), None, False, False),
        (("unregistered",), None, False, False),
        (("name", "sex"), "court.b1", False, False),
        (("name", "sex"), None, True, False),
    ],
)
def test_whose_decisions_are_remembered(
    items: tuple[str, ...], objects_to: str | None, is_test: bool, remembered: bool
) -> None:
    context: Any = SimpleNamespace(
        manifest=SimpleNamespace(items=items, objects_to=objects_to), batch=SimpleNamespace(is_test=is_test)
    )
    assert is_remembered(context) is remembered
