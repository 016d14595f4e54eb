"""A second look in the person's stead: the partner hears of it when another answer comes of it, and not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import Register, Role, State, statistics
from exchange.register.retention import KeptFile
from exchange.review.case import load_cases
from exchange.review.second_eyes import approve, check_other_officer
from exchange.steps import second_look
from exchange.steps.deliver import redeliver
from exchange.steps.second_look import open_second_look
from exchange.steps.telling import _disclosure
from exchange.watch.due import recompute

from .releases import decide, proposed, sent, supplement

Ask = Callable[..., Request]
LETTER = "申请〔2026〕7号"


@pytest.fixture
def first(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> str:
    """A batch of two rows, of which the first was answered *inconsistent*."""
    persons = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(2)
    wrong = persons["sex"].replace_strict({"1": "女", "2": "男"})
    asked = persons.select(pl.Series("row_ref", ["A1", "A2"]), "id_number", "name", wrong.alias("sex"))
    return sent(app, court, ask(asked.write_csv().encode(), 2))


def told(app: App, court: DemoPartner, batch: str) -> list[str]:
    """What lies in the partner's folder of this batch."""
    return sorted(name for name in court.answers() if name.startswith(batch))


def lying(app: App, batch: str) -> set[int]:
    """The numbers of its results that were not taken, which the report counts as they stand."""
    lines = statistics.lines(app.register, app.now() - timedelta(days=3), app.now() + timedelta(days=3)).pickups
    reported = set(lines.filter(pl.col("noticed").is_null(), batch=batch)["number"])
    assert reported == {each.number for each in app.register.pickups.uncollected() if each.batch == batch}
    return reported


def looked(app: App, batch: str, sex: str) -> str:
    """Decides the row, and lets go what comes of it; the release."""
    decide(app, batch, 1, identity="consistent", sex=sex)
    (release,) = proposed(app, batch)
    pipeline.issue(app, release.id)
    return release.id


def test_upheld_the_partner_gets_the_corrected_answer(app: App, court: DemoPartner, first: str) -> None:
    batch = open_second_look(app, first, 1, LETTER)
    line = app.register.batch(batch)
    assert (line.state, line.cycle, line.objects_to, line.letter) == (State.DELIVERED, "objection", first, LETTER)
    assert (line.rows_in, line.rows_open, line.due_working_days) == (1, 1, 15)
    assert load_cases(app, batch, [app.register.reviews.get(batch, 1)])[0].answers["sex"] == "under_review"
    assert told(app, court, batch) == [], "nothing before"
    assert _disclosure(app, batch, [1]).left == {}

    looked(app, batch, "consistent")
    result = court.result(batch, 2)
    assert result.manifest["corrects"] == first
    left = _disclosure(app, batch, [1]).left
    assert left is not None
    assert left[1]["sex"] == "consistent"
    assert supplement(court, batch, 2)["A1"]["sex_answer"] == "consistent"
    assert all(f"{batch}.result-2" in name for name in told(app, court, batch))
    assert app.register.batch(batch).state is State.CLOSED
    assert lying(app, batch) == {2}
    app.register.verify()


def test_not_upheld_the_partner_hears_nothing(app: App, court: DemoPartner, first: str) -> None:
    batch = open_second_look(app, first, 2, LETTER)
    looked(app, batch, "inconsistent")
    assert app.register.batch(batch).state is State.CLOSED
    recompute(app)
    assert pipeline.receive(app, batch)
    assert redeliver(app, batch) == []
    assert _disclosure(app, batch, [1]).left == {}
    assert told(app, court, batch) == []
    assert lying(app, batch) == set()
    app.register.verify()


def test_the_same_letter_opens_it_once(app: App, first: str) -> None:
    batch = open_second_look(app, first, 1, LETTER)
    lines = len(app.register.steps(batch))
    assert open_second_look(app, first, 1, LETTER) == batch
    assert len(app.register.steps(batch)) == lines
    assert open_second_look(app, first, 2, LETTER) != batch


