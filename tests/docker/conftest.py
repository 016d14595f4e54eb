"""One installation in containers for all files that ``make containers-test`` runs, in their order."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from exchange.demo.partner import DemoPartner
from exchange.demo.world import PARTNERS
from tests.docker.containers import BUILD, Containers


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    place = Containers(tmp_path_factory.mktemp("containers") / "exchange")
    try:
        place.install()
        place.compose("up", "--detach")
        place.tool("sh", "-c", BUILD)
        yield place
    finally:
        if os.environ.get("CONTAINERS_KEEP") is None:
            place.compose("down", "--volumes", "--timeout", "20", code=None)


@pytest.fixture(scope="session")
def court(installed: Containers) -> DemoPartner:
    return installed.add(PARTNERS[0])
