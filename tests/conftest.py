"""What many tests share: one small demo world with real servers, for the whole session."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest
from sqlalchemy import Engine
from xdist.scheduler import LoadScopeScheduling

from exchange import app as application
from exchange.app import App
from exchange.base.duty import LOOKOUT, Duties
from exchange.base.errors import Halt
from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.demo import partner
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.province.published import install, make
from exchange.demo.world import PARTNERS, SEED, World
from exchange.intake.owed import OwedRuns
from exchange.register import Register
from exchange.settings import Settings
from exchange.snapshots.versions import Snapshots
from exchange.wire import transport
from exchange.wire.connection import SftpAccount
from exchange.wire.pool import ConnectionPool
from exchange.wire.transport import Folder
from tests.anew import begin_anew
from tests.connections import Connections
from tests.examples import EXAMPLES
from tests.once import PEOPLE, build_world, made_once

hypothesis.settings.register_profile(
    "any machine",
    deadline=None,  # a slow machine is no wrong answer
    max_examples=EXAMPLES,
)
hypothesis.settings.load_profile("any machine")

SERVERS = frozenset(
    {"world", "migrated", "airflow_world", "airflow", "celery_world", "redis", "server", "small", "elsewhere"}
    | {"proxied", "echoing"}
)
"""Fixtures that start a server; a test that asks for one, however far round, is marked ``server``."""

ONE_AIRFLOW = tuple(
    f"tests/airflow/test_{name}.py"
    for name in ("approval", "away", "batches", "cleaned", "components", "dags", "locks", "pages", "stopping")
)
"""The files that need a running Airflow: where several processes share the tests, one of them runs all of these."""

SELDOM = {PARTNERS[1].id: "education", PARTNERS[3].id: "health"}
"""Partners that few tests ask for, by their fixtures; all but the court have none."""

ITEMS = ("id_number", "name", "sex")
RUNNING = pytest.StashKey[list[World]]()
"""The session's world, where a test has asked for it."""

_numbers = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: to look through it for garbage, again and again, took a third of the
    processor time of collecting, in each process. Later it is looked for seldom: with 700, Python's own number of new
    objects, it took some 5 % of the processor time of tests that answer batches.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a server: by its fixtures, or because it stands in the tests of the servers themselves. What
    takes longest comes first, so that no process waits for it at the end: Airflow, then the house rules, then servers.
    """
    turns: dict[Path, int] = {}
    for item in items:
        asked = SERVERS.intersection(getattr(item, "fixturenames", ()))
        if asked or item.path.name.startswith("test_servers_"):
            item.add_marker(pytest.mark.server)
        first = item.path.relative_to(ROOT).as_posix() in ONE_AIRFLOW
        turn = 0 if first else 1 if item.get_closest_marker("house") else 2 if item.get_closest_marker("server") else 3
        turns[item.path] = min(turn, turns.get(item.path, turn))
    items.sort(key=lambda item: turns[item.path])  # stable: within a file the order stays


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """A file's tests run in one process, as their fixtures may be dear; all that need Airflow in the same one.

    pytest-xdist's own groups (``loadgroup``) do nothing with pytest 9.2, which keeps a test's id elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "airflow" if file in ONE_AIRFLOW else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _no_power_failure() -> Iterator[None]:
    """Files are not waited for until the disk has them: no test cuts the power, and what a killed process wrote, the
    kernel keeps. A batch syncs some 50 times, 2 to 10 ms each.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # a descriptor that is closed is still an error
        yield


ASK_AGAIN = "[policy]\nguard_holds = false\nremember_decisions_days = 0\n"
"""Tests ask about people who are not there, and about the same ones again."""


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A built world of a few thousand people: PostgreSQL and three SFTP servers run, Airflow does not."""
    place = World(tmp_path_factory.mktemp("world"), lasting=False)
    try:
        build_world(tmp_path_factory, place)
        settings = place.config.read_text(encoding="utf-8")
        place.config.write_text(settings.replace("[policy]\n", ASK_AGAIN), encoding="utf-8")
        request.session.stash[RUNNING] = [place]
        yield place
    finally:
        place.stop_servers()
        place.postgres.remove()


