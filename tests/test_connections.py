"""The office's connections that tests keep: one conversation's at a time, and only while the server stands."""

from __future__ import annotations

from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.demo.world import World
from exchange.wire.sftp import SftpClient


def connection(app: App, court: DemoPartner) -> SftpClient:
    with app.folder(app.agreement(court.id)) as folder:
        assert folder.answers()
        return folder.sftp


def test_one_is_kept_until_its_server_ends(
    office_stays_connected: None, world: World, app: App, court: DemoPartner
) -> None:
    first = connection(app, court)
    assert connection(app, court) is first
    court.server.stop()
    world.start_servers()
    assert connection(app, court) is not first


def test_whoever_comes_meanwhile_has_one_of_its_own(office_stays_connected: None, app: App, court: DemoPartner) -> None:
    with app.folder(app.agreement(court.id)) as first, app.folder(app.agreement(court.id)) as second:
        assert first.sftp is not second.sftp
        assert first.answers()
        assert second.answers()
