"""The status file at a real partner's folder: signed, the newest, the same bytes while nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.files import make_folder
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.cli.notice import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.settings import ENVIRONMENT_VARIABLE
from exchange.status.facts import status_of
from exchange.status.moved import changed_partners, keep
from exchange.status.publish import publish, publish_all
from exchange.steps.second_look import open_second_look
from exchange.wire.status import Status

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOON = time(12, tzinfo=OFFICE_ZONE)
Ask = Callable[..., Request]
Later = Callable[[timedelta], App]


def told(partner: DemoPartner) -> dict[str, Any]:
    """What the signed file says, its page held against the hash in it."""
    status = partner.verified("status.json")
    assert status["format"] == "exchange-status/1"
    assert status["page"]["sha256"] == sha256(partner.fetch("status.html").read_bytes()).hexdigest()
    return status


def of(status: dict[str, Any], batch: str) -> dict[str, Any]:
    (found,) = [each for each in status["batches"] if each["batch"] == batch]
    return dict(found)


def put(app: App, partner: DemoPartner) -> dict[str, Any]:
    publish(app, partner.id, again=True)
    return told(partner)


def test_it_follows_a_set_from_its_receipt_to_its_result(app: App, court: DemoPartner, ask: Ask, later: Later) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    stages, minute = [], 1

    def look() -> dict[str, Any]:
        nonlocal minute
        minute += 1
        found = put(later(minute * MINUTE), court)
        stages.append(of(found, request.batch)["stage"])
        return found

    assert "cycle" not in of(look(), request.batch)  # nothing is trusted yet
    pipeline.receive(app, request.batch)
    receipt = court.verified(f"{request.batch}.receipt.json")
    assert of(look(), request.batch)["due"] == receipt["due"]
    pipeline.process(app, request.batch)
    look()
    pipeline.deliver(app, request.batch)
    last = look()
    assert stages == ["received", "in_work", "in_work", "answered"]
    assert f"{request.batch}.result.csv.p7m" in {each["name"] for each in last["results"]}
    court.drop({f"{request.batch}.result.ack": b""})
    poll(app)
    assert request.batch not in {each["batch"] for each in look()["results"]}


def test_a_refusal_has_its_sentence_and_its_place(app: App, court: DemoPartner, ask: Ask, later: Later) -> None:
    request = ask(purpose="something_else")
    court.drop(court.make_set(request))
    poll(app)
    assert not pipeline.receive(app, request.batch)
    receipt = court.verified(f"{request.batch}.receipt.json")
    assert of(put(later(30 * MINUTE), court), request.batch)["refusal"] == receipt["refusal"]
    assert receipt["refusal"]["zh"] in court.fetch("status.html").read_text("utf-8")


def test_what_is_missing_of_a_set_is_said(app: App, court: DemoPartner, ask: Ask, later: Later) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop({name: content for name, content in files.items() if not name.endswith(".p7s")})
    poll(app)
    (found,) = put(later(31 * MINUTE), court)["incomplete"]
    assert (found["about"], found["code"]) == (request.batch, "signature_missing")


def test_the_same_bytes_while_nothing_changes_and_at_most_one_a_minute(app: App, court: DemoPartner, ask: Ask) -> None:
    start = app.now() + 60 * MINUTE

    def at(minutes: float) -> App:
        return App(app.settings, app.register, lambda: start + minutes * MINUTE)

    publish(at(0), court.id, again=True)
    first = court.fetch("status.json").read_bytes()
    assert not publish(at(5), court.id)
    publish(at(6), court.id, again=True)
    assert court.fetch("status.json").read_bytes() == first
    court.drop(court.make_set(ask()))
    poll(app)
    assert publish(at(7), court.id)
    court.drop(court.make_set(ask()))
    poll(app)
    assert not publish(at(7.5), court.id)
    assert publish(at(8), court.id)


def test_a_clock_that_goes_back_holds_nothing_up(app: App, court: DemoPartner, ask: Ask, later: Later) -> None:
    publish(later(80 * MINUTE), court.id, again=True)
    for minute in (79.9, 60, 61.5, 85):
        request = ask()
        court.drop(court.make_set(request))
        poll(app)
        assert publish(later(minute * MINUTE), court.id)
        assert of(told(court), request.batch)["stage"] == "received"


def test_what_a_killed_try_left_is_put_at_the_next(app: App, court: DemoPartner, later: Later) -> None:
    """Killed before each file that is put, and while they are made: the next try puts a whole, verified set."""
    folder = app.settings.home / "status" / court.id
    publish(later(90 * MINUTE), court.id)
    for minute, left_out in enumerate(("sent", "status.json", "status.html", "status.json.p7s"), start=91):
        (folder / left_out).unlink()
        if left_out == "status.json.p7s":
            (folder / "status.json").unlink()  # which is written after it
        assert publish(later(minute * MINUTE), court.id), left_out  # a later minute: the making says when it was
        told(court)


def test_what_is_in_the_way_of_one_partners_file_here_holds_up_no_others(
    app: App, education: DemoPartner, later: Later
) -> None:
    """Somebody else's folder among the office's own: not even that it failed can be noted there."""
    folder, aside = (app.settings.home / "status" / name for name in (PARTNERS[0].id, "aside"))
    (app.settings.home / "status" / education.id / "sent").unlink(missing_ok=True)
    (app.settings.home / "status" / "seen.json").unlink(missing_ok=True)
    make_folder(folder).rename(aside)
    folder.touch()
    try:
        (trouble,) = publish_all(later(240 * MINUTE))
    finally:
        folder.unlink()
        aside.rename(folder)
    assert trouble.startswith(f"{PARTNERS[0].id}: status file: the office's own disk")
    assert (app.settings.home / "status" / education.id / "sent").exists()
    assert publish_all(later(241 * MINUTE)) == []


def test_one_partners_trouble_is_not_anothers(world: World, app: App, education: DemoPartner, later: Later) -> None:
    """The court's server is gone: it is named once in five minutes, the others have their files."""
    court = world.sftp(PARTNERS[0].id)
    for each in PARTNERS[:2]:
        (app.settings.home / "status" / each.id / "sent").unlink(missing_ok=True)
    (app.settings.home / "status" / "seen.json").unlink(missing_ok=True)
    court.stop()
    try:
        (trouble,) = publish_all(later(120 * MINUTE))
        assert trouble.startswith(f"{PARTNERS[0].id}: status file: SFTP server")
        assert publish_all(later(123 * MINUTE)) == []
    finally:
        world.start_servers()
    assert publish_all(later(126 * MINUTE)) == []
    assert PARTNERS[0].id not in json.dumps(told(education), ensure_ascii=False)


