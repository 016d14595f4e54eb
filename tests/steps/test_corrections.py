"""Whatever the order of objections and second looks about a row: what the partner has at last is what the office said
at last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.register import Role, State
from exchange.register.retention import KeptFile
from exchange.review.case import load_cases
from exchange.steps.second_look import open_second_look
from exchange.steps.telling import _disclosure

from .releases import approve, decide, proposed, sent, supplement

Ask = Callable[..., Request]
YES, NO = "consistent", "inconsistent"


@pytest.fixture
def first(app: App, court: DemoPartner, ask: Ask, clean: pl.DataFrame) -> str:
    """A batch of one row, whose sex was answered *inconsistent*."""
    person = clean.head(1)
    wrong = person["sex"].replace_strict({"1": "女", "2": "男"})
    asked = person.select(pl.lit("A1").alias("row_ref"), "id_number", "name", wrong.alias("sex"))
    return sent(app, court, ask(asked.write_csv().encode(), 1))


def opened(app: App, court: DemoPartner, ask: Ask, first: str, how: str, number: int) -> str:
    """An objection of the partner's, or a second look in the person's stead."""
    if how == "look":
        return open_second_look(app, first, 1, f"申请〔2026〕{number}号")
    return sent(app, court, ask(b"row_ref\nA1\n", 1, cycle="objection", items=("sex",), objects_to=first))


def said(app: App, court: DemoPartner, batch: str, sex: str) -> str | None:
    """Decides the row so, and lets go what comes of it; what the partner is told, None where it hears nothing."""
    decide(app, batch, 1, identity=YES, sex=sex)
    (release,) = proposed(app, batch)
    pipeline.issue(app, release.id)
    assert app.register.batch(batch).state is State.CLOSED
    if f"{batch}.result-2.json" not in court.answers():
        return None
    return supplement(court, batch, 2)["A1"]["sex_answer"]


@pytest.mark.parametrize(
    "steps",
    [
        [("look", YES), ("look", NO)],
        [("objection", YES), ("look", NO)],
        [("look", NO), ("look", YES), ("look", YES), ("look", NO), ("look", YES)],
        [("objection", YES), ("objection", NO), ("look", NO), ("look", YES), ("objection", YES)],
    ],
)
def test_what_the_partner_has_is_what_the_office_said_last(
    app: App, court: DemoPartner, ask: Ask, first: str, steps: Sequence[tuple[str, str]]
) -> None:
    """A second look that came back to the first answer was silent, though the partner had another one meanwhile."""
    has = NO
    for number, (how, sex) in enumerate(steps):
        batch = opened(app, court, ask, first, how, number)
        review = app.register.reviews.get(batch, 1)
        assert load_cases(app, batch, [review])[0].proposal["sex"] == has, "what an officer sees beside the row"
        told = said(app, court, batch, sex)
        assert (told is None) == (how == "look" and sex == has), "silent only where it is what the partner has"
        assert next(iter(app.attested(batch).releases.values())).upheld == (sex != has)
        has = told or has
        assert has == sex
    app.register.verify()


def test_of_two_that_are_open_at_once_the_later_one_is_held_against_the_earlier(
    app: App, court: DemoPartner, ask: Ask, first: str
) -> None:
    """It was proposed when the partner still had that answer."""
    look, objection = (opened(app, court, ask, first, how, 1) for how in ("look", "objection"))
    decide(app, look, 1, identity=YES, sex=NO)
    (proposal,) = proposed(app, look)
    assert proposal.upheld == 0
    assert said(app, court, objection, YES) == YES
    pipeline.issue(app, proposal.id)
    assert app.register.releases.get(look, 1).state == "reopened", "the partner is to hear of it now"
    (again,) = proposed(app, look)
    assert again.upheld == 1
    pipeline.issue(app, again.id)
    assert supplement(court, look, 3)["A1"]["sex_answer"] == NO


def test_a_correction_whose_data_are_past_their_time_is_not_passed_over(
    app: App, court: DemoPartner, ask: Ask, first: str
) -> None:
    objection = opened(app, court, ask, first, "objection", 1)
    assert said(app, court, objection, YES) == YES
    data = app.register.file(objection, Role.DATA).sha256
    app.register.retention.intend([(KeptFile(objection, "court", Role.DATA, data, app.now()), "originals")], app.now())
    ((number, *_),) = app.register.retention.intended()
    with app.register.retention.destroying(number, app.now()) as destruction:
        assert destruction.allowed
        destruction.done = app.archive.destroy(data, app.now())
    assert said(app, court, opened(app, court, ask, first, "look", 2), NO) == NO


def test_a_supplementary_result_takes_no_correction_back(
    app: App, leader: App, court: DemoPartner, ask: Ask, clean: pl.DataFrame
) -> None:
    """It says all columns of the row: of one that was corrected meanwhile it said the former answer again."""
    person = clean.head(1)
    wrong = person["sex"].replace_strict({"1": "女", "2": "男"})
    asked = person.select(pl.lit("A1").alias("row_ref"), "id_number", "name", wrong.alias("sex"))
    monthly = {"cycle": "monthly", "period": f"{office_day(app.now()):%Y-%m}"}
    items = ("id_number", "name", "sex", "criminal_record")
    first = sent(app, court, ask(asked.write_csv().encode(), 1, items=items, **monthly))
    early = proposed(app, first)
    assert said(app, court, opened(app, court, ask, first, "objection", 1), YES) == YES
    for release in early:
        approve(leader, release)
        pipeline.issue(app, release.id)
    for release in proposed(app, first):
        approve(leader, release)
        pipeline.issue(app, release.id)
    (release,) = [each for each in app.attested(first).releases.values() if each.state == "delivered"]
    row = supplement(court, first, release.number + 1)["A1"]
    assert (row["sex_answer"], row["criminal_record_answer"]) == (YES, "no_record")
    left = _disclosure(app, first, [1]).left
    assert left is not None
    assert (left[1]["sex"], left[1]["criminal_record"]) == (YES, "no_record")
