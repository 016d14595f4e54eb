"""Each kept file is read once in a round of nights; one that was altered is found in its night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange import pipeline, retention
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import Archive
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.operation.verification import NIGHTS, tonights, verify_archive, verify_tonights_archive
from exchange.register import Role

FIRST = datetime(2026, 11, 30, tzinfo=UTC).date()


def test_each_file_has_one_night_in_a_round(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    requests = [ask() for _ in range(10)]
    for request in requests:
        court.drop(court.make_set(request))
    poll(app)
    kept = app.register.retention.not_destroyed()
    certificate = app.archive.keep(b"a certificate of conformance")
    app.register.conformance.certify("court", certificate, app.now())
    parts = [app.register.retention.not_destroyed(tonights(FIRST + timedelta(days=night))) for night in range(NIGHTS)]
    assert sorted(digest for part in parts for digest in part) == sorted([*kept, certificate])
    assert len({*kept}) == len(kept) == 2 * len(requests)
    assert max(map(len, parts)) < len(kept) / 2, "no night reads most of it"


def test_an_altered_file_is_found_in_its_night_and_in_no_other(
    app: App, court: DemoPartner, ask: Callable[..., Request], later: Callable[[timedelta], App]
) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    digest = app.register.file(request.batch, Role.RECEIPT).sha256
    nights = [later(timedelta(days=night)) for night in range(NIGHTS)]
    with altered(app.archive.verified_path(digest)):
        found = []
        for night in nights:
            try:
                verify_tonights_archive(night)
            except Halt:
                found.append(night)
        assert len(found) == 1
        with pytest.raises(Halt):
            verify_archive(app)
    assert verify_archive(app) == (len(app.register.retention.not_destroyed()), 0)


def test_what_a_night_destroys_meanwhile_is_not_told_as_gone(
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    later: Callable[[timedelta], App],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A year's files take longer to read than a night begins after the other."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    old, read = later(timedelta(days=400)), Archive.verified_path
    digests = app.register.retention.not_destroyed()
    data = app.register.file(request.batch, Role.DATA).sha256

    def verified(archive: Archive, digest: str) -> Path:
        if digest == digests[0]:
            retention.run(old)
        return read(archive, digest)

    monkeypatch.setattr(Archive, "verified_path", verified)
    kept, past = verify_archive(app)
    assert app.archive.is_gone(data)
    assert 0 < kept < len(digests)
    assert past == 0, "it is written down"


def test_what_is_past_its_time_and_gone_is_told_apart_and_nothing_else(
    app: App, court: DemoPartner, ask: Callable[..., Request], later: Callable[[timedelta], App]
) -> None:
    """As in an office restored from a backup that was made while a night destroyed it."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    old, data = later(timedelta(days=400)), app.register.file(request.batch, Role.DATA)
    path = app.archive.verified_path(data.sha256)
    path.unlink()
    with pytest.raises(Halt, match="not in the store"):
        verify_archive(app)
    retention.hold(app, request.batch, "保全")
    with pytest.raises(Halt, match="not in the store"):
        verify_archive(old)
    app.register.retention.release_hold(request.batch, app.now())
    assert verify_archive(old)[1] == 1
    retention.run(old)
    assert verify_archive(old)[1] == 0, "the night has written it down"


class altered:  # noqa: N801  (read as a phrase)
    """A file with one byte flipped, for as long as the block takes."""

    def __init__(self, path: Path) -> None:
        self.path, self.content = path, path.read_bytes()

    def __enter__(self) -> None:
        self._put(bytes([self.content[0] ^ 1]) + self.content[1:])

    def __exit__(self, *_: object) -> None:
        self._put(self.content)

    def _put(self, content: bytes) -> None:
        mode = self.path.stat().st_mode
        self.path.chmod(0o600)
        self.path.write_bytes(content)
        self.path.chmod(mode)
