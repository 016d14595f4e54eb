"""A whole round, cut off at any file that it sends: the next one makes up for it."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.agreements import Expected
from exchange.collect import sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.errors import Retryable
from exchange.office import Office
from exchange.office_days import load_office_days
from exchange.places import ROOT
from exchange.settings import RetentionDays
from exchange.transport import Folder
from exchange.watch.round import watch_all
from exchange.working_days import office_day

Accepted = Callable[..., str]
Later = Callable[[timedelta], Office]
ROUNDS = 7


@pytest.fixture
def purpose(office: Office, court: DemoPartner) -> Iterator[str]:
    """A purpose for which a monthly set was expected these last months, and has not come."""
    path = office.settings.agreements / f"{court.id}.toml"
    before = path.read_text(encoding="utf-8")
    first = (office_day(office.now()).replace(day=1) - timedelta(days=40)).replace(day=1)
    path.write_text(
        f'{before}\n[[purposes]]\ncode = "round"\nzh = "虚构"\nlegal_basis = "虚构第一条"\nitems = ["name"]\n'
        f'[[expected]]\ncycle = "monthly"\npurpose = "round"\nday = 1\ncounting = "days"\nsince = {first}\n',
        encoding="utf-8",
    )
    yield "round"
    path.write_text(before, encoding="utf-8")


def test_cut_off_at_any_file_that_it_sends(
    office: Office,
    later: Later,
    court: DemoPartner,
    ask: Callable[..., Request],
    accepted: Accepted,
    purpose: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = accepted(office)
    office.register.clock.stop(stopped, office.now(), "record_unclear")
    old = ask(cycle="monthly", period=f"{office_day(office.now()):%Y-%m}")
    court.drop(court.make_set(old))
    sweep(later(timedelta(days=-30)))
    pipeline.receive(office, old.batch)

    deliver, troubles = Folder.deliver, 0
    for fatal in range(ROUNDS):
        count = itertools.count()

        def cut(self: Folder, name: str, source: Path, fatal: int = fatal, count: Iterator[int] = count) -> None:
            if next(count) >= fatal:
                msg = "cut off"
                raise Retryable(msg)
            deliver(self, name, source)

        with monkeypatch.context() as patched:
            patched.setattr(Folder, "deliver", cut)
            troubles += any("cut off" in trouble for trouble in watch_all(office).troubles)
    assert troubles >= 4, "the receipt, then two reminders or more, each after its signature"
    watch_all(office)
    assert watch_all(office).alerts == []

    assert office.register.batch(stopped).receipts_sent == 2
    assert court.verified(f"{stopped}.receipt-2.json")["due"]["clock_stands"] is True
    assert f"{stopped}.receipt-3.json" not in court.answers()
    alerts = [each for each in office.register.alerts.find(partner=court.id) if each.subject == old.batch]
    assert sorted(each.code for each in alerts) == ["days_left", "days_left", "due_today", "half", "late"]
    lines = [line for line in office.register.missing.find(partner=court.id) if line.purpose == purpose]
    assert {line.reminders for line in lines} == {1}
    for line in lines:
        notice = court.verified(f"{court.id}.expected.monthly-{line.period}.{purpose}.notice.json")
        assert (notice["code"], notice["reminder"]) == ("set_expected", 1)
    office.register.verify()


def test_the_examples_of_the_operators_handbook_hold(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    days, expected, retention = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "days.toml").write_text(days, encoding="utf-8")
    assert len(load_office_days(tmp_path / "days.toml")) == 1
    (entry,) = tomllib.loads(expected)["expected"]
    assert Expected.model_validate(entry).cycle == "monthly"
    assert RetentionDays.model_validate(tomllib.loads(retention)["retention"]) == RetentionDays()


def test_the_ledger_names_each_alert_of_a_batch(office: Office, later: Later, accepted: Accepted) -> None:
    batch = accepted(office)
    watch_all(later(timedelta(days=90)))
    told = {name for step in office.register.steps(batch) for name in json.loads(step.facts) if "alert" in name}
    assert told == {"alert.half", "alert.days_left2", "alert.days_left1", "alert.due_today", "alert.late"}
