"""The container files as an administrator uses them, by ``make containers-test``: both images, the whole installation.

Skipped where ``CONTAINERS_ENGINE`` names no engine: it takes minutes, root, and the images that ``make images`` builds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from exchange.base.errors import ExchangeError
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.people import make_people
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, SEED
from tests.docker.containers import ENGINE, PASSWORD, SECONDS, Containers
from tests.pages.reached import check_routes

pytestmark = pytest.mark.skipif(not ENGINE or os.geteuid() != 0, reason="CONTAINERS_ENGINE is not set, or not root")
SERVICES = ("postgres", "scheduler", "dag-processor", "triggerer", "api-server", "sftp")
POPULATION = 3000
BUILD = """\
set -e
for source in /office/exports/*; do
    day=$(ls "$source")
    exchange snapshot build "$(basename "$source")" "$source/$day" --as-of "$day"
done
"""
ACCOUNTS = {
    "operator": ("Op", "op"),
    "administrator": ("Admin", "admin"),
    "reader": ("Viewer", "viewer"),
    "user": ("User", "viewer"),
    "leader": ("Viewer", "leader"),
    "officer": ("Viewer", "officer"),
}
"""FAB's account → its role in Airflow, and whose pages it has: what more a Viewer may, the office's settings say."""
TODAY = office_day(datetime.now(UTC))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The installation, every service well; what the head of the compose file says, in its order."""
    place = Containers(tmp_path_factory.mktemp("containers") / "exchange")
    for path in (place.folder.parent, *place.folder.parent.parents[:2]):
        path.chmod(0o755)  # as /srv is
    place.lay_out()
    try:
        place.compose("up", "--detach", "postgres")
        assert wait_for(lambda: place.is_well("postgres"), SECONDS)
        assert "made" in place.compose("run", "--rm", "init")
        for name, (role, _) in ACCOUNTS.items():
            words = ("--username", name, "--role", role, "--password", PASSWORD, "--email", f"{name}@example.invalid")
            place.tool("airflow", "users", "create", *words, "--firstname", "Invented", "--lastname", "Person")
        place.fill(POPULATION, TODAY - timedelta(days=1))
        place.compose("up", "--detach")
        yield place
    finally:
        if os.environ.get("CONTAINERS_KEEP") is None:
            place.compose("down", "--volumes", "--timeout", "20", code=None)


@pytest.fixture(scope="module")
def court(installed: Containers) -> DemoPartner:
    """A partner that is added while everything runs."""
    assert wait_for((installed.folder / "host-keys" / "ssh_host_ed25519_key.pub").exists, SECONDS)
    partner = installed.partner(PARTNERS[0], TODAY)
    assert wait_for((installed.folder / "partners" / partner.id / "dev" / "log").exists, SECONDS)
    return partner


def ask(partner: DemoPartner, word: str, items: tuple[str, ...] = ("id_number", "name", "sex")) -> Request:
    """Five people of the province, asked about ad hoc."""
    columns = ["row_ref", "id_number", "name", *(["sex"] if "sex" in items else [])]  # nothing that is not asked
    rows = next(make_people(SEED, POPULATION)).head(5).with_row_index("row_ref").select(columns)
    data = to_csv(rows)
    basis = "刑事诉讼法第二百八十六条"
    return Request(f"{partner.id}.{word}", "ad_hoc", str(TODAY), "case_handling", basis, items, 5, data)


def came(partner: DemoPartner, name: str) -> bool:
    def is_there() -> bool:
        try:
            return name in partner.answers()
        except ExchangeError:
            return False

    return wait_for(is_there, SECONDS)


def test_init_again_changes_nothing(installed: Containers) -> None:
    assert "新建 0 项" in installed.compose("run", "--rm", "init")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_that_it_is_well(installed: Containers, service: str) -> None:
    assert wait_for(lambda: installed.is_well(service), SECONDS), installed.compose("logs", service, code=None)[-3000:]


def test_no_service_of_the_office_is_root_or_writes_beside_its_folders(installed: Containers) -> None:
    for service in ("scheduler", "api-server"):
        assert installed.compose("exec", "-T", service, "id", "-u").split()[-1] == "1000"
        installed.compose("exec", "-T", service, "sh", "-c", "! touch /app/x /opt/exchange/x /airflow/x 2>/dev/null")


def test_a_partner_that_is_added_gets_its_answer(installed: Containers, court: DemoPartner) -> None:
    installed.tool("exchange", "partner", "check")
    installed.tool("exchange", "partner", "connect", court.id)
    installed.tool("sh", "-c", BUILD)
    request = ask(court, "first")
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json.p7s"), installed.compose("logs", "scheduler", code=None)[-5000:]
    assert court.result(request.batch).manifest["batch"] == request.batch


def test_what_the_sftp_server_tells_holds_no_number(installed: Containers, court: DemoPartner) -> None:
    court.drop({"220102199001011237.csv": b"x"})
    assert wait_for(lambda: "to-office/…" in installed.compose("logs", "sftp", code=None), 30)
    assert "2201021990" not in installed.compose("logs", "sftp", code=None)
    owner = (installed.folder / "partners" / court.id / "to-office").stat()
    assert owner.st_uid > 20_000
    assert stat.S_IMODE(owner.st_mode) == 0o700


def test_fabs_leader_approves_what_waited_over_a_restart(installed: Containers, court: DemoPartner) -> None:
    """People are known by the account's name: FAB's own id is a number."""
    request = ask(court, "waits", ("id_number", "name", "criminal_record"))
    agreement = installed.folder / "office" / "agreements" / f"{court.id}.toml"
    text = agreement.read_text("utf-8")
    agreement.write_text(text[: text.index("[standing_approval]")] + text[text.index("[contact]") :], "utf-8")
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json.p7s")
    installed.compose("down", "--timeout", "60")
    installed.compose("up", "--detach")
    assert wait_for(lambda: installed.is_well("api-server"), SECONDS)
    release = f"{request.batch}.release-1"
    with installed.log_in("leader") as leader:
        assert wait_for(lambda: release in leader.page("/approval")[1], SECONDS)
        assert leader.press(f"/approval/{release}", "/approval/approve")[0] == HTTPStatus.SEE_OTHER
    with installed.log_in("operator") as operator:
        assert operator.page("/approval")[0] == HTTPStatus.FORBIDDEN
    assert came(court, f"{request.batch}.result-2.json.p7s")
    assert court.result(request.batch, 2).manifest["batch"] == request.batch


def test_a_backup_is_made_and_opened_again(installed: Containers, court: DemoPartner) -> None:
    keys = installed.keep()
    assert "files" in installed.compose("run", "--rm", "backup")
    assert "whole" in installed.compose("run", "--rm", "backup", "exchange", "backup", "verify")
    for name in ("encrypt.key", "encrypt.pem"):
        installed.write(f"secrets/{name}", (keys / name).read_text("utf-8"))
    words = ("--key", "/secrets/encrypt.key", "--certificate", "/secrets/encrypt.pem")
    said = installed.compose(
        "run", "--rm", "backup", "exchange", "restore", "files", "/backup", "/office/again", *words
    )
    assert "restored" in said


@pytest.mark.parametrize("login", ACCOUNTS)
def test_each_of_fabs_accounts_reaches_what_the_table_says(installed: Containers, login: str) -> None:
    check_routes(installed.address, login, PASSWORD, ACCOUNTS[login][1])


def test_a_key_that_is_taken_away_lets_nobody_in(installed: Containers, court: DemoPartner) -> None:
    place: Path = installed.folder / "accounts" / court.id
    before = place.read_text("utf-8")
    place.unlink()
    with pytest.raises(ExchangeError):
        court.answers()
    installed.let_in(court.id, *before.splitlines())
    assert court.answers()
