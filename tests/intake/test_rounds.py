"""Partners who share a login: one connection, and none of them in another's way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.agreements.agreement import load_agreement
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.base.files import make_folder, write_atomically
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake import rounds
from exchange.intake.collect import poll
from exchange.intake.lookout import monitor
from exchange.intake.scan import FolderScan
from exchange.wire.transport import connect

Ask = Callable[..., Request]
SECONDS = 60.0


@pytest.fixture
def neighbour(app: App, court: DemoPartner) -> Iterator[DemoPartner]:
    """A partner with the court's login and certificates, and with folders of its own."""
    agreed = app.settings.agreements
    text = (agreed / f"{court.id}.toml").read_text("utf-8")
    text = text.replace(f'partner = "{court.id}"', 'partner = "neighbour"')
    text = text.replace("[sftp]\n", '[sftp]\nrequests = "next/to-office"\nresults = "next/from-office"\n')
    make_folder(court.server.home / "next" / "from-office")
    write_atomically(agreed / "neighbour.toml", text.encode())
    yield replace(court, id="neighbour")
    (agreed / "neighbour.toml").unlink()
    for path in requests_of(court).iterdir():
        path.unlink()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The port of each connection that the office begins."""
    ports = list[int]()

    def counted(account, *args, **options):  # type: ignore[no-untyped-def]
        ports.append(account.port)
        return connect(account, *args, **options)

    monkeypatch.setattr("exchange.app.connect", counted)
    return ports


def requests_of(court: DemoPartner) -> Path:
    """The neighbour's requests folder."""
    return make_folder(court.server.home / "next" / "to-office")


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        write_atomically(folder / name, content)


def found(app: App, number: int) -> list[str]:
    """The first batches that a lookout claims."""
    seen = monitor(app, SECONDS)
    batches = [batch for batch, _ in (next(seen) for _ in range(number))]
    seen.close()
    return batches


def test_those_who_share_a_login_share_a_connection(
    app: App, court: DemoPartner, neighbour: DemoPartner, ask: Ask, connections: list[int]
) -> None:
    mine, theirs = ask(), replace(ask(), batch="neighbour.watched")
    put(court.server.home / "to-office", court.make_set(mine))
    put(requests_of(court), neighbour.make_set(theirs))
    assert sorted(found(app, 2)) == sorted([mine.batch, theirs.batch])
    assert connections.count(court.server.port) == 1
    connections.clear()
    swept = replace(ask(), batch="neighbour.swept")
    put(requests_of(court), neighbour.make_set(swept))
    poll(app)
    assert app.register.find_batch(swept.batch) is not None
    assert connections.count(court.server.port) == 1


def test_a_folder_in_trouble_is_watched_apart_until_it_is_in_order(
    app: App, court: DemoPartner, neighbour: DemoPartner, ask: Ask
) -> None:
    mine, theirs = ask(), replace(ask(), batch="neighbour.lost")
    folder = requests_of(court)
    folder.rmdir()
    seen = monitor(app, SECONDS)
    put(court.server.home / "to-office", court.make_set(mine))
    assert next(seen)[0] == mine.batch
    assert [trouble for trouble in poll(app).troubles if trouble.startswith("neighbour")]
    put(requests_of(court), neighbour.make_set(theirs))
    assert next(seen)[0] == theirs.batch
    seen.close()


def test_a_burst_of_one_holds_up_no_other(
    app: App, court: DemoPartner, neighbour: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "_CLAIMING_SECONDS", 0.0)
    burst, lone = [ask() for _ in range(6)], replace(ask(), batch="neighbour.lone")
    for request in burst:
        put(court.server.home / "to-office", court.make_set(request))
    put(requests_of(court), neighbour.make_set(lone))
    order = found(app, 7)
    assert set(order) == {lone.batch, *(request.batch for request in burst)}
    assert order.index(lone.batch) <= 1


def test_whoever_cannot_be_reached_is_named_with_all_who_share_the_login(
    app: App, court: DemoPartner, neighbour: DemoPartner, tmp_path: Path
) -> None:
    requests_of(court)
    nowhere = App(app.settings.model_copy(update={"agreements": make_folder(tmp_path / "agreed")}), app.register)
    for path in app.settings.agreements.iterdir():
        if path.stem in {court.id, neighbour.id} or path.suffix == ".pem":
            told = path.read_bytes().replace(f"port = {court.server.port}\n".encode(), b"port = 1\n")
            write_atomically(tmp_path / "agreed" / path.name, told)
    troubles = poll(nowhere).troubles
    assert sorted(trouble.partition(":")[0] for trouble in troubles) == sorted([court.id, neighbour.id])


