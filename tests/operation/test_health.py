"""``exchange health``: each check finds what is wrong, in time, and says so by its exit status."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from exchange.app import App
from exchange.base.duty import ALTERED, COLLECT, LOOKOUT, RELEASES, RETENTION, VERIFY, WATCH, Duties
from exchange.cli.main import commands
from exchange.demo.world import World
from exchange.operation import machine, office
from exchange.operation.finding import Condition, HealthFinding, ok
from exchange.operation.health import CHECKS, Health, quick, worst
from exchange.register import Register
from exchange.register.database import Timeouts, open_engine, probe
from exchange.settings import Settings

OK, WARNING, FAILING = Condition


def conditions(found: Iterator[HealthFinding]) -> dict[str, Condition]:
    return {each.about: each.condition for each in found}


@pytest.fixture
def apart(app: App, tmp_path: Path) -> App:
    """The office with a home of its own, which a test may harm; nothing was done there yet."""
    (tmp_path / "archive").mkdir()
    return App(app.settings.model_copy(update={"home": tmp_path}), app.register)


def limited(app: App, **limits: object) -> App:
    health = app.settings.health.model_copy(update=limits)
    return App(app.settings.model_copy(update={"health": health}), app.register, app.now)


def test_a_sound_office(app: App) -> None:
    assert [each.condition for each in office.database(app)] == [OK, OK]
    assert set(conditions(office.snapshots(app)).values()) == {OK}
    assert conditions(office.certificates(app)) == {"signing": OK, "decryption": OK}


def test_a_database_that_is_not_there(app: App) -> None:
    gone = open_engine("postgresql+psycopg://exchange@127.0.0.1:1/exchange", None, timeouts=Timeouts(connect=1))
    (found,) = office.database(App(app.settings, Register(gone, "test")))
    assert found.condition is FAILING


def test_a_database_that_cannot_hold_all_names_is_found(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    probed = replace(probe(app.register.engine), encoding="SQL_ASCII")
    monkeypatch.setattr(office, "probe", lambda _: probed)
    found = [each for each in office.database(app) if "SQL_ASCII" in each.en]
    assert [(each.condition, "编码" in each.zh) for each in found] == [(FAILING, True)]


def test_a_database_that_takes_nothing_is_found_before_a_set_comes(world: World, app: App) -> None:
    """As a standby is, to which a name leads: all looks and each page are answered. Pages are served all the same."""
    assert conditions(office.writing(app)) == {"": OK}
    with world.postgres.connected("postgres", "exchange") as superuser:
        superuser.execute("ALTER ROLE exchange_work SET default_transaction_read_only = on")
        try:
            standby = quick(app.settings)
            found = [*office.database(standby), *office.writing(standby)]
            serves = Health(standby).serving()
            standby.register.close()
        finally:
            superuser.execute("ALTER ROLE exchange_work RESET default_transaction_read_only")
    assert [each.condition for each in found] == [OK, OK, FAILING]
    assert serves


def test_tables_of_another_version_or_none(world: World, app: App) -> None:
    password = app.settings.register_.password_file
    other = open_engine(world.postgres.url("airflow"), password)
    first, _ = office.database(App(app.settings, Register(other, "test")))
    other.dispose()
    assert first.condition is FAILING
    assert "no tables" in first.en


def test_disks(apart: App) -> None:
    assert conditions(office.disk(limited(apart, disk_warn_gb=1e-6, disk_fail_gb=1e-7))) == {"": OK}
    assert conditions(office.disk(limited(apart, disk_warn_gb=1e9, disk_fail_gb=1e-7))) == {"": WARNING}
    assert conditions(office.disk(limited(apart, disk_warn_gb=1e9, disk_fail_gb=1e9))) == {"": FAILING}
    assert list(apart.settings.home.iterdir()) == [apart.archive.folder]
    apart.archive.folder.rmdir()
    apart.archive.folder.write_bytes(b"")  # nothing can be written below a file, by root neither
    assert conditions(office.disk(apart)) == {str(apart.archive.folder): FAILING}


def test_snapshots_by_age(app: App, apart: App) -> None:
    assert conditions(office.snapshots(apart))["population"] is FAILING
    assert set(conditions(office.snapshots(apart)).values()) == {FAILING, WARNING}
    later = App(app.settings, app.register, lambda: datetime.now(UTC) + timedelta(days=400))
    assert set(conditions(office.snapshots(later)).values()) == {WARNING}


def test_the_province_of_those_who_test(apart: App, tmp_path: Path) -> None:
    """It is in no backup: after a restore it is missing, and sets of partners that test stand."""
    assert office.TEST_LANE not in conditions(office.snapshots(apart))
    agreements = shutil.copytree(apart.settings.agreements, tmp_path / "agreements")
    one = min(agreements.glob("*.toml"))
    one.write_text(f'stage = "test"\n{one.read_text("utf-8")}', "utf-8")
    tested = App(apart.settings.model_copy(update={"agreements": agreements}), apart.register, apart.now)
    assert conditions(office.snapshots(tested))[office.TEST_LANE] is WARNING


@pytest.mark.parametrize(
    ("duty", "never"),
    [(COLLECT, FAILING), (LOOKOUT, WARNING), (WATCH, WARNING), (RELEASES, WARNING), (RETENTION, WARNING)],
)
def test_duties(apart: App, duty: str, never: Condition) -> None:
    assert conditions(office.duties(apart))[duty] is never
    duties = Duties.of_home(apart.settings.home)
    duties.done(duty)
    assert conditions(office.duties(apart))[duty] is OK
    for hour in (-100 * 3600, 100 * 3600):  # from ahead of now is of a clock that was put back
        moment = time.time() + hour
        os.utime(duties.folder / duty, (moment, moment))
        assert conditions(office.duties(apart))[duty] is never


def test_the_ledgers_verification(apart: App) -> None:
    assert conditions(office.ledger(apart)) == {"": WARNING}
    Duties.of_home(apart.settings.home).done(VERIFY, "17")
    assert conditions(office.ledger(apart)) == {"": OK}
    Duties.of_home(apart.settings.home).done(VERIFY, ALTERED)
    assert conditions(office.ledger(apart)) == {"": FAILING}


@pytest.mark.parametrize(("days", "own", "partners"), [(0, OK, None), (715, WARNING, WARNING), (800, FAILING, WARNING)])
def test_certificates(app: App, days: int, own: Condition, partners: Condition | None) -> None:
    later = App(app.settings, app.register, lambda: datetime.now(UTC) + timedelta(days=days))
    found = conditions(office.certificates(later))
    assert found.pop("signing") is found.pop("decryption") is own
    assert list(found.values()) == [partners] * (partners is not None)


@pytest.mark.parametrize(
    ("seconds", "condition"), [(-90, FAILING), (-5, WARNING), (-1, OK), (0, OK), (1, OK), (4, WARNING), (90, FAILING)]
)
def test_a_clock_against_the_databases(seconds: int, condition: Condition) -> None:
    before = datetime(2026, 11, 27, tzinfo=UTC)
    after = before + timedelta(seconds=0.5)
    assert machine.against(before + timedelta(seconds=seconds), before, after).condition is condition


def said(folder: Path, program: str, words: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\necho '{words}'\n")
    (folder / program).chmod(0o755)


@pytest.mark.parametrize(
    ("chrony", "systemd", "condition"),
    [
        ("C0A80101,ntp,3,1764000000.0,0.000012,0,0,0,0,0,0,0,64,Normal", "no", OK),
        ("C0A80101,ntp,3,1764000000.0,-3.5,0,0,0,0,0,0,0,64,Normal", "yes", WARNING),
        ("00000000,,0,0.0,0.0,0,0,0,0,0,0,0,0,Not synchronised", "no", WARNING),
        (None, "yes", OK),
        (None, "no", WARNING),
        (None, None, OK),
    ],
)
def test_who_keeps_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chrony: str | None, systemd: str | None, condition: Condition
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for program, words in (("chronyc", chrony), ("timedatectl", systemd)):
        if words is not None:
            said(tmp_path, program, words)
    assert machine.kept_clock().condition is condition


def test_a_disk_whose_encryption_is_declared(tmp_path: Path) -> None:
    assert machine.encryption(tmp_path, beneath=True).condition is OK
    assert machine.encryption(tmp_path, beneath=False).condition is not FAILING


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("fuse.gocryptfs", True), ("ecryptfs", True), ("ext4", False), ("fuse.sshfs", False), (None, False)],
)
def test_encryption_is_seen_of_the_file_system_over_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str | None, seen: bool
) -> None:
    """By what the kernel says of the folder's own device; a line of another one decides nothing."""
    number = tmp_path.stat().st_dev
    own = f"36 25 {os.major(number)}:{os.minor(number)} / / rw,relatime shared:1 - {kind} /dev/x rw\n"
    mounts = tmp_path / "mountinfo"
    mounts.write_text("35 25 99:99 / /other rw - ecryptfs /dev/y rw\n" + (own if kind else ""))
    monkeypatch.setattr(machine, "_MOUNTS", mounts)
    assert ("the folder is encrypted" in machine.encryption(tmp_path, beneath=False).en) is seen


