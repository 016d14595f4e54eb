"""Two agreements that name one folder, as one does that was copied from the other: no set is taken for another's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.agreements.folders import shared_folders
from exchange.app import App
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.intake.lookout import monitor
from exchange.register import State
from exchange.status.publish import publish_all

Ask = Callable[..., Request]


@pytest.fixture
def twin(app: App, court: DemoPartner, education: DemoPartner) -> Iterator[DemoPartner]:
    """The education department, whose agreement names the court's server, account and folders, and its cycles."""
    path, copied = (app.agreement_file(partner.id) for partner in (education, court))
    before = path.read_text(encoding="utf-8")
    head, _, behind = before.partition("[sftp]")
    sftp = copied.read_text(encoding="utf-8").partition("[sftp]")[2].partition("[")[0]
    head = head.replace('cycles = ["quarterly", "annual"]', 'cycles = ["quarterly", "annual", "ad_hoc"]')
    path.write_text(f"{head}[sftp]{sftp}[{behind.partition('[')[2]}", encoding="utf-8")
    yield education
    path.write_text(before, encoding="utf-8")


def both(court: DemoPartner, twin: DemoPartner, ask: Ask) -> tuple[Request, Request]:
    """A set of each, in the one folder."""
    mine = ask()
    other = ask(
        batch=mine.batch.replace(court.id, twin.id),
        cycle="quarterly",
        period="2026-Q3",
        purpose="enrolment",
        legal_basis="义务教育法第十二条",
    )
    court.drop(court.make_set(mine))
    court.drop(twin.make_set(other))
    return mine, other


def test_each_set_is_its_own_partners_and_the_folder_is_named(
    app: App, court: DemoPartner, twin: DemoPartner, ask: Ask
) -> None:
    mine, other = both(court, twin, ask)
    polled = poll(app)
    assert set(polled.waiting) == {mine.batch, other.batch}
    assert all(any(f"{each.id}: 127.0.0.1" in trouble for trouble in polled.troubles) for each in (court, twin))
    for request in (mine, other):
        assert pipeline.run(app, request.batch)
        assert app.register.batch(request.batch).state is State.CLOSED
        court.drop({f"{request.batch}.result.ack": b""})
    poll(app)
    assert not [path for path in (court.server.home / "to-office").iterdir() if path.name != "known_hosts"]


def test_what_another_lacks_is_told_about_that_set_alone(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, twin: DemoPartner, ask: Ask
) -> None:
    """Half a set of the other partner is that partner's, for whose set it counts once it is whole."""
    request = ask(batch=f"{twin.id}.half")
    court.drop({name: content for name, content in twin.make_set(request).items() if "csv" in name})
    for office in (app, later(timedelta(minutes=31))):
        poll(office)
    told = app.register.unfinished
    assert [each.stem for each in told.all(twin.id)] == [request.batch]
    assert not told.all(court.id)


def test_no_status_file_lies_there_as_it_would_be_one_of_the_two(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, twin: DemoPartner, ask: Ask
) -> None:
    """Of both each minute's took the other's place; once each has a folder of its own both are put."""
    both(court, twin, ask)
    poll(app)
    assert publish_all(app) == []
    assert not [path.name for path in (court.server.home / "from-office").iterdir() if "status" in path.name]
    path = app.agreement_file(twin.id)
    folders = '[sftp]\nrequests = "to-office-2"\nresults = "from-office-2"\n'
    path.write_text(path.read_text(encoding="utf-8").replace("[sftp]\n", folders), encoding="utf-8")
    own = court.server.home / "from-office-2"
    own.mkdir(exist_ok=True)
    try:
        assert publish_all(later(timedelta(minutes=6))) == []
        assert json.loads((own / "status.json").read_bytes())["partner"] == twin.id
        assert court.verified("status.json")["partner"] == court.id
    finally:
        shutil.rmtree(own)


def test_so_it_is_with_the_lookout(app: App, court: DemoPartner, twin: DemoPartner, ask: Ask) -> None:
    mine, other = both(court, twin, ask)
    assert {batch for batch, _ in monitor(app, 6.0)} == {mine.batch, other.batch}


def test_a_name_that_begins_with_another_partners_id_is_nobody_elses_in_a_folder_of_ones_own(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    """Whoever names a set so gets an answer, as ever."""
    request = ask(batch=f"{education.id}.mine")
    court.drop(court.make_set(request))
    (batch,) = poll(app).waiting
    assert batch.startswith(f"{court.id}.set-")
    assert not pipeline.run(app, batch)


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, {"a", "b"}),
        ({"host": "SFTP.example", "requests": "./in/", "results": "out/"}, {"a", "b"}),
        ({"requests": "b-in"}, {"a", "b"}),
        ({"requests": "out", "results": "b-out"}, {"a", "b"}),
        ({"requests": "same", "results": "same"}, {"b"}),
        ({"requests": "b-in", "results": "b-out"}, set()),
        ({"username": "b"}, set()),
        ({"port": 2222}, set()),
    ],
)
def test_which_folders_are_one(app: App, court: DemoPartner, changes: dict[str, object], shared: set[str]) -> None:
    """In whatever way they are written, and whichever of the two it is."""
    sftp = app.agreement(court.id).sftp.model_copy(
        update={"host": "sftp.example", "port": 22, "username": "a", "requests": "in", "results": "out"}
    )
    first = app.agreement(court.id).model_copy(update={"partner": "a", "sftp": sftp})
    second = first.model_copy(update={"partner": "b", "sftp": sftp.model_copy(update=changes)})
    assert set(shared_folders([first, second])) == shared


def test_the_check_of_all_agreements_fails(world: World, twin: DemoPartner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    ended = CliRunner().invoke(commands, ["partner", "check"])
    assert ended.exit_code == 70
    assert "须各用各的" in ended.output
    assert twin.id in ended.output