def test_a_second_look_opened_here_is_told_to_nobody(app: App, court: DemoPartner, ask: Ask, later: Later) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    before = put(later(150 * MINUTE), court)
    opened = open_second_look(app, request.batch, 1, "来信〔虚构〕9号")
    assert app.register.batch(opened).state is State.DELIVERED
    assert put(later(152 * MINUTE), court)["batches"] == before["batches"]


def test_maintenance_is_told_until_it_is_over_or_withdrawn(
    world: World, app: App, court: DemoPartner, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(world.config))
    run = CliRunner().invoke
    assert run(commands, ["maintenance", "2099-12-05 20:00", "2099-12-05 22:00"]).exit_code == 0
    (found,) = put(later(200 * MINUTE), court)["maintenance"]
    assert found["begins_at"] == "2099-12-05T20:00:00+08:00"
    assert found["zh"] in court.fetch("status.html").read_text("utf-8")
    assert run(commands, ["withdraw", str(found["number"])]).exit_code == 0
    assert put(later(202 * MINUTE), court)["maintenance"] == []
    for wrong in (
        ["maintenance", "2099-12-05 22:00", "2099-12-05 20:00"],
        ["maintenance", "2001-12-05 20:00", "2001-12-05 22:00"],
        ["maintenance", "2099-12-05 20:00", "2099-12-05 22:00", "--zh", "问 220104199001011234"],
        ["withdraw", str(found["number"])],
    ):
        assert run(commands, wrong).exit_code == 70, wrong


def test_a_quiet_minute_works_nobodys_status_out_and_whoever_moved_is_told(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, worked_out = datetime.combine(office_day(app.now()) + DAY, NOON), list[str]()

    def at(minutes: float) -> App:
        return App(app.settings, app.register, lambda: start + minutes * MINUTE)

    def remember(office: App, agreement: Agreement) -> Status:
        worked_out.append(agreement.partner)
        return status_of(office, agreement)

    def look(minutes: float) -> list[str]:
        worked_out.clear()
        assert publish_all(at(minutes)) == []
        return worked_out

    (app.settings.home / "status" / "seen.json").unlink(missing_ok=True)
    monkeypatch.setattr("exchange.status.publish.status_of", remember)
    assert len(look(0)) == len(app.agreement_files())
    assert look(2) == []
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert look(4) == [court.id]
    pipeline.receive(app, request.batch)
    assert look(4.5) == [], "it moved, and is worked out a minute after the last time"
    assert of(told(court), request.batch)["stage"] == "received"
    assert look(6) == [court.id]
    assert of(told(court), request.batch)["stage"] == "in_work"
    assert look(8) == []
    court.drop({"t.request.json": b"{"})
    poll(at(9))
    poll(at(9 + 31))
    assert look(41) == [court.id]
    assert look(60 * 24) != [], "a new day"


def test_whose_status_the_offices_own_days_may_change(app: App, court: DemoPartner, tmp_path: Path) -> None:
    """By when a set is expected counts in working days."""
    days = tmp_path / "days.toml"
    days.write_text("", "utf-8")
    office = App(app.settings.model_copy(update={"office_days": days}), app.register, app.now)
    keep(office, changed_partners(office, [court.id])[1], [])
    assert changed_partners(office, [court.id])[0] == []
    days.write_text('[[days]]\nday = 2026-12-01\nis = "off"\nnotice = "某办〔虚构〕1号"\n', "utf-8")
    assert changed_partners(office, [court.id])[0] == [court.id]


def test_by_another_ledger_everybodys_status_may_have_changed(app: App, court: DemoPartner) -> None:
    """One that came back from a backup, and has as many lines again: what it lacks was told."""
    state = changed_partners(app, [court.id])[1]
    keep(app, state, [])
    assert changed_partners(app, [court.id])[0] == []
    keep(app, replace(state, head="0" * 64), [])
    assert changed_partners(app, [court.id])[0] == [court.id]
