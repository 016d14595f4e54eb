"""What another does while an answer is made: the partner is told what holds, in files that belong together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.base.files import sha256, write_atomically
from exchange.demo.partner import DemoPartner, Request
from exchange.guard.rules import Trip
from exchange.register import State
from exchange.status import publish
from exchange.steps import guarding, release
from exchange.steps.guarding import refuse_held
from exchange.watch.due import recompute
from tests.register.stopping import stop

from .releases import decide, proposed, rows, sent, supplement

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
MINUTE = timedelta(minutes=1)


def test_refused_while_a_receipt_is_made_the_last_one_says_so(
    app: App, opened: Callable[[str], App], court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that the guard holds; its clock was paused, so that it gets another receipt."""
    policy = app.settings.policy.model_copy(update={"guard_holds": True})
    guarded = App(app.settings.model_copy(update={"policy": policy}), app.register)
    with monkeypatch.context() as patched:
        patched.setattr(guarding, "tripped", lambda _: (Trip("sequence", 40, 40),))
        batch = sent(guarded, court, ask())
    assert app.register.batch(batch).state is State.PREPARED
    stop(app.register, batch, app.now(), "record_unclear")
    other, attested = opened("leader"), App.attested

    def refused_then(self: App, batch_id: str) -> object:
        found = attested(self, batch_id)
        monkeypatch.setattr(App, "attested", attested)
        refuse_held(other, batch, "无业务依据")
        return found

    monkeypatch.setattr(App, "attested", refused_then)
    recompute(app)
    made = app.register.batch(batch).receipts_sent
    assert f"receipt-{made + 1}" not in app.register.files_by_role(batch)
    assert court.verified(f"{batch}.receipt-{made}.json")["outcome"] == "refused"


def test_of_two_that_may_leave_the_last_one_says_that_all_is_answered(
    app: App, later: Later, court: DemoPartner, ask: Ask, people: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, count = rows(people.filter(pl.col("oddity") == "doubtful").head(2))
    batch = sent(app, court, ask(data, count, items=("name",), cycle="monthly", period="2026-11"))
    decide(app, batch, 1, identity="consistent")
    (first,) = proposed(later(timedelta(days=14)), batch)
    decide(app, batch, 2, identity="consistent")
    second = proposed(later(timedelta(days=14)), batch)[-1]
    with monkeypatch.context() as patched:
        patched.setattr(release, "_deliver", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pipeline.issue(app, first.id)
    with pytest.raises(Retryable, match="on its way"):
        pipeline.issue(app, second.id)
    for each in (first, second):
        pipeline.issue(app, each.id)
    assert [court.result(batch, number).manifest["rows_open"] for number in (2, 3)] == [1, 0]
    assert list(supplement(court, batch, 3)) == ["R2"]
    assert app.register.batch(batch).state is State.CLOSED


@pytest.mark.parametrize("written", [1, 2, 3])
def test_of_two_that_make_a_status_file_one_does(
    app: App, later: Later, court: DemoPartner, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """The other one a minute later, once the first has written so many of the three files."""
    sound, count, others = write_atomically, 0, list[bool]()

    def meanwhile(path: Path, content: bytes) -> None:
        nonlocal count
        sound(path, content)
        count += 1
        if count == written:
            others.append(publish.publish(later((10 * written + 2) * MINUTE), court.id))

    publish.publish(later(10 * written * MINUTE - MINUTE), court.id)
    (app.settings.home / "status" / court.id / "status.json").unlink()  # so that it is made anew
    monkeypatch.setattr(publish, "write_atomically", meanwhile)
    publish.publish(later(10 * written * MINUTE), court.id)
    status = court.verified("status.json")
    assert status["page"]["sha256"] == sha256(court.fetch("status.html").read_bytes())
    assert others == [False], "it looks again"
