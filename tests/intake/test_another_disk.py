"""The archive's disk is not there, an empty folder in its place: nothing is taken in, and nothing counts as gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange import pipeline, retention
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.intake.lookout import monitor
from exchange.register import State

Ask = Callable[..., Request]
WAYS: dict[str, Callable[[App], object]] = {
    "poll": poll,
    "lookout": lambda app: next(monitor(app, 5)),
    "retention": retention.run,
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_takes_in_or_destroys_asks_first(
    app: App, court: DemoPartner, ask: Ask, tmp_path: Path, way: str
) -> None:
    without = App(app.settings.model_copy(update={"home": tmp_path / "home"}), app.register)
    answered, waiting = ask(), ask()
    court.drop(court.make_set(answered))
    poll(app)
    assert pipeline.run(app, answered.batch)
    court.drop(court.make_set(waiting))
    with pytest.raises(Halt, match="is its disk there"):
        WAYS[way](without)
    assert app.register.find_batch(waiting.batch) is None
    assert waiting.batch in poll(app).waiting
    assert pipeline.run(app, waiting.batch)
    assert app.register.batch(waiting.batch).state is State.CLOSED


def test_one_file_that_is_gone_is_not_its_disk(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    path = app.archive.path(app.register.files(request.batch)[0].sha256)
    aside = path.rename(path.with_suffix(".aside"))
    try:
        app.check_archive()
    finally:
        aside.rename(path)


def test_an_office_that_has_kept_nothing_yet_begins(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app.register.retention), "named_lately", lambda _: [])
    App(app.settings.model_copy(update={"home": tmp_path}), app.register).check_archive()
