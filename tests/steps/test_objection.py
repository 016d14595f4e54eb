"""An objection gets a second look of an officer; to what was never answered there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import State
from exchange.retention import prune_snapshots
from exchange.review.case import load_cases
from exchange.snapshots import versions
from exchange.steps.second_look import open_second_look

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


@pytest.mark.parametrize("layout", [False, True])
def test_where_a_snapshot_that_answered_is_past_its_time_an_objection_is_refused(
    app: App, court: DemoPartner, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, layout: bool
) -> None:
    """Pruned, or of an earlier layout: accepted it would stop for a person who can do nothing."""
    first = sent(app, court, ask())
    request = ask(b"row_ref\nR1\n", 1, cycle="objection", items=("sex",), objects_to=first)
    court.drop(court.make_set(request))
    poll(app)
    if layout:
        monkeypatch.setattr(versions, "LAYOUT", versions.LAYOUT + 1)
    else:
        monkeypatch.setitem(vars(app), "snapshots", versions.Snapshots(tmp_path))
    assert not pipeline.run(app, request.batch)
    assert app.register.batch(request.batch).refusal_code == "objection_past"
    with pytest.raises(Halt, match=f"{first}: its data, or a snapshot that answered it, is past its time"):
        open_second_look(app, first, 1, "申请〔2026〕9号")


def test_what_answered_the_earlier_batch_is_pruned_after_the_time_for_objections(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sent(app, court, ask())
    assert app.register.batch(first).state is State.CLOSED
    (version, _) = app.register.snapshots.of(first)["population"]
    other = app.register.snapshots.in_use()  # by batches of other tests
    kept = set[tuple[str, str]]()

    def prune(_: versions.Snapshots, __: str, ___: int, needed: set[tuple[str, str]]) -> list[str]:
        kept.update(needed)
        return []

    monkeypatch.setattr(versions.Snapshots, "prune", prune)
    days = app.settings.policy.objections_days
    for passed, needed in ((0, True), (days - 1, True), (days + 1, False)):
        kept.clear()
        prune_snapshots(later(timedelta(days=passed)))
        assert (("population", version) in kept) is (needed or ("population", version) in other), passed


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
