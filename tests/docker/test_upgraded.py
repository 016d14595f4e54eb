"""From an earlier version's image to this one's, with open batches and data; by ``make containers-upgrade-test``.

``CONTAINERS_BEFORE`` names that image. Its own compose file is in it, as all of the project's files are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial

import pytest
import yaml

from exchange.base.paths import ROOT
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS
from tests.docker.containers import BUILD, SECONDS, Containers, ask, came, needs_engine, patient

IMAGE = os.environ.get("CONTAINERS_BEFORE", "")
pytestmark = [needs_engine, patient, pytest.mark.skipif(not IMAGE, reason="CONTAINERS_BEFORE names no image")]
NAMES_IMAGE = "image: &office "
OFFICES = ("scheduler", "dag-processor", "api-server")


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The earlier version, installed by its own compose file; the SFTP server is today's."""
    here = tmp_path_factory.mktemp("containers")
    place = Containers(here / "exchange", here / "docker")
    container = place.engine("create", IMAGE, "true").split()[-1]
    try:
        place.engine("cp", f"{container}:/app/docker/.", str(place.project))
    finally:
        place.engine("rm", container)
    file = place.project / "compose.yaml"
    text = file.read_text("utf-8")
    assert text.count(NAMES_IMAGE) == 1
    lines = [f"  {NAMES_IMAGE}{IMAGE}" if NAMES_IMAGE in line else line for line in text.splitlines()]
    file.write_text("\n".join(lines), "utf-8")
    shutil.copy(ROOT / "docker" / "sftp.Dockerfile", place.project)
    try:
        place.install()
        place.compose("up", "--detach")
        yield place
    finally:
        Containers(place.folder).compose("down", "--volumes", "--timeout", "20", code=None)


def running(place: Containers) -> list[str]:
    """The services of its own compose file but the database; today's may have fewer."""
    services = yaml.safe_load((place.project / "compose.yaml").read_text("utf-8"))["services"]
    return [name for name, said in services.items() if name != "postgres" and "profiles" not in said]


@pytest.fixture(scope="module")
def court(former: Containers) -> DemoPartner:
    return former.add(PARTNERS[0])


def test_what_was_open_goes_on(former: Containers, court: DemoPartner) -> None:
    """As the compose file has it: stop all but postgres, init, up."""
    former.without_standing_approval(court)
    former.tool("sh", "-c", BUILD)
    waits = ask(court, "waits", ("id_number", "name", "criminal_record"))
    court.drop(court.make_set(waits))
    assert came(court, f"{waits.batch}.result.json"), former.compose("logs", "scheduler", code=None)[-5000:]
    meanwhile = ask(court, "meanwhile")
    court.drop(court.make_set(meanwhile))

    now = Containers(former.folder)
    former.compose("stop", "--timeout", "60", *running(former))
    now.compose("run", "--rm", "init")
    former.compose("down", "--timeout", "60")  # podman-compose keeps containers of a former image
    now.compose("up", "--detach")
    now.approve(f"{waits.batch}.release-1")
    assert came(court, f"{waits.batch}.result-2.json"), now.compose("logs", "scheduler", code=None)[-5000:]
    assert came(court, f"{meanwhile.batch}.result.json"), now.compose("logs", "scheduler", code=None)[-5000:]
    assert court.result(waits.batch, 2).manifest["batch"] == waits.batch
    assert "unaltered" in now.tool("exchange", "register", "verify", "--deep")
    now.tool("exchange", "health", "--only", "database", "--only", "ledger")
    for service in OFFICES:
        assert wait_for(partial(now.is_well, service), SECONDS), service
