"""The ledger is told what the answers are decided by: each file when it is first there, changes, or goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.app import App
from exchange.base.paths import SCHEMAS
from exchange.register.configuration import GONE
from exchange.register.models import LedgerRow
from exchange.settings import Settings
from exchange.watch.configuration import watch_configuration
from tests.side_by_side import start_beside


@pytest.fixture
def own(app: App, tmp_path: Path) -> App:
    """The office with agreements of its own."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    (agreements / "bank.toml").write_text("a")
    (agreements / "bank.sign.pem").write_text("b")
    office = App(app.settings.model_copy(update={"agreements": agreements}), app.register)
    watch_configuration(office)
    return office


def told(app: App) -> dict[str, str]:
    """What the ledger's newest line about the configuration says."""
    notes = select(LedgerRow.facts).where(LedgerRow.facts.startswith('{"configuration.')).order_by(LedgerRow.seq.desc())
    with Session(app.register.engine) as session:
        facts: dict[str, str] = json.loads(session.scalars(notes.limit(1)).one())
    return {name.removeprefix("configuration."): each for name, each in facts.items()}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda folder: (folder / "bank.toml").write_text("other"), ["agreements/bank.toml"]),
        (lambda folder: (folder / "bank.sign.pem").write_text("other"), ["agreements/bank.sign.pem"]),
        (lambda folder: (folder / "court.toml").write_text("a"), ["agreements/court.toml"]),
        (
            lambda folder: (folder / "bank.toml").rename(folder / "a.toml"),
            ["agreements/a.toml", "agreements/bank.toml"],
        ),
        (lambda folder: os.utime(folder / "bank.toml", (1, 1)), []),
        (lambda folder: (folder / "bank.toml.swp").write_text("a"), []),
    ],
    ids=["altered", "certificate", "new", "renamed", "touched", "no-agreement"],
)
def test_each_change_is_told_once(own: App, change: Callable[[Path], object], names: list[str]) -> None:
    change(own.settings.agreements)
    assert watch_configuration(own) == names
    assert watch_configuration(own) == []
    if names:
        assert sorted(told(own)) == names
    known = {each.name: each.sha256 for each in own.register.configuration.known()}
    for name in names:
        assert (own.settings.agreements / Path(name).name).exists() == (known[name] != GONE)
    own.register.verify()


def test_of_two_that_look_at_once_none_tells_what_was_there_before(
    own: App, opened: Callable[[str], App], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hourly look and an administrator's: the file is changed once the first has read it."""
    place, read, contents = own.settings.agreements / "bank.toml", Path.read_bytes, [b"second", b"third"]
    other = App(own.settings, opened("administrator").register)
    beside = Thread(target=watch_configuration, args=(other,))

    def changed_behind(path: Path) -> bytes:
        content = read(path)
        if path == place and contents:
            place.write_bytes(contents.pop())
            if beside.ident is None:
                start_beside(beside, own.register.engine)
        return content

    place.write_bytes(b"first")
    contents.reverse()
    before = history(own, place.name)
    monkeypatch.setattr(Path, "read_bytes", changed_behind)
    watch_configuration(own)
    beside.join()
    monkeypatch.undo()
    told_meanwhile = history(own, place.name)[len(before) :]
    watch_configuration(own)
    everything = [sha256(content).hexdigest() for content in (b"first", b"second", b"third")]
    assert told_meanwhile == sorted(set(told_meanwhile), key=everything.index), "in the order in which they were there"
    assert history(own, place.name)[-1] == everything[-1]


def history(app: App, name: str) -> list[str]:
    """What the ledger was told of this file of the agreements, one after another."""
    key = f"configuration.agreements/{name}"
    notes = select(LedgerRow.facts).where(LedgerRow.facts.contains(f'"{key}"')).order_by(LedgerRow.seq)
    with Session(app.register.engine) as session:
        return [json.loads(facts)[key] for facts in session.scalars(notes)]


def test_settings_and_tables_of_rules_are_told(own: App) -> None:
    known = {each.name for each in own.register.configuration.known() if each.sha256 != GONE}
    assert {f"schemas/{path.name}" for path in SCHEMAS.glob("*.toml")} <= known
    assert {"settings", "keys/register.pem", "expectations/request.json"} <= known
    policy = own.settings.policy.model_copy(update={"connect_seconds": 59})
    other: Settings = own.settings.model_copy(update={"policy": policy})
    assert watch_configuration(App(other, own.register)) == ["settings"]
    assert watch_configuration(own) == ["settings"], "and back"