@pytest.fixture(scope="module", autouse=True)
def _begins_anew(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the tests of a file wrote into the register is not the next file's."""
    yield
    for place in request.session.stash.get(RUNNING, ()):
        begin_anew(place)


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented province as it is published, of a few people."""
    return made_once(tmp_path_factory, "published", lambda folder: make(folder, people=1500))


@pytest.fixture(scope="session")
def answering(world: World, province: Path) -> Snapshots:
    """The province where the world's test batches are answered from it."""
    snapshots = Snapshots(Settings.load(world.config).invented, invented=True)
    install(province, snapshots)
    return snapshots


@pytest.fixture(scope="module")
def installed(world: World, answering: Snapshots) -> Snapshots:
    """The court is tested with the province, and exempted, so that it stays live in all other tests of the file."""
    with App.open("leader", world.config) as app:
        app.register.conformance.exempt(PARTNERS[0].id, "多年合作部门〔虚构〕", app.now())
    return answering


@pytest.fixture(scope="session")
def people() -> pl.DataFrame:
    """The world's people, as they were exported, with the oddities that were planted."""
    return pl.concat(make_people(SEED, PEOPLE))


@pytest.fixture(scope="session")
def offenders(people: pl.DataFrame) -> pl.Series:
    """Id numbers with a record that counts for a court."""
    return on_record(make_offences(SEED, 0, people))


@pytest.fixture(scope="session")
def barred(people: pl.DataFrame) -> pl.Series:
    """Id numbers with a record that counts for whoever is in close contact with minors."""
    return on_record(make_offences(SEED, 0, people), "minors_protection_62")


@pytest.fixture(scope="session")
def engine(world: World) -> Iterator[Engine]:
    """The register's connections of the offices below: opened once, with each statement compiled once. A test that
    opens an office of its own spends as much on that as on a batch.
    """
    with App.open("test", world.config) as opened:
        yield opened.register.engine


@pytest.fixture(scope="session")
def opened(world: World, engine: Engine) -> Callable[[str], App]:
    """The office in the name of somebody, as the command line opens it."""

    def in_name_of(actor: str) -> App:
        office = App.open(actor, world.config)
        office.register = Register(engine, actor)
        return office

    return in_name_of


@pytest.fixture
def app(opened: Callable[[str], App]) -> Iterator[App]:
    """The office. What a test claims and leaves waiting is not the next one's, each of whose polls would look at it
    again.
    """
    office = opened("test")
    yield office
    for batch in office.register.waiting():
        with suppress(Halt):  # what a test forged is for a person to the register, too
            office.register.refuse(batch, "data_hash", row=None, column="data.sha256")
    for profile in PARTNERS:  # nor is what lacked something: a file of one name and one second would have been told of
        office.register.unfinished.finished(profile.id, [])
    (Duties.of_home(office.settings.home).folder / LOOKOUT).unlink(missing_ok=True)  # nor is a lookout on duty
    owed = OwedRuns.of_home(office.settings.home)
    for batch in owed.all():  # nor are the runs that one owed
        owed.paid(batch)


@pytest.fixture
def all_partners() -> None:
    """For a test that asks for partners without saying so by a fixture."""


@pytest.fixture
def asked_partners(request: pytest.FixtureRequest) -> Iterator[None]:
    """The office knows the court and those whose fixtures the test asks for, unless it asks for ``all_partners``: each
    look into a partner's folder is a log-in there. For the directories whose tests look most.
    """
    asked = set(request.fixturenames)
    if "world" not in asked or "all_partners" in asked:
        yield
        return
    office = request.getfixturevalue("world").root / "office"
    aside = make_folder(office / "agreements-aside")
    names = [f"{profile.id}.toml" for profile in PARTNERS[1:] if SELDOM.get(profile.id) not in asked]
    for name in names:
        (office / "agreements" / name).rename(aside / name)
    yield
    for name in names:
        (aside / name).rename(office / "agreements" / name)


@pytest.fixture(scope="session", autouse=True)
def _partners_stay_connected() -> Iterator[None]:
    """A partner's client stays logged in between what a test has it do: to log in costs both sides more than a set."""
    with closing(ConnectionPool()) as pool, pytest.MonkeyPatch.context() as patched:

        def connect(account: SftpAccount, key_file: Path) -> AbstractContextManager[Folder]:
            if threading.current_thread() is not threading.main_thread():
                return transport.connect(account, key_file)
            return pool.conversation(account, 60.0, lambda: transport.connect(account, key_file))

        patched.setattr(partner, "connect", connect)
        yield


@pytest.fixture(scope="module")
def office_stays_connected() -> Iterator[None]:
    """For the files whose tests are about batches, not about how the office reaches a partner."""
    with closing(Connections()) as kept, pytest.MonkeyPatch.context() as patched:
        patched.setattr(application, "connect", kept.connect)
        yield


@pytest.fixture
def court(world: World) -> DemoPartner:
    """The court: ad hoc and monthly, may ask for criminal records, has a standing approval."""
    return demo_partner(world, PARTNERS[0])


@pytest.fixture
def education(world: World) -> DemoPartner:
    return demo_partner(world, PARTNERS[1])


@pytest.fixture
def health(world: World) -> DemoPartner:
    """The health department: asks by the mother whether a newborn is registered."""
    return demo_partner(world, PARTNERS[3])


@pytest.fixture
def ask(court: DemoPartner) -> Callable[..., Request]:
    """A sound ad hoc request of the court with a batch id of its own; what is given takes the place of what is
    sound.
    """

    def make(data: bytes = b"row_ref,id_number,name,sex\nR1,,,\n", rows: int = 1, **given: object) -> Request:
        sound: dict[str, object] = {
            "batch": f"{court.id}.t{next(_numbers)}",
            "cycle": "ad_hoc",
            "period": "2026-11-23",
            "purpose": "case_handling",
            "legal_basis": "刑事诉讼法第二百八十六条",
            "items": ITEMS,
            "rows": rows,
            "data": data,
        }
        return Request(**sound | given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def far_from_midnight(app: App) -> None:
    """The office from noon of tomorrow on: for what happens once a day."""
    now = app.now
    ahead = (now() + timedelta(days=1)).astimezone(OFFICE_ZONE).replace(hour=12) - now()
    app.now = lambda: now() + ahead


@pytest.fixture
def later(app: App) -> Callable[[timedelta], App]:
    """The same office, its clock ahead by so much."""

    def ahead(by: timedelta) -> App:
        now = app.now
        return App(app.settings, app.register, lambda: now() + by)

    return ahead


@pytest.fixture(autouse=True)
def _clean_folders(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test leaves in the partners' folders is not the next one's."""
    yield
    if "world" in request.fixturenames:
        place: World = request.getfixturevalue("world")
        for profile in PARTNERS:
            for folder in ("to-office", "from-office"):
                for path in (place.sftp(profile.id).home / folder).iterdir():
                    remove(path)


def remove(path: Path) -> None:
    """A file, a link, or a folder with what is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