def test_what_was_claimed_before_is_not_read_again_by_each_lookout(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a burst each new one would read all of it, beside those who answer it; what changes is read."""
    before, other = (ask(cycle="ad_hoc", period="2026-11-23") for _ in range(2))
    court.drop(court.make_set(before))
    assert before.batch in found(app, 1)
    read, claim = list[str](), FolderScan.claim_if_complete

    def noted(scan: FolderScan, stem: str) -> str | None:
        read.append(stem)
        return claim(scan, stem)

    monkeypatch.setattr(FolderScan, "claim_if_complete", noted)
    court.drop(court.make_set(other))
    seen = monitor(app, SECONDS)
    assert next(seen)[0] == other.batch
    assert read == [other.batch]
    os.utime(court.server.home / "to-office" / f"{before.batch}.request.json", (0, 0))
    assert wait_for(lambda: before.batch in read, 60)
    seen.close()


CHANGES: dict[str, Callable[[Path, DemoPartner], object]] = {
    "taken away": lambda agreed, court: (agreed / f"{court.id}.toml").unlink(),
    "another host key": lambda agreed, court: change(agreed, court, court.server.host_key, other_key(court)),
    "another server": lambda agreed, court: change(agreed, court, f"port = {court.server.port}", "port = 1"),
    "another folder": lambda agreed, court: change(agreed, court, "[sftp]\n", '[sftp]\nrequests = "elsewhere"\n'),
    "no ad hoc requests": lambda agreed, court: change(agreed, court, '"ad_hoc"', '"quarterly"'),
    "no agreement any more": lambda agreed, court: (agreed / f"{court.id}.toml").write_bytes(b"= no TOML"),
    "its certificate taken away": lambda agreed, court: signing_certificate(agreed, court).unlink(),
}


def change(agreed: Path, court: DemoPartner, old: str, new: str) -> None:
    text = (agreed / f"{court.id}.toml").read_text("utf-8")
    assert old in text
    write_atomically(agreed / f"{court.id}.toml", text.replace(old, new).encode())


def other_key(court: DemoPartner) -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def signing_certificate(agreed: Path, court: DemoPartner) -> Path:
    return load_agreement(agreed / f"{court.id}.toml").certificates.signing


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_agreement_holds_at_once_however_long_the_connection_stands(
    app: App, court: DemoPartner, neighbour: DemoPartner, ask: Ask, what: str
) -> None:
    """What comes behind the change is not taken, and neighbours are looked into as before."""
    agreed = app.settings.agreements
    own = {path: path.read_bytes() for path in agreed.iterdir() if path.stem.startswith(court.id)}
    before, behind, mine = ask(), ask(), [replace(ask(), batch=f"neighbour.{what.replace(' ', '-')}-{n}") for n in "ab"]
    folder = requests_of(court)
    certificate = signing_certificate(agreed, court)
    change_of_neighbour = (agreed / "neighbour.toml").read_text("utf-8").replace(certificate.name, "its-own.pem")
    write_atomically(agreed / "its-own.pem", certificate.read_bytes())
    write_atomically(agreed / "neighbour.toml", change_of_neighbour.encode())
    seen = monitor(app, SECONDS)
    try:
        put(court.server.home / "to-office", court.make_set(before))
        assert next(seen)[0] == before.batch
        CHANGES[what](agreed, court)
        put(court.server.home / "to-office", court.make_set(behind))
        for request in mine:
            put(folder, neighbour.make_set(request))
            assert next(seen)[0] == request.batch
        assert app.register.find_batch(behind.batch) is None
        seen.close()
        for path, content in own.items():
            write_atomically(path, content)
        poll(app)
        assert app.register.find_batch(behind.batch) is not None, "once it is as it was"
    finally:
        for path, content in own.items():
            write_atomically(path, content)
        (agreed / "its-own.pem").unlink()
        for path in (court.server.home / "to-office").iterdir():
            path.unlink()


@pytest.mark.parametrize(("stands", "pauses"), [(False, [1.0, 2.0, 4.0, 8.0]), (True, [1.0] * 4)])
def test_who_answers_once_and_then_has_to_be_given_up_is_connected_to_more_and_more_seldom(
    app: App, court: DemoPartner, monkeypatch: pytest.MonkeyPatch, stands: bool, pauses: list[float]
) -> None:
    """Unless the connection has stood for a while before."""
    looks, waited = count(1), list[float]()

    class Over(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is not None and timeout >= rounds._FIRST_PAUSE_SECONDS:
                waited.append(timeout)
                if len(waited) == len(pauses):
                    self.set()
            return self.is_set()

    def turn(*_: object) -> None:
        if next(looks) % 3 == 0:
            raise Retryable("the connection failed")

    monkeypatch.setattr(rounds._Rounds, "_turn", turn)
    if stands:
        monkeypatch.setattr(rounds, "_IN_ORDER_SECONDS", 0.0)
    watch = rounds.Watch(app, SimpleQueue(), rounds.Watched())
    watch.over = Over()
    rounds._Rounds(watch, [app.agreement_file(court.id)], []).run()
    assert waited == pauses


def test_what_was_apart_goes_back_to_its_neighbours_once_it_is_in_order(
    app: App, court: DemoPartner, neighbour: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time; whoever is in trouble again stays apart, and is found there."""
    monkeypatch.setattr(rounds, "_IN_ORDER_SECONDS", 0.2)
    left, back, kept_out = list[str](), list[str](), list[str]()
    apart, take_back = rounds.Watch.apart, rounds._Rounds.take_back

    def leaving(watch: rounds.Watch, path: Path, home: rounds._Rounds | None = None) -> None:
        left.append(path.stem)
        apart(watch, path, home)

    def coming(home: rounds._Rounds, place: rounds._Place) -> bool:
        took = take_back(home, place)
        (back if took else kept_out).append(place.path.stem)
        return took

    monkeypatch.setattr(rounds.Watch, "apart", leaving)
    monkeypatch.setattr(rounds._Rounds, "take_back", coming)
    folder, away = requests_of(court), court.server.home / "next" / "away"
    seen = monitor(app, SECONDS)
    for number, asked in enumerate((back, kept_out)):
        mine, theirs = ask(), replace(ask(), batch=f"neighbour.back-{number}")
        put(court.server.home / "to-office", court.make_set(mine))
        assert next(seen)[0] == mine.batch
        folder.rename(away)
        assert wait_for(partial(left.__eq__, ["neighbour"] * (number + 1)), 60)
        away.rename(folder)
        assert wait_for(partial(bool, asked), 60)
        put(folder, neighbour.make_set(theirs))
        assert next(seen)[0] == theirs.batch
    seen.close()
    assert back == ["neighbour"]


@contextmanager
def stopped(world: World) -> Iterator[None]:
    world.postgres.stop()
    yield
    world.postgres.start()


@contextmanager
def read_only(world: World) -> Iterator[None]:
    """As a standby is, to which a name leads."""
    with world.postgres.connected("postgres", "exchange") as superuser:
        superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        superuser.execute("SELECT pg_reload_conf()")
        yield
        superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
        superuser.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("trouble", [stopped, read_only])
def test_while_the_register_is_away_nobody_is_apart(
    app: App,
    court: DemoPartner,
    neighbour: DemoPartner,
    ask: Ask,
    connections: list[int],
    world: World,
    trouble: Callable[[World], AbstractContextManager[None]],
) -> None:
    seen, folder = monitor(app, SECONDS), requests_of(court)
    first, mine = ask(), ask()
    theirs = replace(ask(), batch=f"neighbour.away-{trouble.__name__}")
    put(court.server.home / "to-office", court.make_set(first))
    assert next(seen)[0] == first.batch
    begun = connections.count(court.server.port)
    with trouble(world):
        put(court.server.home / "to-office", court.make_set(mine))
        put(folder, neighbour.make_set(theirs))
        assert wait_for(lambda: connections.count(court.server.port) > begun + 1, 60)
    assert {next(seen)[0], next(seen)[0]} == {mine.batch, theirs.batch}
    apart = [thread.name for thread in threading.enumerate() if thread.name in {court.id, neighbour.id}]
    seen.close()
    assert len(apart) == 1
