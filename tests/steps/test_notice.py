"""A message and its signature, of several who send it at once, belong together at the partner's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Thread, current_thread
from typing import Final

import pytest

from exchange.app import App
from exchange.base.files import Archive
from exchange.demo.partner import DemoPartner
from exchange.status import certificate
from exchange.status.certificate import Requirement, certify
from exchange.steps.notice import send_notice
from exchange.wire.manifest import Notice
from tests.side_by_side import start_beside

SHOWN: Final = [Requirement("set_answered", "已办结", "answered", "case_handling", "court-changchun.t1")]


def _notice(app: App, court: DemoPartner, number: int) -> str:
    words = f"notice {number}"
    notice = Notice(partner=court.id, about="court.x", code="data_missing", zh=words, en=words, seen_since=app.now())
    with app.folder(app.agreement(court.id)) as folder:
        send_notice(app, folder, notice, "court.x.notice.json")
    return "court.x.notice.json"


def _certificate(app: App, court: DemoPartner, number: int) -> str:
    """Of its own number: what it says that was shown."""
    return certify(app, app.agreement(court.id), [*SHOWN, *SHOWN[:number]])


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("send", [_notice, _certificate], ids=["notice", "certificate"])
def test_of_two_who_send_at_once_the_files_of_one_lie_there(
    app: App,
    opened: Callable[[str], App],
    court: DemoPartner,
    send: Callable[[App, DemoPartner, int], str],
    at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other begins when the first has looked at so many of its two files."""
    monkeypatch.setattr(certificate, "test_batches", lambda *_: [])  # which forms were answered is no matter here
    look, beside, looks = Archive.verified_path, Thread(target=lambda: send(opened("another"), court, 1)), count(1)

    def then_another(archive: Archive, digest: str) -> Path:
        if current_thread() is not beside and next(looks) == at:
            start_beside(beside, app.register.engine)
        return look(archive, digest)

    monkeypatch.setattr(Archive, "verified_path", then_another)
    name = send(app, court, 0)
    beside.join()
    assert court.verified(name)["partner"] == court.id
