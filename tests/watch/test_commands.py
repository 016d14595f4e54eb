"""The commands of clock, deadline, expected and the register's list, as an officer meets them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.cli.main import commands
from exchange.demo.world import World
from exchange.register import BatchFilter

Accepted = Callable[..., str]


@pytest.fixture
def exchange(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    return lambda *arguments: CliRunner().invoke(commands, list(arguments))


def as_leader(monkeypatch: pytest.MonkeyPatch, exchange: Callable[..., Result], *arguments: str) -> Result:
    with monkeypatch.context() as leader:
        leader.setattr("exchange.cli.clock.os_user", lambda: "leader")
        return exchange(*arguments)


def test_stop_and_start(
    app: App, accepted: Accepted, exchange: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = accepted(app)
    due = app.register.batch(batch).due_on
    asked = exchange("clock", "propose", batch, "--reason", "record_unclear", "--note", "查阅原始档案")
    assert (asked.exit_code, "the clock runs" in asked.output) == (0, True)
    assert "asked already" in exchange("clock", "propose", batch, "--reason", "earlier_answer").output
    assert batch[:12] in exchange("clock", "waiting").output
    assert exchange("clock", "approve", batch).exit_code == 70, "an officer is no leader"
    assert not app.register.batch(batch).clock_stands
    assert as_leader(monkeypatch, exchange, "clock", "approve", batch).output.endswith("the clock is paused\n")
    shown = exchange("register", "show", batch).output
    assert f"pending: the clock is paused (first {due})" in shown
    assert "查阅原始档案" in exchange("clock", "show", batch).output
    started = exchange("clock", "start", batch, "--note", "与户口簿相符")
    assert started.output == f"{batch}: 恢复计时 the clock runs；时限 due {due}，原 first {due}\n"
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
    app: App, accepted: Accepted, exchange: Callable[..., Result], reason: str, note: str | None, says: str
) -> None:
    batch = accepted(app)
    ended = exchange("clock", "propose", batch, "--reason", reason, *(["--note", note] if note else []))
    assert ended.exit_code == 70
    assert says in " ".join(ended.output.split())
    assert not app.register.batch(batch).clock_stands


def test_a_leader_rejects(
    app: App, accepted: Accepted, exchange: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = accepted(app)
    exchange("clock", "propose", batch, "--reason", "record_unclear")
    ended = as_leader(monkeypatch, exchange, "clock", "reject", batch, "--why", "可按期核实")
    assert ended.output.endswith("the clock runs on\n")
    assert not app.register.batch(batch).clock_stands


def test_who_is_neither_officer_nor_leader_stops_no_clock(
    app: App, accepted: Accepted, exchange: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = accepted(app)
    monkeypatch.setattr("exchange.cli.clock.os_user", lambda: "nobody")
    ended = exchange("clock", "propose", batch, "--reason", "record_unclear")
    assert ended.exit_code == 70
    assert "nobody is no officer" in ended.output


def test_watch_and_list(app: App, exchange: Callable[..., Result]) -> None:
    assert exchange("deadline", "watch").exit_code == 0
    assert exchange("deadline", "recompute").exit_code == 0
    assert exchange("deadline", "list", "--untold").exit_code == 0
    assert exchange("expected", "--all").exit_code == 0


def test_expected_says_what_the_agreements_hold(app: App, exchange: Callable[..., Result]) -> None:
    printed = exchange("expected").output
    assert "education-jilin" in printed
    assert "年" in printed


def test_a_list_that_is_cut_says_so_beside_it(app: App, accepted: Accepted, exchange: Callable[..., Result]) -> None:
    accepted(app)
    accepted(app, cycle="ad_hoc", period=str(office_day(app.now())))
    batches = len(app.register.batches(BatchFilter(limit=100_000)))
    cut = exchange("register", "list", "--limit", "1", "--json")
    assert len(json.loads(cut.stdout)) == 1
    assert "--limit" in cut.stderr
    assert exchange("register", "list", "--limit", str(batches), "--json").stderr == ""
