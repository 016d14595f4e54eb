"""One person, whatever account: the table of people, and who may do what by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.world import LEADER, LEADER_ID, OFFICER, OFFICER_ID, World
from exchange.review.people import (
    check_discloser,
    check_leader,
    check_officer,
    check_officer_or_leader,
    is_leader,
    may_review,
    with_names,
)
from exchange.settings import Settings
from exchange.settings_sections import Person, PersonRole

COUNTY, CITY, OTHER = "222401", "222400", "220100"


@pytest.fixture
def settings(world: World) -> Settings:
    return Settings.load(world.config)


@pytest.mark.parametrize(
    ("person", "division", "may"),
    [
        (OFFICER_ID, COUNTY, True),
        ("p-yanbian", CITY, True),
        ("p-yanbian", COUNTY, True),
        ("p-yanbian", OTHER, False),
        (LEADER_ID, COUNTY, False),
        ("yanbian-officer", CITY, False),  # an account is no person
        ("yanbian", CITY, False),
    ],
)
def test_rows_of_the_own_office_and_below(settings: Settings, person: str, division: str, may: bool) -> None:
    assert may_review(settings, person, division) is may
    if not may:
        with pytest.raises(Halt):
            check_officer(settings, person, division)


def test_leaders_by_their_id_alone(settings: Settings) -> None:
    assert is_leader(settings, LEADER_ID)
    check_officer_or_leader(settings, LEADER_ID)
    for other in (OFFICER_ID, LEADER, "nobody"):
        with pytest.raises(Halt, match="is no leader"):
            check_leader(settings, other)


@pytest.mark.parametrize(
    ("person", "reviews", "asks"),
    [(LEADER_ID, True, True), (OFFICER_ID, True, False), ("p-supervisor", False, True), ("nobody", False, False)],
)
def test_who_is_let_in_for_what(settings: Settings, person: str, reviews: bool, asks: bool) -> None:
    """Officers and leaders to reviews; disclosers to who was told about somebody."""
    for check, may, words in ((check_officer_or_leader, reviews, "no officer"), (check_discloser, asks, "may not ask")):
        if may:
            check(settings, person)
        else:
            with pytest.raises(Halt, match=words):
                check(settings, person)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (f"row 1 is with {OFFICER_ID} until noon", f"row 1 is with 省厅核实员（虚构）（{OFFICER_ID}） until noon"),
        (f"{LEADER_ID}, {LEADER_ID}.", f"审批领导（虚构）（{LEADER_ID}）, 审批领导（虚构）（{LEADER_ID}）."),
        (f"{OFFICER_ID}-b", f"省厅核实员乙（虚构）（{OFFICER_ID}-b）"),  # no id within another
        (f"bank.{OFFICER_ID} {OFFICER_ID}.b1 nobody", f"bank.{OFFICER_ID} {OFFICER_ID}.b1 nobody"),
    ],
)
def test_ids_in_what_is_said_bear_their_names(settings: Settings, said: str, named: str) -> None:
    assert with_names(settings, said) == named
    assert with_names(settings.model_copy(update={"people": ()}), said) == said


@pytest.mark.parametrize(
    ("account", "actor"), [(OFFICER, OFFICER_ID), ("nobody", "os:nobody"), ("p-leader", "os:p-leader")]
)
def test_an_account_of_the_machine_acts_as_its_person(world: World, account: str, actor: str) -> None:
    with App.of_account(account, world.config) as app:
        assert app.register.actor == actor


def test_login_and_account_are_one_person(settings: Settings) -> None:
    assert settings.person(login=LEADER) is settings.person(os_account="leader") is settings.person(id=LEADER_ID)
    assert settings.person(login="nobody") is None
    assert [each.id for each in settings.with_role(PersonRole.LEADER)] == [LEADER_ID]


DOUBLED_ID = 'id = "p-officer"\nzh = "又"\nroles = ["leader"]\n'
DOUBLED_LOGIN = 'id = "p-2"\nzh = "又"\nlogin = "leader"\nroles = ["leader"]\n'
NO_OFFICE = 'id = "p-2"\nzh = "又"\nroles = ["officer"]\noffices = ["110000"]\n'
NO_OFFICER = 'id = "p-2"\nzh = "又"\nroles = ["leader"]\noffices = ["222400"]\n'
OFFICELESS = 'id = "p-2"\nzh = "又"\nroles = ["officer"]\n'
MARKED = 'id = "os:root"\nzh = "又"\nroles = ["leader"]\n'


@pytest.mark.parametrize("entry", [DOUBLED_ID, DOUBLED_LOGIN, NO_OFFICE, NO_OFFICER, OFFICELESS, MARKED])
def test_a_table_that_does_not_hold_is_refused(world: World, tmp_path: Path, entry: str) -> None:
    place = tmp_path / "exchange.toml"
    place.write_text(world.config.read_text(encoding="utf-8") + f"\n[[people]]\n{entry}", encoding="utf-8")
    with pytest.raises(Halt):
        Settings.load(place)


def test_nobody_has_a_colon_in_the_id() -> None:
    """So that ``os:…`` and ``airflow:…`` in the register are never people."""
    pattern: Callable[..., Person] = Person
    with pytest.raises(ValueError, match="pattern"):
        pattern(id="airflow:x", zh="", roles={"leader"})
