"""A whole round, cut off at any file that it sends: the next one makes up for it."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange import pipeline
from exchange.agreements.sections import Expected
from exchange.app import App
from exchange.base.duty import WATCH, Duties
from exchange.base.errors import Retryable
from exchange.base.paths import DAGS, ROOT
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.settings_sections import Person, RetentionDays
from exchange.watch.all_watches import round_ended, watch_all
from exchange.wire.transport import Folder
from tests.register.stopping import stop

Accepted = Callable[..., str]
Later = Callable[[timedelta], App]
ROUNDS = 7


@pytest.fixture
def purpose(app: App, court: DemoPartner) -> Iterator[str]:
    """A purpose for which a monthly set was expected these last months, and has not come."""
    path = app.settings.agreements / f"{court.id}.toml"
    before = path.read_text(encoding="utf-8")
    first = (office_day(app.now()).replace(day=1) - timedelta(days=40)).replace(day=1)
    path.write_text(
        f'{before}\n[[purposes]]\ncode = "round"\nzh = "虚构"\nlegal_basis = "虚构第一条"\nitems = ["name"]\n'
        f'[[expected]]\ncycle = "monthly"\npurpose = "round"\nday = 1\ncounting = "days"\nsince = {first}\n',
        encoding="utf-8",
    )
    yield "round"
    path.write_text(before, encoding="utf-8")


def test_airflow_runs_every_part_of_a_round() -> None:
    """Its tasks are the parts; one that was added to the round alone was never run in an office."""
    (round_,) = ast.parse(inspect.getsource(watch_all)).body
    called = {
        node.func.id for node in ast.walk(round_) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    parts = called - {"Round"}
    assert len(parts) >= 4
    text = (DAGS / "deadline_watch.py").read_text("utf-8")
    assert sorted(part for part in parts if part not in text) == []


@pytest.mark.parametrize("part", ["counted", "due", "ahead"])
@pytest.mark.parametrize("long_ago", [False, True])
def test_a_round_is_whole_by_what_its_parts_say_themselves(app: App, part: str, *, long_ago: bool) -> None:
    """In Airflow a part may be marked as done, and the last task of an old run be cleared: nobody watched, and nobody
    was told so for three hours.
    """
    duties = Duties.of_home(app.settings.home)
    watch_all(app)
    sign, whole = duties.folder / f"{WATCH}.{part}", duties.folder / WATCH
    whole.unlink()
    if long_ago:
        os.utime(sign, (then := time.time() - 7200, then))
    else:
        sign.unlink()
    assert not round_ended(app, [])
    assert not whole.exists()
    watch_all(app)
    assert whole.exists()


def test_cut_off_at_any_file_that_it_sends(
    app: App,
    later: Later,
    court: DemoPartner,
    ask: Callable[..., Request],
    accepted: Accepted,
    purpose: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = accepted(app)
    stop(app.register, stopped, app.now(), "record_unclear")
    old = ask(cycle="monthly", period=f"{office_day(app.now()):%Y-%m}")
    court.drop(court.make_set(old))
    poll(later(timedelta(days=-30)))
    pipeline.receive(app, old.batch)

    deliver, troubles = Folder._deliver, 0
    for fatal in range(ROUNDS):
        count = itertools.count()

        def cut(self: Folder, *file: Any, fatal: int = fatal, count: Iterator[int] = count) -> None:
            if next(count) >= fatal:
                msg = "cut off"
                raise Retryable(msg)
            deliver(self, *file)

        with monkeypatch.context() as patched:
            patched.setattr(Folder, "_deliver", cut)
            troubles += any("cut off" in trouble for trouble in watch_all(app).troubles)
    assert troubles >= 4, "the receipt, then two reminders or more, each after its signature"
    watch_all(app)
    again = {each.subject for each in watch_all(app).alerts}
    assert not again & {stopped, old.batch}, "said once; other tests' batches may come of age in this very moment"

    assert app.register.batch(stopped).receipts_sent == 2
    assert court.verified(f"{stopped}.receipt-2.json")["due"]["clock_stands"] is True
    assert f"{stopped}.receipt-3.json" not in court.answers()
    alerts = [each for each in app.register.alerts.find(partner=court.id) if each.subject == old.batch]
    assert sorted(each.code for each in alerts) == ["days_left", "days_left", "due_today", "half", "late"]
    lines = [line for line in app.register.missing.find(partner=court.id) if line.purpose == purpose]
    assert {line.reminders for line in lines} == {1}
    for line in lines:
        notice = court.verified(f"{court.id}.expected.monthly-{line.period}.{purpose}.notice.json")
        assert (notice["code"], notice["reminder"]) == ("set_expected", 1)
    app.register.verify()


def test_the_examples_of_the_operators_handbook_hold(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    named = ("[[people]]", "[[days]]", "[[expected]]", "[retention]")
    people, days, expected, retention = (next(each for each in blocks if name in each) for name in named)
    (person,) = tomllib.loads(people)["people"]
    assert Person.model_validate(person).offices
    (tmp_path / "days.toml").write_text(days, encoding="utf-8")
    assert len(load_office_days(tmp_path / "days.toml")) == 1
    (entry,) = tomllib.loads(expected)["expected"]
    assert Expected.model_validate(entry).cycle == "monthly"
    assert RetentionDays.model_validate(tomllib.loads(retention)["retention"]) == RetentionDays()


def test_the_ledger_names_each_alert_of_a_batch(app: App, later: Later, accepted: Accepted) -> None:
    batch = accepted(app)
    watch_all(later(timedelta(days=90)))
    told = {name for step in app.register.steps(batch) for name in json.loads(step.facts) if "alert" in name}
    assert told == {"alert.half", "alert.days_left2", "alert.days_left1", "alert.due_today", "alert.late"}
