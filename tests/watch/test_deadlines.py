"""The watch: every warning, alarm and breach once, after standstill too, with Airflow having no part in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta

from exchange import pipeline
from exchange.app import App
from exchange.calendar.due_warnings import DAYS_LEFT, DUE_TODAY, HALF, LATE
from exchange.calendar.working_days import OFFICE_ZONE, due_date
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Alert, State
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.message import compose
from tests.register.stopping import stop

At = Callable[[datetime], App]
Accepted = Callable[..., str]
Later = Callable[[timedelta], App]


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=OFFICE_ZONE)


def of(batch: str, alerts: list[Alert]) -> list[tuple[str, int, date]]:
    return [(each.code, each.days, each.true_on) for each in alerts if each.subject == batch]


def test_day_by_day(app: App, at: At, accepted: Accepted) -> None:
    batch = accepted(app)
    found = app.register.batch(batch)
    assert found.due_on is not None
    days = due_date("monthly", found.received_at.astimezone(OFFICE_ZONE).date(), app.office_days).counted
    told: dict[date, list[tuple[str, int, date]]] = {}
    for number in range(1, 20):
        today = days[0] + timedelta(days=number - 1)
        for _ in range(2):
            told.setdefault(today, []).extend(of(batch, watch_deadlines(at(noon(today)))))
    after = found.due_on + timedelta(days=1)
    assert {day: each for day, each in told.items() if each} == {
        days[2]: [(HALF, 0, days[2]), (DAYS_LEFT, 2, days[2])],
        days[3]: [(DAYS_LEFT, 1, days[3])],
        days[4]: [(DUE_TODAY, 0, days[4])],
        after: [(LATE, 0, after)],
    }
    assert json.loads(app.register.steps(batch)[-1].facts) == {"alert.late": str(after)}
    app.register.verify()


def test_after_standstill_each_is_found_once_with_the_day_on_which_it_should_have_been(
    app: App, at: At, accepted: Accepted
) -> None:
    batch = accepted(app)
    due = app.register.batch(batch).due_on
    assert due is not None
    back = at(noon(due + timedelta(days=30)))
    found = [each for each in watch_deadlines(back) if each.subject == batch]
    assert [each.code for each in found] == [HALF, DAYS_LEFT, DAYS_LEFT, DUE_TODAY, LATE]
    assert found[-1].true_on == due + timedelta(days=1)
    assert {each.noticed_at for each in found} == {back.now()}
    assert of(batch, watch_deadlines(back)) == []


def test_a_batch_that_nobody_judged_is_watched_by_what_its_manifest_states(
    app: App, at: At, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    """Its DAG is paused, or its step fails for days."""
    request = ask(cycle="monthly", period=f"{app.now():%Y-%m}")
    court.drop(court.make_set(request))
    poll(app)
    assert app.register.batch(request.batch).state is State.CLAIMED
    today = app.now().astimezone(OFFICE_ZONE).date()
    due = due_date("monthly", today, app.office_days)
    assert of(request.batch, watch_deadlines(at(noon(due.counted[1])))) == []
    late = watch_deadlines(at(noon(due.day + timedelta(days=1))))
    assert [each[0] for each in of(request.batch, late)] == [HALF, DAYS_LEFT, DAYS_LEFT, DUE_TODAY, LATE]
    assert pipeline.run(app, request.batch), "and it goes on all the same"


def test_a_manifest_that_cannot_be_read_is_due_at_once(app: App, later: Later, court: DemoPartner) -> None:
    batch = f"{court.id}.unreadable"
    court.drop(court.signed(batch, b'{"format": "exchange-request/1"}'))
    waited = set(app.register.waiting())
    (claimed,) = set(poll(app).waiting) - waited
    found = watch_deadlines(later(timedelta(days=1)))
    assert [each[0] for each in of(claimed, found)] == [DUE_TODAY, LATE]
    pipeline.run(app, claimed)


def test_what_came_a_moment_ago_is_let_be(app: App, later: Later, accepted: Accepted) -> None:
    batch = accepted(app, cycle="ad_hoc", period="2026-11-23")
    assert of(batch, watch_deadlines(later(timedelta(minutes=9)))) == []
    assert of(batch, watch_deadlines(later(timedelta(minutes=11))))[0][0] == DUE_TODAY


def test_a_breach_is_written_down_though_the_batch_was_closed_before_anybody_looked(
    app: App, later: Later, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    request = ask()
    court.drop(court.make_set(request))
    assert request.batch in poll(later(timedelta(days=-3))).waiting
    assert pipeline.run(app, request.batch)
    closed = app.register.batch(request.batch)
    assert closed.state is State.CLOSED
    assert closed.due_on is not None
    assert of(request.batch, watch_deadlines(app)) == [(LATE, 0, closed.due_on + timedelta(days=1))]
    assert of(request.batch, watch_deadlines(app)) == []
    app.register.verify()


def test_the_clock_is_paused_and_warnings_come_again_for_the_new_due_day(app: App, at: At, accepted: Accepted) -> None:
    batch = accepted(app)
    days = due_date("monthly", app.now().astimezone(OFFICE_ZONE).date(), app.office_days).counted
    assert len(of(batch, watch_deadlines(at(noon(days[3]))))) == 3
    stop(app.register, batch, noon(days[3]), "earlier_answer")
    assert of(batch, watch_deadlines(at(noon(days[4] + timedelta(days=20))))) == []
    start = days[4] + timedelta(days=21)
    app.register.clock.start(batch, noon(start), app.office_days)
    due = app.register.batch(batch).due_on
    assert due is not None
    found = of(batch, watch_deadlines(at(noon(due))))
    assert [each[:2] for each in found] == [(DAYS_LEFT, 1), (DUE_TODAY, 0)], "half and two days held before the stop"


def test_a_message_says_counts_and_batches_and_is_sent_once(app: App, later: Later, accepted: Accepted) -> None:
    batch = accepted(app)
    watch_deadlines(later(timedelta(days=60)))
    untold = app.register.alerts.find(untold=True)
    assert len(of(batch, untold)) == 5
    message = compose(untold)
    assert message.subject.startswith("户籍核查时限提醒：已超过办结时限 ")
    assert message.text.splitlines()[0].split("  ")[1] == "已超过办结时限 the due day has passed"
    assert any(
        line.startswith(batch) for line in compose([each for each in untold if each.subject == batch]).text.splitlines()
    )
    app.register.alerts.mark_sent(untold, app.now())
    assert app.register.alerts.find(untold=True) == []


def test_one_that_comes_a_second_time_is_known_by_its_number(app: App, later: Later, accepted: Accepted) -> None:
    """Cut off before it was written down as sent, it comes again, maybe among others."""
    for days in (60, 61):
        accepted(app)
        watch_deadlines(later(timedelta(days=days)))
    every = app.register.alerts.find(untold=True)
    first, second = compose(every[len(every) // 2 :]), compose(every)
    assert set(first.alerts) < set(second.alerts) == {alert.id for alert in every}
    by_number = {line.rpartition("  №")[2]: line for line in second.text.splitlines()}
    for line in first.text.splitlines():
        number = line.rpartition("  №")[2]
        assert int(number) in first.alerts
        assert by_number.get(number, line) == line


def test_a_long_message_ends(app: App, later: Later, accepted: Accepted) -> None:
    batch = accepted(app)
    watch_deadlines(later(timedelta(days=60)))
    alerts = [each for each in app.register.alerts.find() if each.subject == batch] * 20
    lines = compose(alerts).text.splitlines()
    assert len(lines) == 51
    assert "另有 50 条" in lines[-1]
