"""One partner in every kind of trouble at once, while three others are answered to the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import asyncssh
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.explained import explained
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.wire.transport import MAX_LISTED_FILES
from tests.steps.odd_servers import Shut, dripping, served_by
from tests.steps.test_apart import PATIENCE, hurried, put

Later = Callable[[timedelta], App]
LOOK_SECONDS = 3
ROWS = b"row_ref,id_number,name,sex\nR1,,,\n"


class Troubled(Shut):
    """Lets one manifest not be read, and nothing be put into the folder of answers: no notice arrives."""

    ending = b"shut.request.json"

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if b"from-office/" in path and pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("")
        return super().open(path, pflags, attrs)


@pytest.fixture
def in_trouble(app: App, education: DemoPartner) -> Iterator[DemoPartner]:
    """A folder with a manifest that may not be read, hostile and damaged ones, sets without an end, a name in GBK, one
    that is never read, one with an identity number, and more files than are looked at.
    """
    batch = f"{education.id}.trouble"
    period = "2026-Q4"
    whole = Request(f"{batch}-shut", "quarterly", period, "enrolment", "义务教育法第十二条", ["sex"], 1, ROWS)
    put(education, education.make_set(whole))
    hostile = {
        "deep": b"[" * 60_000,
        "number": b'{"rows": ' + b"9" * 6000 + b"}",
        "half": b'{"a": "\\ud800"}',
        "nul": b"\0",
    }
    for name, content in hostile.items():
        put(education, {f"{batch}-{name}.request.json": content, f"{batch}-{name}.request.json.p7s": b"\x30\x00"})
    put(education, {f"{batch}-alone.csv": b"x", "名单.csv": b"x", "A.CSV": b"x", "11010519491231002X.csv": b"x"})
    folder = os.fsencode(education.server.home / "to-office")
    os.mknod(folder + b"/" + "名單".encode("gbk"))
    for number in range(MAX_LISTED_FILES):
        os.mknod(folder + b"/left-%d.txt" % number)
    yield education
    for claimed in app.register.waiting():  # not the next test's
        app.register.refuse(claimed, "manifest_format", row=None, column=None)


@pytest.fixture
def others(world: World, all_partners: None, court: DemoPartner, health: DemoPartner) -> list[DemoPartner]:
    return [court, health, demo_partner(world, PARTNERS[2])]


def sets(others: list[DemoPartner], name: str) -> Iterator[tuple[DemoPartner, Request]]:
    """A sound set of each."""
    court, health, pensions = others
    mothers = b"row_ref,mother_id_number,birth_date\nR1,11010519491231002X,2026-01-05\n"
    asked = [
        (court, "ad_hoc", "2026-11-23", "case_handling", "刑事诉讼法第二百八十六条", ["sex"], ROWS),
        (health, "ad_hoc", "2026-11-23", "birth_certificate", "母婴保健法第二十三条", ["unregistered"], mothers),
        (pensions, "monthly", "2026-11", "pension", "社会保险法第七十四条", ["sex"], ROWS),
    ]
    for partner, cycle, period, purpose, basis, items, data in asked:
        yield partner, Request(f"{partner.id}.{name}", cycle, period, purpose, basis, items, 1, data)


def answered_to_the_end(app: App, office: App, others: list[DemoPartner], name: str) -> list[str]:
    """Each of the others drops a set, the office looks once and answers them all; the troubles of that look."""
    asked = list(sets(others, name))
    for partner, request in asked:
        put(partner, partner.make_set(request))
    polled = poll(office)
    for partner, request in asked:
        assert request.batch in polled.waiting
        assert pipeline.run(app, request.batch)
        assert app.register.batch(request.batch).state is State.CLOSED
        assert partner.verified(f"{request.batch}.receipt.json")["outcome"] == "accepted"
        assert partner.verified(f"{request.batch}.result.json")["rows_out"] == 1
    return polled.troubles


def test_three_others_are_answered_meanwhile(
    app: App, later: Later, in_trouble: DemoPartner, others: list[DemoPartner]
) -> None:
    with served_by(app, in_trouble, Troubled):
        answered_to_the_end(app, app, others, "first")
        troubles = answered_to_the_end(app, later(PATIENCE), others, "patience-over")
    assert {trouble.partition(":")[0] for trouble in troubles} == {in_trouble.id}
    with dripping(app, in_trouble, 8000):
        troubles = answered_to_the_end(app, hurried(app, in_trouble, LOOK_SECONDS), others, "dripping")
    assert {trouble.partition(":")[0] for trouble in troubles} == {in_trouble.id}


@pytest.mark.parametrize("check", [pipeline.check_known, pipeline.check_known_release])
@pytest.mark.parametrize(
    "run_id", ["manual__2026-11-30T08:00:00+00:00", "court.2026-11", "court.2026-11.release-1", "~"]
)
def test_a_run_that_is_not_called_as_a_batch_or_release_says_so(
    app: App, check: Callable[[App, str], None], run_id: str
) -> None:
    """Airflow offers an id of its own to whoever starts a run by hand, who may take a batch's for a release's."""
    with pytest.raises(Halt) as caught:
        check(app, run_id)
    found = explained(caught.value)
    assert found.code == "run_id"
    assert "批次号" in found.todo_zh
