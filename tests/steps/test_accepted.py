"""With its acceptance a set has its receipt, and the snapshots that answer it where all that it asks are fresh."""

from __future__ import annotations

import json
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Role, State
from exchange.register.signing import Checkpoint, note, parse_note
from exchange.snapshots.versions import Snapshots

from .releases import rows

Ask = Callable[..., Request]


def claimed(app: App, court: DemoPartner, request: Request) -> str:
    court.drop(court.make_set(request))
    assert request.batch in poll(app).waiting
    return request.batch


@pytest.mark.parametrize("missing", [None, "drug_control", "population"])
def test_what_answers_is_pinned_with_the_acceptance_where_all_is_there(
    app: App,
    court: DemoPartner,
    ask: Ask,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    missing: str | None,
) -> None:
    request = ask(*rows(clean.head(3)), items=("name", "criminal_record"))
    batch, current = claimed(app, court, request), Snapshots.current
    with monkeypatch.context() as without:
        without.setattr(Snapshots, "current", lambda self, name: None if name == missing else current(self, name))
        assert pipeline.receive(app, batch)
    pinned = app.register.snapshots.of(batch)
    assert ("population" in pinned, "drug_control" in pinned) == ((False, False) if missing else (True, True))
    with monkeypatch.context() as replaced:
        if not missing:  # whatever is published meanwhile
            replaced.setattr(Snapshots, "current", lambda *_: pytest.fail("asked again"))
        pipeline.process(app, batch)
    now = app.register.snapshots.of(batch)
    assert now.keys() >= {"population", "drug_control"}
    assert not pinned or now == pinned


def test_a_ledger_that_was_rolled_back_judges_no_set_and_takes_no_checkpoints_place(
    app: App, court: DemoPartner, ask: Ask
) -> None:
    batch, day = claimed(app, court, ask()), office_day(app.now())
    known, _ = parse_note(app.checkpoint() or "")
    lost = Checkpoint(known.size + 9, known.root, known.last_hash)
    app.checkpoints.keep(note(lost, app.ledger_key.sign(lost)), day)
    kept = {path: path.read_bytes() for path in app.checkpoints.files()}
    with pytest.raises(Halt, match="rolled back"):
        pipeline.receive(app, batch)
    assert {path: path.read_bytes() for path in app.checkpoints.files()} == kept
    assert app.register.batch(batch).state is State.CLAIMED
    assert Role.RECEIPT not in app.register.files_by_role(batch)
    app.register.resume(app.checkpoints, "looked at")
    assert pipeline.receive(app, batch)
    assert court.fetch(f"{batch}.receipt.json").exists()


NUMBER = "220102198507149216"


@pytest.mark.parametrize("between", ["\u200b" * 4, "\u2060\u200d\ufeff\u00ad\u200b", "\u202e\u202d\u202c\u2066\u2069"])
def test_the_register_has_what_a_partner_typed_as_it_is_seen(
    app: App, court: DemoPartner, ask: Ask, between: str
) -> None:
    """Between a number's digits more characters that show nothing than a number's signs are; and none that has what
    stands behind it read backwards, on a leader's page as on paper. The manifest is kept as it was signed.
    """
    letter, handler = f"介字〔2026〕{between.join(NUMBER)}号", f"王{between}经办"
    files = court.make_set(ask(letter=letter))
    name = next(name for name in files if name.endswith(".request.json"))
    batch = name.removesuffix(".request.json")
    manifest = json.loads(files[name]) | {"handler": handler}
    court.drop(files | court.signed(batch, json.dumps(manifest, ensure_ascii=False).encode()))
    assert batch in poll(app).waiting
    assert pipeline.receive(app, batch)
    registered = app.register.batch(batch)
    assert (registered.letter, registered.handler) == ("介字〔2026〕***号", "王经办")
    assert (app.manifest(registered).letter, app.manifest(registered).handler) == (letter, handler)
    assert app.register.attested(batch).batch == registered