@pytest.mark.parametrize(
    ("area", "seen"), [("", OK), ("/dev/nowhere", WARNING), ("{folder}/zram1", OK), ("{folder}/swapfile", WARNING)]
)
def test_swap_that_is_plain_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, area: str, seen: Condition
) -> None:
    """What is not there, or of which nothing is known, is taken for plain."""
    for name in ("zram1", "swapfile"):
        (tmp_path / name).touch()
    swaps = tmp_path / "swaps"
    line = f"{area.format(folder=tmp_path)} file 1000 0 -2\n" if area else ""
    swaps.write_text(f"Filename Type Size Used Priority\n{line}")
    monkeypatch.setattr(machine, "_SWAPS", swaps)
    monkeypatch.setattr(machine, "_BLOCK", tmp_path / "block")
    assert machine.swap(beneath=False).condition is seen
    assert machine.swap(beneath=True).condition is OK


def test_each_place_where_something_plain_lies_is_looked_at(app: App) -> None:
    looked_at = {each.about for each in office.encryption(app)}
    keys = app.settings.keys.decryption_key.parent
    assert {str(app.settings.home), str(app.settings.exports), str(keys), "swap"} <= looked_at


def test_a_check_that_hangs_has_an_end_and_is_not_begun_again(app: App) -> None:
    going_on, begun = Event(), []

    def hangs(_: App) -> Iterator[HealthFinding]:
        begun.append(1)
        going_on.wait(60)
        yield ok("", "")

    def breaks(_: App) -> Iterator[HealthFinding]:
        raise ValueError("220102199001011234")

    def sound(_: App) -> Iterator[HealthFinding]:
        yield ok("", "")

    health = Health(limited(app, check_seconds=0.2), {"hangs": hangs, "breaks": breaks, "sound": sound})
    for _ in range(2):
        found = {each.name: each for each in health.look()}
        assert {name: each.condition for name, each in found.items()} == {
            "hangs": FAILING,
            "breaks": FAILING,
            "sound": OK,
        }
        assert "2201" not in found["breaks"].findings[0].en
    assert len(begun) == 1
    going_on.set()


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands, ["health", *arguments])
        return result.exit_code, result.output

    return call


