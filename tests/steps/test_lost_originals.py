"""The archive's disk failed and an older backup took its place, beside a register that is newer: what is lost comes
again from its partner, and no last copy is removed at the partner's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Role, State

Ask = Callable[..., Request]
Step = Callable[[App, str], object]
OF_THE_SET = (Role.MANIFEST, Role.SIGNATURE, Role.DATA)
STEPS: tuple[Step, ...] = (lambda app, _: poll(app), pipeline.receive, pipeline.process, pipeline.deliver)
SETTLED = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def _an_older_archive(app: App, court: DemoPartner, ask: Ask) -> None:
    """Something lies in it of what the register named last: else its disk were not there."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)


def lose(app: App, batch: str, *roles: Role) -> None:
    for role in roles:
        app.archive.path(app.register.file(batch, role).sha256).unlink()


@pytest.mark.parametrize("done", range(1, len(STEPS) + 1))
def test_a_set_that_came_again_brings_back_what_was_lost(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Ask, done: int
) -> None:
    """Wherever the batch is on its way. The partner's folder is cleared only once its data file is kept here."""
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    for step in STEPS[:done]:
        step(app, request.batch)
    roles = OF_THE_SET if done > 1 else OF_THE_SET[:-1]
    lost = [app.register.file(request.batch, role).sha256 for role in roles]
    lose(app, request.batch, *roles)
    if done in (1, 2):
        with pytest.raises(Halt, match="not in the store") as caught:
            pipeline.run(app, request.batch)
        assert "原样重发" in caught.value.zh
    if done > 1:
        court.drop(files)
    assert [each for each in poll(later(SETTLED)).troubles if request.batch in each] == []
    assert pipeline.run(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLOSED
    assert [app.archive.read(digest) for digest in lost]
    assert court.result(request.batch).manifest["answers"]
    assert [path for path in (court.server.home / "to-office").iterdir() if request.batch in path.name] == []


@pytest.mark.parametrize("harm", ["other bytes", "destroyed"])
def test_nothing_but_what_the_register_names_is_taken_back(
    app: App,
    later: Callable[[timedelta], App],
    court: DemoPartner,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    pipeline.receive(app, request.batch)
    data = app.register.file(request.batch, Role.DATA)
    lose(app, request.batch, Role.DATA)
    if harm == "other bytes":
        files = files | {data.name: files[data.name][:-1] + b"\0"}
    else:
        monkeypatch.setattr(type(app.register.retention), "destroyed", lambda *_: {Role.DATA: app.now()})
    court.drop(files)
    troubles = poll(later(SETTLED)).troubles
    assert not app.archive.has(data.sha256)
    lies_there = (court.server.home / "to-office" / data.name).exists()
    assert lies_there == any("is lost here" in each for each in troubles) == (harm == "other bytes")
