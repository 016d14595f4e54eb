"""The commands of clock, deadline and expected, as an officer meets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from exchange.cli.main import app
from exchange.demo.world import World
from exchange.office import Office

Accepted = Callable[..., str]


@pytest.fixture
def exchange(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_stop_and_start(office: Office, accepted: Accepted, exchange: Callable[..., Result]) -> None:
    batch = accepted(office)
    due = office.register.batch(batch).due_on
    stopped = exchange("clock", "stop", batch, "--reason", "record_unclear", "--note", "查阅原始档案")
    assert (stopped.exit_code, stopped.output) == (0, f"{batch}: the clock stands\n")
    assert "stood already" in exchange("clock", "stop", batch, "--reason", "earlier_answer").output
    shown = exchange("register", "show", batch).output
    assert f"pending: the clock stands (first {due})" in shown
    assert "查阅原始档案" in exchange("clock", "show", batch).output
    started = exchange("clock", "start", batch, "--note", "与户口簿相符")
    assert started.output == f"{batch}: the clock runs; due {due}, first {due}\n"
    assert "与户口簿相符" in exchange("clock", "show", batch).output
    assert "on time" in exchange("register", "show", batch).output


@pytest.mark.parametrize(
    ("reason", "note", "says"),
    [
        ("holiday", None, "no such reason; one of record_unclear"),
        ("other", None, "needs a note"),
        ("other", "张三 11010519491231002X", "holds no identity number"),
    ],
)
def test_a_stop_needs_a_reason(
    office: Office, accepted: Accepted, exchange: Callable[..., Result], reason: str, note: str | None, says: str
) -> None:
    batch = accepted(office)
    ended = exchange("clock", "stop", batch, "--reason", reason, *(["--note", note] if note else []))
    assert ended.exit_code == 70
    assert says in " ".join(ended.output.split())
    assert not office.register.batch(batch).clock_stands


def test_who_is_neither_officer_nor_leader_stops_no_clock(
    office: Office, accepted: Accepted, exchange: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = accepted(office)
    monkeypatch.setattr("exchange.cli.clock.account", lambda: "nobody")
    ended = exchange("clock", "stop", batch, "--reason", "record_unclear")
    assert ended.exit_code == 70
    assert "nobody is no officer" in ended.output


def test_watch_and_list(office: Office, exchange: Callable[..., Result]) -> None:
    assert exchange("deadline", "watch").exit_code == 0
    assert exchange("deadline", "recompute").exit_code == 0
    assert exchange("deadline", "list", "--untold").exit_code == 0
    assert exchange("expected", "--all").exit_code == 0


def test_expected_says_what_the_agreements_hold(office: Office, exchange: Callable[..., Result]) -> None:
    printed = exchange("expected").output
    assert "education-jilin" in printed
    assert "annual" in printed
