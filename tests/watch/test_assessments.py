"""The end of an assessment of the effect on personal information: the office is told three times, once each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.cli.partner import _warn
from exchange.demo.partner import DemoPartner
from exchange.pages.troubles import troubles
from exchange.register import Alert
from exchange.watch.assessments import AssessmentsSeen, watch_assessments

DAY = timedelta(days=1)


@pytest.fixture
def agreement(app: App, court: DemoPartner) -> Iterator[str]:
    """The court's file as it stands; what a test writes into it is taken back."""
    path = app.agreement_file(court.id)
    before = path.read_text(encoding="utf-8")
    yield before
    path.write_text(before, encoding="utf-8")


def end(app: App, court: DemoPartner) -> date:
    found = app.agreement(court.id).assessment
    assert found is not None
    return found.ends_on


def looked(app: App, moment: datetime) -> AssessmentsSeen:
    return watch_assessments(App(app.settings, app.register, lambda: moment))


def of(alerts: list[Alert], partner: str) -> list[tuple[str, int]]:
    return [(each.code, each.days) for each in alerts if each.partner == partner]


def shortened(app: App, court: DemoPartner, text: str, days: int) -> date:
    """The assessment ends in so many days, the agreement much later."""
    last = office_day(app.now()) + days * DAY
    edited, count = re.subn(r"(\[assessment\]\n.*\n.*\nends_on = ).*", rf"\g<1>{last}", text)
    assert count == 1
    app.agreement_file(court.id).write_text(edited, encoding="utf-8")
    return last


def test_the_office_is_told_once_at_each_step(app: App, court: DemoPartner, agreement: str) -> None:
    shortened(app, court, agreement, 200)
    told, bad = {}, {}
    for left in (61, 60, 45, 30, 29, 7, 3, 0, -1, -2):
        seen = looked(app, app.now() + (200 - left) * DAY)
        told[left] = of(seen.alerts, court.id)
        bad[left] = [trouble for trouble in seen.troubles if trouble.startswith(court.id)]
    assert {left: kinds for left, kinds in told.items() if kinds} == {
        60: [("assessment_ends", 60)],
        30: [("assessment_ends", 30)],
        7: [("assessment_ends", 7)],
        -1: [("assessment_ended", 0)],
    }
    assert [left for left, said in bad.items() if said] == [7, 3, 0, -1, -2]


def test_after_a_standstill_the_nearest_alone(app: App, court: DemoPartner, agreement: str) -> None:
    shortened(app, court, agreement, 150)
    assert of(looked(app, app.now() + 147 * DAY).alerts, court.id) == [("assessment_ends", 7)]


def test_of_an_agreement_that_is_over_nothing_is_told(app: App, court: DemoPartner, agreement: str) -> None:
    assert agreement
    after = app.agreement(court.id).in_force_until - office_day(app.now()) + DAY
    seen = looked(app, app.now() + after)
    assert of(seen.alerts, court.id) == []
    assert seen.troubles == []


@pytest.mark.parametrize(("days", "says"), [(61, ""), (60, "ends on"), (0, "ends on"), (-1, "nothing is accepted")])
def test_check_and_page_warn_sixty_days_before(
    app: App, court: DemoPartner, agreement: str, days: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shortened(app, court, agreement, days)
    _warn(app.agreement(court.id), office_day(app.now()))
    said = " ".join(capsys.readouterr().err.split())
    assert bool(said) == bool(says)
    assert says in said
    on_page = [each for each in troubles(app) if each.about == court.id and "影响评估" in each.words.zh]
    assert bool(on_page) == bool(says)


def test_one_in_force_that_names_none_is_a_trouble(app: App, court: DemoPartner, agreement: str) -> None:
    without = re.sub(r"\[assessment\]\n.*\n.*\n.*", "", agreement)
    app.agreement_file(court.id).write_text(without, encoding="utf-8")
    assert any("[assessment]" in trouble for trouble in looked(app, app.now()).troubles)
