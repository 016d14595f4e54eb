"""A server's *ok* is not believed: a file is delivered when it is seen under its final name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Role, State
from exchange.wire.connection import Denied
from exchange.wire.trial import try_out
from tests.steps.odd_servers import Altering, Cutting, Dropbox, Full, Losing, Plain, Unremoving, dripping, served_by

Ask = Callable[..., Request]


def received(app: App, court: DemoPartner, request: Request) -> None:
    for name, content in court.make_set(request).items():
        (court.server.home / "to-office" / name).write_bytes(content)
    poll(app)
    assert pipeline.receive(app, request.batch)


def prepared(app: App, court: DemoPartner, request: Request) -> None:
    received(app, court, request)
    pipeline.process(app, request.batch)


@pytest.mark.parametrize("kind", [Plain, Dropbox])
@pytest.mark.parametrize("lying", [b"", b"of an earlier try", None])
def test_a_server_that_cannot_replace_a_file_is_delivered_to(
    app: App, court: DemoPartner, ask: Ask, kind: type[asyncssh.SFTPServer], lying: bytes | None
) -> None:
    """Whether the name is free or taken, by a half or by something else; nothing temporary stays."""
    request = ask()
    prepared(app, court, request)
    results = court.server.home / "from-office"
    names = [f"{request.batch}.result{ending}" for ending in (".csv.p7m", ".json", ".json.p7s")]
    if lying is not None:
        for name in names:
            (results / name).write_bytes(lying)
    with served_by(app, court, kind):
        pipeline.deliver(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLOSED
    court.verified(f"{request.batch}.result.json")
    assert {path.name for path in results.iterdir()} >= set(names)
    assert not [path.name for path in results.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("room", [1_000, 50_000, 150_000])
@pytest.mark.parametrize("before", [None, b"of an earlier try"])
def test_what_a_partners_full_disk_does_not_take_keeps_out_nothing_that_it_takes(
    app: App, court: DemoPartner, tmp_path: Path, room: int, before: bytes | None
) -> None:
    """A receipt still comes where a result does not; what lay under the result's name lies there still."""
    results = court.server.home / "from-office"
    for path in results.iterdir():
        path.unlink()
    if before is not None:
        (results / "large").write_bytes(before)
    (tmp_path / "large").write_bytes(b"x" * 200_000)
    (tmp_path / "small").write_bytes(b"x" * 900)
    kind = type("SoFull", (Full,), {"room": room})
    with served_by(app, court, kind), app.folder(app.agreement(court.id)) as folder:
        for _ in range(2):
            with pytest.raises(Denied):
                folder.deliver("large", tmp_path / "large")
        folder.deliver("small", tmp_path / "small")
    assert {path.name for path in results.iterdir()} == {"small"} | ({"large"} if before else set())
    with app.folder(app.agreement(court.id)) as folder:
        folder.deliver("large", tmp_path / "large")
    assert (results / "large").stat().st_size == 200_000


@pytest.mark.parametrize("step", [pipeline.receive, pipeline.deliver])
def test_a_transfer_has_an_end_however_slowly_the_server_goes_on(
    app: App, court: DemoPartner, ask: Ask, step: Callable[[App, str], object]
) -> None:
    request = ask()
    if step is pipeline.deliver:
        prepared(app, court, request)
    else:
        for name, content in court.make_set(request).items():
            (court.server.home / "to-office" / name).write_bytes(content)
        poll(app)
    policy = app.settings.policy.model_copy(update={"whole_transfer_seconds": 1.0})
    hurried = App(app.settings.model_copy(update={"policy": policy}), app.register)
    with dripping(app, court, 3000), pytest.raises(Retryable, match="was not done within"):
        step(hurried, request.batch)
    step(app, request.batch)


@pytest.mark.parametrize("kind", [Losing, Cutting, Altering])
def test_what_a_server_loses_is_delivered_again_and_never_counts_as_taken(
    app: App, court: DemoPartner, ask: Ask, kind: type[asyncssh.SFTPServer]
) -> None:
    request = ask()
    prepared(app, court, request)
    with served_by(app, court, kind):
        with pytest.raises(Retryable):
            pipeline.deliver(app, request.batch)
        poll(app)
    assert app.register.batch(request.batch).state is State.PREPARED
    assert app.register.pickups.of(request.batch) == []
    pipeline.deliver(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLOSED
    assert f"{request.batch}.result.csv.p7m" in court.answers()


@pytest.mark.parametrize("ending", [".csv.p7m", ".json", ".json.p7s"])
@pytest.mark.parametrize("damage", [None, lambda _: b"", lambda content: content[:-1] + bytes([content[-1] ^ 1])])
def test_what_does_not_lie_there_as_it_was_sent_is_delivered_again(
    app: App, court: DemoPartner, ask: Ask, ending: str, damage: Callable[[bytes], bytes] | None
) -> None:
    """Gone, cut, or with other bytes: whichever of a result's files it is."""
    request = ask()
    prepared(app, court, request)
    pipeline.deliver(app, request.batch)
    assert pipeline.redeliver(app, request.batch) == []
    place = court.server.home / "from-office" / f"{request.batch}.result{ending}"
    sent = place.read_bytes()
    place.unlink()
    if damage is not None:
        place.write_bytes(damage(sent))
    assert pipeline.redeliver(app, request.batch) == [1]
    assert place.read_bytes() == sent


@pytest.mark.parametrize(
    ("role", "step"),
    [
        (Role.RECEIPT, pipeline.receive),
        (Role.RECEIPT_SIGNATURE, pipeline.receive),
        (Role.RESULT_DATA, pipeline.deliver),
        (Role.RESULT, pipeline.deliver),
        (Role.RESULT_SIGNATURE, pipeline.deliver),
    ],
)
def test_a_kept_file_that_was_altered_is_never_sent(
    app: App, court: DemoPartner, ask: Ask, role: Role, step: Callable[[App, str], object]
) -> None:
    """The step is the one that sends it, run again after it was made."""
    request = ask()
    (received if step is pipeline.receive else prepared)(app, court, request)
    kept = app.register.file(request.batch, role)
    place = court.server.home / "from-office" / kept.name
    place.unlink(missing_ok=True)
    path = app.archive.path(kept.sha256)
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(Halt, match="altered"):
        step(app, request.batch)
    assert not place.exists()
    path.write_bytes(sound)
    step(app, request.batch)
    assert place.exists()


def test_a_trial_of_both_folders_says_what_is_not_allowed(app: App, court: DemoPartner) -> None:
    with app.folder(app.agreement(court.id)) as folder:
        assert try_out(folder)
    with served_by(app, court, Plain), app.folder(app.agreement(court.id)) as folder:
        assert not try_out(folder)
    for kind, words in ((Losing, "to-office: rename fails"), (Unremoving, "to-office: remove fails")):
        with (
            served_by(app, court, kind),
            app.folder(app.agreement(court.id)) as folder,
            pytest.raises(Halt, match=words),
        ):
            try_out(folder)
