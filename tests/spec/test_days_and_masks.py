"""The cases of ``deadlines.toml``, ``freshness.toml`` and ``masking.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, get_args

import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict

from exchange.agreements.sections import Masking
from exchange.base.tables import SOURCES
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS, later_items
from exchange.calendar.working_days import due_after, due_date, office_day
from exchange.docs.specifications import FOLDER, read_specification
from exchange.output.masking import ID_NUMBER_RULES, NAME_RULES, mask
from exchange.steps.answers import is_fresh

DEADLINES: Final = read_specification(FOLDER / "deadlines.toml")
FRESHNESS: Final = read_specification(FOLDER / "freshness.toml")
MASKING: Final = read_specification(FOLDER / "masking.toml")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: str
    en: str


class Deadline(Strict):
    """``items``: those that are asked; ``last``: of those with a later day than the batch. ``extended``: an objection
    to which the leader gave more time. ``office_days``: the office's own days, of a provincial notice; true is worked.
    """

    cycle: str
    received: datetime
    items: tuple[str, ...] = ()
    extended: bool = False
    office_days: dict[date, bool] = {}
    due: date
    last: date | None = None
    provisional: bool = False


class Age(Strict):
    """``as_of``: the last day of the source's snapshot."""

    data_source: str
    as_of: date
    received: date
    fresh: bool


class Echo(Strict):
    """What was claimed, how the agreement has it masked, and what the result echoes."""

    claimed: dict[Literal["row_ref", "id_number", "name"], str]
    rules: dict[Literal["id_number", "name"], str] = {}
    echoed: dict[Literal["row_ref", "id_number", "name"], str]


DUE: Final = [Deadline(**case) for case in DEADLINES.cases]
AGES: Final = [Age(**case) for case in FRESHNESS.cases]
ECHOES: Final = [Echo(**case) for case in MASKING.cases]


@pytest.mark.parametrize("case", DUE, ids=[f"{n}-{case.en}".replace(" ", "_") for n, case in enumerate(DUE, 1)])
def test_deadlines(case: Deadline) -> None:
    received = office_day(case.received)
    if case.extended:
        assert case.cycle == OBJECTION
        found = due_after(EXTENDED_OBJECTION, received, case.office_days)
    else:
        found = due_date(case.cycle, received, case.office_days, items=case.items)
    later = later_items(case.cycle, case.items)
    last = {due_after(days, received, case.office_days).day for days in later.values()}
    assert last == ({case.last} if case.last else set())
    assert (found.day, found.provisional) == (case.due, case.provisional)


def test_every_cycle_has_its_cases() -> None:
    assert {case.cycle for case in DUE} == set(WORKING_DAYS)


@pytest.mark.parametrize("case", AGES, ids=[f"{n}-{case.en}".replace(" ", "_") for n, case in enumerate(AGES, 1)])
def test_freshness(case: Age) -> None:
    assert is_fresh(case.data_source, case.as_of, case.received) == case.fresh


def test_every_source_has_its_last_day_and_the_one_after_it() -> None:
    found = {(case.data_source, (case.received - case.as_of).days) for case in AGES}
    assert {(source.code, source.max_age_days + day) for source in SOURCES.values() for day in (0, 1)} <= found


@pytest.mark.parametrize("case", ECHOES, ids=[f"{n}-{case.en}".replace(" ", "_") for n, case in enumerate(ECHOES, 1)])
def test_masking(case: Echo) -> None:
    sound = {"row_ref": "A-1", "id_number": "220102199003071227", "name": "王芳"}
    answers = pl.DataFrame([sound | case.claimed])
    agreed = Masking.model_validate(case.rules)
    masked = mask(answers, agreed.id_number, agreed.name)
    found = masked.row(0, named=True)
    assert {column: found[column] for column in case.echoed} == case.echoed
    assert set(case.echoed) == set(case.claimed)


@pytest.mark.parametrize(("column", "rules"), [("id_number", ID_NUMBER_RULES), ("name", NAME_RULES)])
def test_every_way_of_masking_can_be_agreed_and_has_its_case(
    column: Literal["id_number", "name"], rules: Mapping[str, object]
) -> None:
    field = Masking.model_fields[column]
    assert set(get_args(field.annotation)) == set(rules)
    assert set(rules) == {case.rules.get(column, field.default) for case in ECHOES if column in case.echoed}


def test_the_files_hold_nothing_else() -> None:
    for specification in (DEADLINES, FRESHNESS, MASKING):
        assert not {**specification.settings, **specification.tables}
