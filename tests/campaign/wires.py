"""Trouble between the office and a partner's server, and servers that do not do what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncssh

from exchange.app import App
from exchange.wire.keys import make_ssh_key
from tests.campaign.gate import Fault, Gate
from tests.campaign.office import Office
from tests.campaign.troubles import TO_A_PARTNER, Trouble
from tests.steps import odd_servers
from tests.steps.odd_servers import reached_at, serving

_HOWS: Final = ("cut", "cut", "reset", "stall", "drip", "flip")
_GONE: Final = b"court-changchun.gone.request.json"
_NOBODY: Final = 1
_MOST_BYTES: Final = 40_000
"""What a look, a set and its result take, with room beyond."""


class Full(asyncssh.SFTPServer):
    """Has no room for what is to be written."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:  # noqa: ARG002
        raise asyncssh.SFTPFailure("No space left on device")


class Brief(asyncssh.SFTPServer):
    """Gives fewer bytes than it was asked for."""

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        return bytes(super().read(file_obj, offset, min(size, 700)))  # type: ignore[arg-type]


class Enlarging(asyncssh.SFTPServer):
    """Lists each file with a byte more than it has."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            if name.attrs.size is not None:
                name.attrs.size += 1
            yield name


class Hiding(asyncssh.SFTPServer):
    """Does not list what ends so."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            if not str(name.filename).endswith((".p7s", ".p7s'")):
                yield name


class Repeating(asyncssh.SFTPServer):
    """Lists each file twice, and one that is not there."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            yield name
            yield name
            yield asyncssh.SFTPName(_GONE, name.longname, name.attrs)


class Shut(odd_servers.Shut):
    """Does not let data files be opened."""

    ending = b".p7m"


_OF_OTHERS: Final = (
    odd_servers.Losing, odd_servers.Cutting, odd_servers.Altering, odd_servers.Plain, odd_servers.Unremoving,
    odd_servers.Keeping, odd_servers.Lying, odd_servers.Dropbox, odd_servers.Flooding,
)  # fmt: skip
LIARS: Final[tuple[type[asyncssh.SFTPServer], ...]] = (
    Full, Brief, Enlarging, Hiding, Repeating, Shut, *_OF_OTHERS,
)  # fmt: skip


def _gate(office: Office) -> Gate:
    """The door before the court's server, which its agreement names from now on until the office closes."""
    if office.gate is None:
        office.gate = Gate(office.court.server.port)
        office.until_the_end(office.gate.watched())
        with App.open("campaign", office.world.config) as app:
            office.until_the_end(reached_at(app, office.court, office.gate.port))
    return office.gate


def in_the_middle(office: Office) -> Trouble:
    gate = _gate(office)
    after = round(_MOST_BYTES ** office.chance.uniform(0.3, 1))
    fault = Fault(office.chance.choice(_HOWS), after, office.chance.random() < 0.6)
    return Trouble(str(fault), lambda: gate.struck_by(fault), for_a_person=False, met_by=TO_A_PARTNER)


def lying_server(office: Office) -> Trouble:
    kind = office.chance.choice(LIARS)
    return Trouble(f"a server that is {kind.__name__}", lambda: _served(office, kind), met_by=TO_A_PARTNER)


@contextmanager
def _served(office: Office, kind: type[asyncssh.SFTPServer], **keys: Path) -> Iterator[None]:
    gate = _gate(office)
    with App.open("campaign", office.world.config) as app:
        settings = app.settings
    with serving(settings, office.court, kind, **keys) as port, gate.leading_to(port):
        yield


def refusing_server(office: Office) -> Trouble:
    """One with another host key, one that does not know the office's key, or none."""
    what = office.chance.choice(["another host key", "a login refused", "nobody there"])
    if what == "nobody there":
        return Trouble(what, lambda: _gate(office).leading_to(_NOBODY), met_by=TO_A_PARTNER)
    other = office.world.root / "other-key"
    make_ssh_key(other)
    keys = {"host_key": other} if what == "another host key" else {"let_in": other}
    return Trouble(what, lambda: _served(office, asyncssh.SFTPServer, **keys), met_by=TO_A_PARTNER)
