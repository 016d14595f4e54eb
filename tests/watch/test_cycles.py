"""A partner that sends nothing, late, early, twice, or for another time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from exchange import pipeline
from exchange.agreements.expected import expected_by
from exchange.app import App
from exchange.calendar.periods import Period, period_of
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.pages.troubles import troubles
from exchange.register import MissingSet
from exchange.watch.cycles import watch_cycles
from exchange.watch.lacking import missing_now

At = Callable[[datetime], App]
_numbers = itertools.count(1)
BASIS = "社会保险法第七十四条"


@pytest.fixture
def social(world: World) -> DemoPartner:
    return demo_partner(world, PARTNERS[2])


class Expectation:
    """A purpose of its own, expected half-yearly by the fifth working day after the period."""

    def __init__(self, app: App, partner: DemoPartner) -> None:
        self.app, self.partner = app, partner
        self.purpose = f"cycles_{next(_numbers)}"
        self.path = app.settings.agreements / f"{partner.id}.toml"
        self.before = self.path.read_text(encoding="utf-8")
        self.period: Period = period_of("half_yearly", office_day(app.now()))
        items = 'items = ["id_number", "name"]'
        self.path.write_text(
            f'{self.before}\n[[purposes]]\ncode = "{self.purpose}"\nzh = "虚构"\nlegal_basis = "{BASIS}"\n{items}\n'
            f'[[expected]]\ncycle = "half_yearly"\nday = 5\ncounted_from = "end"\npurpose = "{self.purpose}"\n'
            f"since = {self.period.first}\n",
            encoding="utf-8",
        )
        agreement = app.agreement(partner.id)
        (expected,) = agreement.expected
        self.by = expected_by(expected, self.period, app.office_days)

    @property
    def about(self) -> str:
        return f"{self.partner.id}.expected.half_yearly-{self.period.name}.{self.purpose}"

    def moment(self, days: int) -> datetime:
        """Noon, so many days after the day by which the set is expected."""
        day = self.by + timedelta(days=days)
        return datetime(day.year, day.month, day.day, 12, tzinfo=OFFICE_ZONE)

    def line(self) -> MissingSet | None:
        lines = self.app.register.missing.find(partner=self.partner.id, every=True)
        return next((line for line in lines if line.purpose == self.purpose), None)

    def drop(self, period: str | None = None, rows: int = 1) -> str:
        batch = f"{self.partner.id}.{self.purpose.replace('_', '-')}-{next(_numbers)}"
        request = Request(
            batch, "half_yearly", period or self.period.name, self.purpose, BASIS, ("id_number", "name"), rows,
            b"row_ref,id_number,name\nR1,,\n",
        )  # fmt: skip
        self.partner.drop(self.partner.make_set(request))
        return batch

    def send(self, app: App, period: str | None = None, rows: int = 1) -> str:
        """Drops a set and lets it be judged; the batch id."""
        batch = self.drop(period, rows)
        assert batch in poll(app).waiting
        pipeline.run(app, batch)
        return batch

    def reminded(self, app: App) -> list[str]:
        return [about for about in watch_cycles(app).reminded if about == self.about]


@pytest.fixture
def expectation(app: App, social: DemoPartner) -> Iterator[Expectation]:
    made = Expectation(app, social)
    yield made
    made.path.write_text(made.before, encoding="utf-8")


def test_a_partner_that_sends_nothing(app: App, at: At, expectation: Expectation) -> None:
    assert expectation.reminded(at(expectation.moment(0))) == []
    assert expectation.line() is None

    seen = watch_cycles(at(expectation.moment(1)))
    (alert,) = [each for each in seen.alerts if each.subject.endswith(expectation.purpose)]
    assert (alert.code, alert.due_on, alert.true_on) == (
        "missing",
        expectation.by,
        expectation.by + timedelta(days=1),
    )
    assert seen.reminded.count(expectation.about) == 1
    notice = expectation.partner.verified(f"{expectation.about}.notice.json")
    assert {name: notice[name] for name in ("code", "cycle", "period", "purpose", "expected_by", "reminder")} == {
        "code": "set_expected",
        "cycle": "half_yearly",
        "period": expectation.period.name,
        "purpose": expectation.purpose,
        "expected_by": str(expectation.by),
        "reminder": 1,
    }

    again = watch_cycles(at(expectation.moment(1)))
    assert [each for each in again.alerts if each.subject.endswith(expectation.purpose)] == []
    assert expectation.reminded(at(expectation.moment(7))) == []
    assert expectation.reminded(at(expectation.moment(8))) == [expectation.about]
    assert expectation.reminded(at(expectation.moment(100))) == [expectation.about], "one after a standstill"
    assert expectation.reminded(at(expectation.moment(107))) == [expectation.about]
    assert expectation.reminded(at(expectation.moment(114))) == [], "four are enough"
    assert expectation.partner.verified(f"{expectation.about}.notice-4.json")["reminder"] == 4


@pytest.mark.parametrize(
    ("former", "present", "lacks"),
    [
        ("since = {first}\n", "since = {first}\n", True),
        ("since = {first}\n", "since = {next}\n", False),  # expected from the next period on
        ("day = 5", "day = 25", False),  # it has got more time
        ("\nlevel =", '\nstage = "test"\nlevel =', False),
        ("since = {first}\n", "since = 某日\n", True),  # nobody can say what it expects
    ],
)
def test_what_is_no_longer_expected_lacks_nowhere(
    app: App, at: At, expectation: Expectation, former: str, present: str, lacks: bool
) -> None:
    after = at(expectation.moment(1))
    watch_cycles(after)
    assert expectation.line() is not None
    days = {"first": expectation.period.first, "next": expectation.period.following.first}
    text = expectation.path.read_text(encoding="utf-8")
    expectation.path.write_text(text.replace(former.format(**days), present.format(**days)), encoding="utf-8")
    found = {(line.partner, line.purpose) for line in missing_now(after)}
    assert ((expectation.partner.id, expectation.purpose) in found) == lacks
    board = [each.about for each in troubles(after) if expectation.purpose in each.words.zh]
    assert board.count(expectation.partner.id) == lacks
    assert expectation.line() is not None, "the register keeps it"


def test_what_lies_in_the_folder_is_not_missing(app: App, at: At, expectation: Expectation) -> None:
    """The collector did not run for days, and the watch comes first."""
    batch = expectation.drop()
    assert expectation.reminded(at(expectation.moment(1))) == []
    assert expectation.line() is None
    pipeline.run(app, batch)
    assert expectation.reminded(at(expectation.moment(1))) == []


def test_what_comes_late_is_accepted_and_noted(app: App, at: At, expectation: Expectation) -> None:
    watch_cycles(at(expectation.moment(1)))
    late = at(expectation.moment(3))
    batch = expectation.send(late)
    assert app.register.batch(batch).arrival == "late"
    assert expectation.reminded(at(expectation.moment(30))) == []
    line = expectation.line()
    assert line is not None
    assert (line.arrived_at, line.reminders) == (late.now(), 1)


def test_what_comes_in_time_and_early(app: App, expectation: Expectation) -> None:
    assert app.register.batch(expectation.send(app)).arrival == "on_time"
    early = expectation.send(app, expectation.period.following.name)
    assert app.register.batch(early).arrival == "early"


@pytest.mark.parametrize(("years", "code"), [(2, "period_ahead"), (-3, "period_past")])
def test_out_of_period(app: App, expectation: Expectation, years: int, code: str) -> None:
    year, half = expectation.period.name.split("-")
    batch = expectation.send(app, f"{int(year) + years}-{half}")
    assert app.register.batch(batch).refusal_code == code
    refusal = expectation.partner.verified(f"{batch}.receipt.json")["refusal"]
    assert (refusal["code"], refusal["column"]) == (code, "period")


def test_twice(app: App, expectation: Expectation) -> None:
    refused = expectation.send(app, rows=2)
    assert app.register.batch(refused).refusal_code == "row_count"
    first = expectation.send(app)
    assert app.register.batch(first).refusal_code is None, "a correction after a refusal"
    second = expectation.send(app)
    assert app.register.batch(second).refusal_code == "period_doubled"
    assert expectation.partner.verified(f"{second}.receipt.json")["refusal"]["code"] == "period_doubled"
    following = expectation.send(app, expectation.period.following.name)
    assert app.register.batch(following).refusal_code is None


def test_a_partner_in_trouble_is_missed_and_reminded_later(
    world: World, app: App, at: At, expectation: Expectation
) -> None:
    expectation.partner.server.stop()
    try:
        seen = watch_cycles(at(expectation.moment(1)))
    finally:
        world.start_servers()
    assert any(each.subject.endswith(expectation.purpose) for each in seen.alerts)
    assert expectation.about not in seen.reminded
    assert expectation.partner.id in seen.troubles[0]
    assert expectation.reminded(at(expectation.moment(2))) == [expectation.about]
