"""The cases of ``deadlines.toml`` and ``masking.toml``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict

from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS, later_items
from exchange.calendar.working_days import due_after, due_date, office_day
from exchange.docs.specifications import FOLDER, read_specification
from exchange.output.masking import mask

DEADLINES: Final = read_specification(FOLDER / "deadlines.toml")
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


class Echo(Strict):
    """What was claimed, how the agreement has it masked, and what the result echoes."""

    claimed: dict[Literal["row_ref", "id_number", "name"], str]
    rules: dict[Literal["id_number", "name"], str] = {}
    echoed: dict[Literal["row_ref", "id_number", "name"], str]


DUE: Final = [Deadline(**case) for case in DEADLINES.cases]
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


@pytest.mark.parametrize("case", ECHOES, ids=[f"{n}-{case.en}".replace(" ", "_") for n, case in enumerate(ECHOES, 1)])
def test_masking(case: Echo) -> None:
    sound = {"row_ref": "A-1", "id_number": "220102199003071227", "name": "王芳"}
    answers = pl.DataFrame([sound | case.claimed])
    masked = mask(answers, case.rules.get("id_number", "keep_6_4"), case.rules.get("name", "keep_first"))
    found = masked.row(0, named=True)
    assert {column: found[column] for column in case.echoed} == case.echoed
    assert set(case.echoed) == set(case.claimed)


def test_the_files_hold_nothing_else() -> None:
    assert not {**DEADLINES.settings, **DEADLINES.tables, **MASKING.settings, **MASKING.tables}
