"""A second look in the pages: opened from a batch's row by an officer, by the number of a letter and nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID
from exchange.intake.collect import poll
from exchange.register import ReviewFilter
from tests.pages.conftest import Pages

Ask = Callable[..., Request]
LETTER = "申请〔2026〕7号"


@pytest.fixture
def person(people: pl.DataFrame) -> pl.DataFrame:
    return people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(1)


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Ask, person: pl.DataFrame) -> str:
    """A batch that was answered, of one row."""
    request = ask(person.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode(), 1)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def looks(app: App, batch: str) -> list[str]:
    """The second looks at rows of this batch that wait for an officer."""
    found = app.register.reviews.find(ReviewFilter())
    return [each.batch for each in found if app.register.batch(each.batch).objects_to == batch]


def test_an_officer_opens_it_once_from_a_row(pages: Pages, app: App, batch: str, person: pl.DataFrame) -> None:
    status, form = pages.get("officer", f"/objection?batch={batch}&row=1")
    assert status == 200
    assert f'value="{batch}"' in form
    assert f"时限 {WORKING_DAYS[OBJECTION]} 个工作日，经批准可延长一次至 {EXTENDED_OBJECTION} 个工作日" in form
    for _ in range(2):
        assert pages.post("officer", "/objection/open", batch=batch, row="1", letter=LETTER)[0] == 303
    (opened,) = looks(app, batch)
    found = app.register.batch(opened)
    assert (found.letter, found.handler, found.due_working_days) == (LETTER, OFFICER_ID, WORKING_DAYS[OBJECTION])
    (claimed,) = [step for step in app.register.steps(opened) if json.loads(step.facts).get("letter")]
    assert claimed.actor == OFFICER_ID
    _, text = pages.get("officer", f"/objection?opened={opened}")
    assert opened in text
    assert LETTER in text
    assert str(found.due_on) in text
    for seen in (form, text):
        assert person["name"][0] not in seen
        assert person["id_number"][0] not in seen
    app.register.verify()


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"batch": "no.such"}, 404, ""),
        ({"row": "2"}, 409, "has rows 1 to 1"),
        ({"row": "0"}, 409, "has rows 1 to 1"),
        ({"row": "x"}, 400, ""),
        ({"letter": ""}, 409, "1 to 200 characters"),
        ({"letter": "两\n行"}, 409, "without control characters"),
        ({"letter": "见11010519491231002X"}, 409, "no identity number"),
    ],
)
def test_what_does_not_hold_opens_nothing(
    pages: Pages, app: App, batch: str, change: dict[str, str], status: int, says: str
) -> None:
    given = {"batch": batch, "row": "1", "letter": LETTER}
    answered, text = pages.post("officer", "/objection/open", **given | change)
    assert (answered, says in text) == (status, True)
    assert "11010519491231002X" not in text
    assert looks(app, batch) == []


def test_the_form_takes_nothing_from_its_address_but_a_batch_and_a_number(pages: Pages, batch: str) -> None:
    odd = html.escape("<b>x</b>")
    _, text = pages.get("officer", f"/objection?batch={batch}x&row=1;y&opened={batch}&letter=z")
    assert batch not in text
    assert 'name="row" value=""' in text
    assert 'role="status"' not in text
    assert odd not in pages.get("officer", "/objection?batch=<b>x</b>&opened=<b>x</b>")[1]
