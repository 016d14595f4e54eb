"""Retention of a partner whose agreement's file was taken away once all its batches were closed, as the manual says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange import retention
from exchange.base.files import sha256
from exchange.demo.agreement import agreement_toml
from exchange.demo.world import PARTNERS, World
from exchange.register import Role
from exchange.wire.manifest import RequestManifest

from .desk import Desk, roles

OLDER = b'[[purposes]]\ncode = "x"\noffence_kinds = ["judgment"]\n'
"""Of an agreement of before legal bases were a catalogue."""


def closed(desk: Desk, manifest: RequestManifest, name: str, agreed: bytes) -> str:
    """A batch that was accepted under this agreement."""
    batch = desk.batch(manifest, name, f"rows of {name}".encode())
    desk.register.record_file(batch, Role.AGREEMENT, "gone.toml", desk.app.archive.keep(agreed), len(agreed))
    desk.close(batch)
    return batch


@pytest.mark.parametrize("before", [b"", OLDER])
@pytest.mark.parametrize(("days", "gone"), [(5, 6), (50, 51), (None, 31)])
def test_what_was_agreed_last_holds_on(
    desk: Desk, manifest: RequestManifest, before: bytes, days: int | None, gone: int
) -> None:
    """The office's own days, 30, counted from the day on which the file went: an agreed original went too soon, or
    stayed for longer than was agreed.
    """
    said = b"" if days is None else b"[retention]\noriginals_days = %d\n" % days
    batch = closed(desk, manifest, "removed", before + said)
    retention.run(desk.later(gone - 1))
    assert roles(desk, batch) == set()
    retention.run(desk.later(gone))
    assert roles(desk, batch) == {"data"}
    desk.register.verify()


def test_the_last_batchs_version_holds_for_all(desk: Desk, manifest: RequestManifest) -> None:
    """As the file would, did it lie there still; and to the end, when the last of it goes."""
    batches = [
        closed(desk, manifest, f"number-{at}", b"[retention]\noriginals_days = %d\n" % days)
        for at, days in enumerate((40, 7, 70))
    ]
    retention.run(desk.later(70))
    assert [roles(desk, batch) & {"data"} for batch in batches] == [set()] * 3
    retention.run(desk.later(71))
    assert [roles(desk, batch) & {"data"} for batch in batches] == [{"data"}] * 3
    retention.run(desk.later(91))
    assert all({"agreement", "manifest"} <= roles(desk, batch) for batch in batches)
    assert retention.run(desk.later(400)).total() == 0


@pytest.mark.parametrize("kept", [None, b"[", b'[retention]\noriginals_days = "long"\n'])
def test_of_a_version_that_cannot_be_read_nothing_goes(
    desk: Desk, manifest: RequestManifest, kept: bytes | None
) -> None:
    """It may have said more. Lost and altered it is named by whoever verifies the archive."""
    batch = closed(desk, manifest, "lost", kept or b"lost")
    if kept is None:
        desk.app.archive.path(sha256(b"lost")).unlink()
    retention.run(desk.later(999))
    assert roles(desk, batch) == set()


def test_a_certificate_that_was_taken_away_keeps_no_file_beyond_its_time(desk: Desk, manifest: RequestManifest) -> None:
    """As one is whose key leaked: what was agreed is known all the same."""
    profile, folder = PARTNERS[0], desk.app.settings.agreements
    folder.mkdir()
    agreed = agreement_toml(profile, World(folder / "world").sftp(profile.id), datetime.now(UTC).date())
    (folder / f"{profile.id}.toml").write_text(f"{agreed}[retention]\noriginals_days = 5\n", encoding="utf-8")
    batch = desk.closed(manifest.model_copy(update={"partner": profile.id}), "leaked", b"rows")
    retention.run(desk.later(6))
    assert roles(desk, batch) == {"data"}


def test_another_partners_days_are_its_own(desk: Desk, manifest: RequestManifest) -> None:
    other = manifest.model_copy(update={"partner": "other-partner"})
    first = closed(desk, manifest, "first", b"[retention]\noriginals_days = 5\n")
    second = closed(desk, other, "second", b"[retention]\noriginals_days = 50\n")
    retention.run(desk.later(31))
    assert (roles(desk, first), roles(desk, second)) == ({"data"}, set())