@pytest.mark.parametrize("steps", [(), (pipeline.receive,), (pipeline.receive, pipeline.process, pipeline.deliver)])
def test_a_set_that_the_partner_sent_under_its_id_is_no_second_look(
    app: App, court: DemoPartner, ask: Ask, first: str, steps: Sequence[Callable[[App, str], object]]
) -> None:
    """Who knows the letter's number knows the id: what was not judged is not accepted, and nothing of it changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_look, "_claimed", lambda *given: _stop(given[-1]))
        with pytest.raises(KeyError) as stopped:
            open_second_look(app, first, 1, LETTER)
    (opened,) = stopped.value.args
    court.drop(court.make_set(ask(batch=opened)))
    poll(app)
    for step in steps:
        step(app, opened)
    lines = app.register.steps(opened)
    with pytest.raises(Halt, match="is a set that the partner sent"):
        open_second_look(app, first, 1, LETTER)
    assert app.register.steps(opened) == lines


def _stop(opened: str) -> None:
    raise KeyError(opened)


@pytest.mark.parametrize("verb", ["claim", "accept", "prepared", "delivered"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_and_run_again(app: App, first: str, monkeypatch: pytest.MonkeyPatch, verb: str, *, after: bool) -> None:
    class Killed(BaseException):
        pass

    real = getattr(Register, verb)

    def cut(*given: object, **named: object) -> None:
        if after:
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Register, verb, cut)
        with pytest.raises(Killed):
            open_second_look(app, first, 1, LETTER)
    batch = open_second_look(app, first, 1, LETTER)
    assert app.register.batch(batch).state is State.DELIVERED
    assert [review.row for review in [app.register.reviews.get(batch, 1)]] == [1]


def test_cut_off_and_run_again_when_the_data_are_destroyed(
    app: App, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not accepted: nothing could be answered."""
    with monkeypatch.context() as patched:
        patched.setattr(second_look, "_accept", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_second_look(app, first, 1, LETTER)
    data = app.register.file(first, Role.DATA).sha256
    app.register.retention.intend([(KeptFile(first, "court", Role.DATA, data, app.now()), "originals")], app.now())
    ((number, *_),) = app.register.retention.intended()
    with app.register.retention.destroying(number, app.now()) as destruction:
        assert destruction.allowed
        destruction.done = True
    with pytest.raises(Halt, match="past its time and was destroyed"):
        open_second_look(app, first, 1, LETTER)
    assert app.register.clock.open_batches()[-1][0].state is State.CLAIMED


def test_another_officer_than_who_decided_looks(
    app: App, world: World, court: DemoPartner, ask: Ask, people: pl.DataFrame, offenders: pl.Series
) -> None:
    person = people.filter((pl.col("oddity") == "") & pl.col("id_number").is_in(offenders.implode())).head(1)
    asked = person.select(pl.lit("H1").alias("row_ref"), "id_number", "name").write_csv().encode()
    first = sent(app, court, ask(asked, 1, items=("criminal_record",)))
    with pytest.raises(Halt, match="was not answered yet"):
        open_second_look(app, first, 1, LETTER)
    decide(app, first, 1, criminal_record="record_found")
    (release,) = proposed(app, first)
    with App.open("leader", world.config) as leader:
        leader.register.releases.approve(first, release.number, release.answers_sha256 or "")
    pipeline.issue(app, release.id)

    batch = open_second_look(app, first, 1, LETTER)
    with pytest.raises(Halt, match="another officer"):
        check_other_officer(app, app.register.batch(batch), [1])
    with App.open("another", world.config) as another:
        check_other_officer(another, app.register.batch(batch), [1])
        decide(another, batch, 1, identity="consistent", criminal_record="no_record")
    (release,) = proposed(app, batch)
    assert (release.needs_approval, release.upheld) == (True, 1)
    shown = release.answers_sha256 or ""
    for barred in ("test", "another"):  # who decided the row before, and who decided it now
        with App.open(barred, world.config) as who, pytest.raises(Halt, match="another leader"):
            approve(who, batch, release.number, shown)
    with App.open("leader", world.config) as leader:
        approve(leader, batch, release.number, shown)
    assert app.register.attested(batch).release(release.number).judged_by == "leader"


def test_no_record_again_is_no_other_answer(
    app: App, world: World, court: DemoPartner, ask: Ask, people: pl.DataFrame, offenders: pl.Series
) -> None:
    """The first answer waited for the leader in the first result; what left is what counts."""
    person = people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(offenders.implode())).head(1)
    asked = person.select(pl.lit("N1").alias("row_ref"), "id_number", "name").write_csv().encode()
    monthly = {"cycle": "monthly", "period": f"{office_day(app.now()):%Y-%m}"}
    first = sent(app, court, ask(asked, 1, items=("criminal_record",), **monthly))
    with App.open("leader", world.config) as leader:
        for release in proposed(app, first):
            leader.register.releases.approve(first, release.number, release.answers_sha256 or "")
            pipeline.issue(app, release.id)
    batch = open_second_look(app, first, 1, LETTER)
    decide(app, batch, 1, identity="consistent", criminal_record="no_record")
    (release,) = proposed(app, batch)
    assert release.upheld == 0


@pytest.mark.parametrize(("row", "says"), [(3, "has rows 1 to 2"), (0, "has rows 1 to 2")])
def test_what_was_not_answered_is_not_looked_at_again(app: App, first: str, row: int, says: str) -> None:
    with pytest.raises(Halt, match=says):
        open_second_look(app, first, row, LETTER)


def test_neither_an_objection_nor_a_bad_letter(app: App, first: str) -> None:
    batch = open_second_look(app, first, 1, LETTER)
    with pytest.raises(Halt, match="objection itself"):
        open_second_look(app, batch, 1, LETTER)
    with pytest.raises(Halt, match="control characters"):
        open_second_look(app, first, 1, "两\n行")
