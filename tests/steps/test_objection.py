"""An objection gets a second look of an officer; to what was never answered there is none."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.review.case import load_cases

from .releases import decide, proposed, sent, supplement

Ask = Callable[..., Request]


def test_an_objection_gets_a_second_look(
    app: App, leader: App, court: DemoPartner, ask: Ask, clean: pl.DataFrame
) -> None:
    person = clean.head(1)
    wrong = "女" if person["sex"][0] == "1" else "男"
    data = f"row_ref,id_number,name,sex\nA1,{person['id_number'][0]},{person['name'][0]},{wrong}\n".encode()
    first = sent(app, court, ask(data, 1))
    assert app.register.answer_counts(first)["sex"] == {"inconsistent": 1}
    data = "业务编号,异议说明\nA1,当事人持有户口簿\nA9,\n".encode()
    about = {"cycle": "objection", "items": ("sex",), "objects_to": first}
    batch = sent(app, court, ask(data, 2, **about))
    answered = app.register.batch(batch)
    assert (answered.cycle, answered.objects_to, answered.rows_open) == ("objection", first, 1)
    assert app.register.answer_counts(batch)["identity"] == {"under_review": 1, "row_ref_unknown": 1}
    review = app.register.reviews.get(batch, 1)
    sight = load_cases(app, batch, [review])[0]
    assert sight.claim["statement"] == "当事人持有户口簿"
    assert (sight.proposal["identity"], sight.proposal["sex"]) == ("consistent", "inconsistent")
    assert sight.people["key"].len() == 1
    decide(app, batch, 1, identity="consistent", sex="consistent")
    (release,) = proposed(app, batch)
    assert (release.settled, release.upheld) == ({"identity": {"consistent": 1}, "sex": {"consistent": 1}}, 1)
    pipeline.issue(app, release.id)
    assert supplement(court, batch, 2)["A1"]["sex_answer"] == "consistent"


@pytest.mark.parametrize(
    ("objects_to", "items", "code"),
    [
        ("court-changchun.none", ("sex",), "objection_batch"),
        ("first", ("birth_date",), "objection_item"),
    ],
)
def test_an_objection_to_what_was_not_answered_is_refused(
    app: App, court: DemoPartner, ask: Ask, objects_to: str, items: tuple[str, ...], code: str
) -> None:
    first = sent(app, court, ask())
    named = first if objects_to == "first" else objects_to
    request = ask(b"row_ref\nR1\n", 1, cycle="objection", items=items, objects_to=named)
    court.drop(court.make_set(request))
    poll(app)
    assert not pipeline.run(app, request.batch)
    assert app.register.batch(request.batch).refusal_code == code
