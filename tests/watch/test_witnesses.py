"""Witnesses are asked, taken in and missed: the office's side, with a witness of our own beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.app import App
from exchange.base.errors import Halt
from exchange.cli.main import commands
from exchange.demo.world import World
from exchange.operation.verification import verify_register
from exchange.pages.troubles import troubles
from exchange.register.witness import cosign, make_witness
from exchange.settings_sections import WitnessSettings
from exchange.watch.configuration import watch_configuration
from exchange.watch.witnesses import Cosigned, cosigned, last_of, take, watch_witnesses

ORGAN = "档案馆〔虚构〕"
DAYS = 7


@pytest.fixture
def folder(tmp_path: Path, app: App) -> Path:
    folder = tmp_path / "witness"
    make_witness(folder, "archives.example.gov.cn")
    shutil.copy(app.settings.keys.register_public, folder / "register.pem")
    return folder


@pytest.fixture
def office(app: App, folder: Path, tmp_path: Path) -> App:
    """The office with an archive of its own, and this witness."""
    witness = WitnessSettings(zh=ORGAN, key=(folder / "witness.vkey").read_text().strip(), days=DAYS)
    changed = {"home": tmp_path / "home", "witnesses": (witness,)}
    office = replace(app, settings=app.settings.model_copy(update=changed))
    watch_configuration(office)  # writes a line
    return office


def ask(office: App, folder: Path, at: datetime | None = None) -> Path:
    """What the witness gives back."""
    place = folder / "back"
    place.write_text(cosign(folder, office.register.for_witness(cosigned(office)[0].size), at or office.now()))
    return place


def test_a_witness_is_missed_until_it_cosigns_and_again_when_it_is_late(office: App, folder: Path) -> None:
    assert watch_witnesses(office) == [f"the witness {ORGAN} never cosigned, every {DAYS} were agreed"]
    taken = take(office, ask(office, folder))
    assert (taken.witness.zh, cosigned(office)) == (ORGAN, [taken])
    assert watch_witnesses(office) == []
    assert not [each for each in troubles(office) if each.about == ORGAN]
    late = replace(office, now=lambda: office.now() + timedelta(days=DAYS, minutes=1))
    assert watch_witnesses(late) == [f"the witness {ORGAN} last cosigned {DAYS} days ago, every {DAYS} were agreed"]
    assert [each.about for each in troubles(late) if each.about == ORGAN] == [ORGAN]
    take(late, ask(late, folder, late.now()))
    assert watch_witnesses(late) == [], "an unchanged ledger is cosigned anew"
    verify_register(late)


def another(note: str, folder: Path, office: App) -> str:
    """By a witness of the same name whose key the settings do not hold."""
    make_witness(folder / "other", "archives.example.gov.cn")
    shutil.copy(folder / "register.pem", folder / "other")
    return cosign(folder / "other", office.register.for_witness(0), office.now())


@pytest.mark.parametrize(
    "forge",
    [
        another,
        lambda note, *_: note.rpartition("\u2014")[0],
        lambda note, *_: note[:-6] + "AAAA=\n",
        lambda note, *_: note.replace("archives", "museum"),
        lambda note, *_: note.replace("\nline ", "\nline f"),
        lambda *_: "",
    ],
    ids=["another-key", "none", "altered", "another-name", "another-checkpoint", "empty"],
)
def test_a_forged_cosignature_is_refused(office: App, folder: Path, forge: Callable[..., str]) -> None:
    place = ask(office, folder)
    forged = forge(place.read_text(), folder, office)
    place.write_text(forged)
    with pytest.raises(Halt):
        take(office, place)
    assert cosigned(office)[0].at is None


def test_one_from_the_future_is_refused(office: App, folder: Path) -> None:
    with pytest.raises(Halt, match="clock"):
        take(office, ask(office, folder, office.now() + timedelta(days=2)))


def test_a_kept_one_that_was_altered_is_found(office: App, folder: Path) -> None:
    take(office, ask(office, folder))
    (kept,) = office.checkpoints.cosigned()
    kept.write_text(kept.read_text()[:-6] + "AAAA=\n")
    with pytest.raises(Halt, match="does not hold"):
        verify_register(office)
    assert "does not hold" in watch_witnesses(office)[0]
    assert [each for each in troubles(office) if "does not hold" in each.words.en]


OTHER = "上级机关〔虚构〕"


@pytest.fixture
def two(office: App, folder: Path) -> App:
    """Two witnesses: the first one's kept cosignature was altered, the second one never cosigned."""
    take(office, ask(office, folder))
    (kept,) = office.checkpoints.cosigned()
    kept.write_text(kept.read_text()[:-6] + "AAAA=\n")
    make_witness(folder / "other", "superior.example.gov.cn")
    other = WitnessSettings(zh=OTHER, key=(folder / "other" / "witness.vkey").read_text().strip(), days=DAYS)
    witnesses = (*office.settings.witnesses, other)
    return replace(office, settings=office.settings.model_copy(update={"witnesses": witnesses}))


def test_what_is_wrong_with_one_witness_hides_nothing_of_another(two: App) -> None:
    altered, never = watch_witnesses(two)
    assert "does not hold" in altered
    assert never == f"the witness {OTHER} never cosigned, every {DAYS} were agreed"
    assert [each.about for each in troubles(two) if each.about in (ORGAN, OTHER)] == [ORGAN, OTHER]
    assert last_of(two, two.settings.witnesses[1]).size == 0, "it can be asked"


def test_by_a_clock_that_was_put_back_no_witness_is_in_time(office: App, folder: Path) -> None:
    """Before, one that never came again was not missed until that day."""
    take(office, ask(office, folder))
    back = replace(office, now=lambda: office.now() - timedelta(days=400))
    (said,) = watch_witnesses(back)
    assert "this clock was put back" in said
    assert [each.about for each in troubles(back) if each.about == ORGAN] == [ORGAN]


def test_an_older_one_of_the_same_size_does_not_take_the_newers_place(office: App, folder: Path) -> None:
    newer, older = office.now(), office.now() - timedelta(days=1)
    taken = take(office, ask(office, folder, newer))
    take(office, ask(office, folder, older))
    assert cosigned(office) == [taken]
    assert isinstance(taken, Cosigned)


def test_the_commands_of_both_sides(
    world: World, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As operations.md has them: the office asks, the witness cosigns, the office takes in and verifies."""
    vkey = (folder / "witness.vkey").read_text().strip()
    settings = world.config.with_name("witnessed.toml")
    settings.write_text(world.config.read_text() + f'\n[[witnesses]]\nzh = "{ORGAN}"\nkey = "{vkey}"\n')
    monkeypatch.setenv("EXCHANGE_CONFIG", str(settings))
    request, back = str(tmp_path / "request"), str(tmp_path / "back")
    with App.open("test", settings) as app:
        watch_configuration(app)
    try:
        for words in (
            ("register", "checkpoint", request),
            ("witness", "cosign", str(folder), request, back),
            ("register", "cosigned", back),
            ("register", "verify"),
        ):
            result = CliRunner().invoke(commands, words)
            assert result.exit_code == 0, result.output
        assert f"cosigned by {ORGAN}: " in result.output
        assert CliRunner().invoke(commands, ("witness", "cosign", str(folder), back, back)).exit_code == 70
        wrong = CliRunner().invoke(commands, ("register", "checkpoint", request, "--witness", "nobody"))
        assert wrong.exit_code == 70
    finally:
        settings.unlink()
        with App.open("test", world.config) as app:
            shutil.rmtree(app.checkpoints.folder / "cosigned")
            watch_configuration(app)