def test_the_command(run: Run, app: App) -> None:
    folder = Duties.of_home(app.settings.home).folder
    shutil.rmtree(folder, ignore_errors=True)
    assert run("--only", "database")[0] == 0
    code, said = run("--only", "duties", "--json")
    found = json.loads(said)
    assert (code, found["condition"]) == (1, "failing")
    Duties(folder).done(COLLECT)
    assert run("--only", "duties")[0] == 0
    assert run("--only", "duties", "--strict")[0] == 1
    assert run("--only", "nothing")[0] == 2


def test_what_is_worst_stands_last_and_is_counted(run: Run, app: App) -> None:
    """At the narrow terminal of a server's console: both languages below each other, nothing wider."""
    shutil.rmtree(Duties.of_home(app.settings.home).folder, ignore_errors=True)
    code, said = run("--only", "database", "--only", "duties")
    words = [word for word in ("正常 ok", "注意 warning", "故障 failing") if f"│{word}" in said]
    assert code == 1
    assert words[0] == "正常 ok"
    assert words[-1] == "故障 failing"
    assert [said.index(f"│{word}") for word in words] == sorted(said.index(f"│{word}") for word in words)
    assert said.splitlines()[-1].startswith("故障 failing: 1  ·  ")


def test_all_checks_speak_both_languages(app: App) -> None:
    with quick(app.settings) as office_:
        checked = Health(limited(office_, check_seconds=60)).look()
    assert [each.name for each in checked] == list(CHECKS)
    for each in checked:
        for finding in each.findings:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in finding.zh), finding
            assert finding.en.isascii(), finding
    assert worst(checked) in Condition


def test_a_server_whose_database_is_gone_does_not_serve(app: App) -> None:
    register = app.settings.register_.model_copy(update={"url": "postgresql+psycopg://exchange@127.0.0.1:1/exchange"})
    settings: Settings = app.settings.model_copy(update={"register_": register})
    roomy = limited(app, check_seconds=60, disk_fail_gb=1e-6).settings
    for each, serves in ((settings, False), (roomy, True)):
        with quick(each) as office_:
            assert Health(office_).serving() is serves
