"""Of many that come again, one waits for a server that was away; the others try for a moment, and really connect."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_SUCCESS,
    MSG_KEXINIT,
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_SUCCESS,
)

from exchange.base.duty import Duties
from exchange.base.errors import Halt, Retryable
from exchange.demo.servers.processes import wait_for
from exchange.wire.away import JUST_NOW, MOMENT_SECONDS, WAITED_LATELY, AwaySign
from exchange.wire.connection import MAX_CONNECTING, SftpAccount, Timeouts
from exchange.wire.transport import Folder, connect
from tests.wire.hostile_server import HostileServer

LIMITS = Timeouts(connect_seconds=3.5, tries=3, first_pause_seconds=0.05)

_SHORT = (MOMENT_SECONDS + LIMITS.connect_seconds) / 2
PATIENTLY, BRIEFLY, NOT_AT_ALL = "patiently", "briefly", "not at all"
_SLOW = 10.0
"""What a moment may take more where the machine is busy; without an end to it the try takes fifty seconds."""

STAGES = [MSG_KEXINIT, MSG_SERVICE_ACCEPT, MSG_USERAUTH_SUCCESS, MSG_CHANNEL_OPEN_SUCCESS, MSG_CHANNEL_SUCCESS]


@pytest.fixture
def silent(host_key: paramiko.PKey) -> Iterator[HostileServer]:
    """Accepts whoever connects, and says nothing."""
    server = HostileServer(host_key, silent_from=MSG_KEXINIT)
    with server.answering():
        yield server


@pytest.fixture
def duties(tmp_path: Path) -> Duties:
    return Duties.of_home(tmp_path)


Try = Callable[..., AbstractContextManager[Folder]]
InVain = Callable[..., str]


@pytest.fixture
def trying(silent: HostileServer, key: Path, duties: Duties) -> Try:
    @contextmanager
    def at(account: SftpAccount = silent.account, *, comes_again: bool = True) -> Iterator[Folder]:
        sign = AwaySign(duties, account)
        with sign.connected(LIMITS, lambda within: connect(account, key, within), comes_again=comes_again) as folder:
            yield folder

    return at


@pytest.fixture
def in_vain(trying: Try, silent: HostileServer) -> InVain:
    """A try that does not connect; how it waited."""

    def tried(*, comes_again: bool = True) -> str:
        before, begun = len(silent.transports), time.monotonic()
        with pytest.raises(Retryable), trying(comes_again=comes_again):
            pass
        if len(silent.transports) == before:
            return NOT_AT_ALL
        return BRIEFLY if time.monotonic() - begun < _SHORT else PATIENTLY

    return tried


def signs(duties: Duties) -> dict[str, float]:
    """Name → when somebody last waited."""
    return {path.name: float(path.read_text()) for path in duties.folder.glob("away.*")}


@pytest.fixture
def left(silent: HostileServer, duties: Duties) -> None:
    """Somebody has just waited in vain."""
    duties.done(AwaySign(duties, silent.account).name, f"{time.time()}")


def passed(duties: Duties, span: timedelta) -> None:
    """So much time, for the signs that there are."""
    for name, waited in signs(duties).items():
        sign = duties.last(name)
        assert sign is not None
        duties.done(name, f"{waited - span.total_seconds()}", sign.at - span)


LITTLE, LONG = JUST_NOW + timedelta(seconds=1), WAITED_LATELY + timedelta(seconds=1)


def test_behind_the_first_nobody_waits_until_its_time_is_over(in_vain: InVain, duties: Duties) -> None:
    assert in_vain() == PATIENTLY
    assert len(signs(duties)) == 1
    for _ in range(3):
        assert in_vain() == NOT_AT_ALL
        passed(duties, LITTLE)
        before = signs(duties)
        assert in_vain() == BRIEFLY
        assert signs(duties) == before, "short tries keep nobody from waiting"
    passed(duties, LONG)
    assert in_vain() == PATIENTLY


@pytest.mark.parametrize("how", ["silent_from", "drips_from"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.usefixtures("left")
def test_a_moment_is_over_at_whatever_stage(
    in_vain: InVain, silent: HostileServer, duties: Duties, stage: int, how: str
) -> None:
    passed(duties, LITTLE)
    silent.silent_from = None
    setattr(silent, how, stage)
    begun = time.monotonic()
    in_vain()
    assert time.monotonic() - begun < MOMENT_SECONDS + _SLOW


@pytest.mark.usefixtures("left")
def test_whoever_comes_when_it_is_back_connects_and_the_sign_is_gone(
    in_vain: InVain, trying: Try, silent: HostileServer, duties: Duties
) -> None:
    passed(duties, LITTLE)
    silent.silent_from = None
    with trying() as folder:
        assert folder.list_requests() == []
        assert not signs(duties)


@pytest.mark.usefixtures("left")
def test_of_many_that_come_at_once_one_waits(in_vain: InVain, duties: Duties) -> None:
    passed(duties, LONG)
    how = list[str]()
    threads = [Thread(target=lambda: how.append(in_vain())) for _ in range(MAX_CONNECTING)]
    for thread in threads:
        thread.start()
        assert wait_for(lambda: time.time() - max(signs(duties).values()) < WAITED_LATELY.total_seconds(), 60)
    for thread in threads:
        thread.join()
    assert how.count(PATIENTLY) == 1


@pytest.mark.usefixtures("left")
def test_while_one_waits_the_others_look_whether_it_is_back(trying: Try, silent: HostileServer, duties: Duties) -> None:
    """That one begins to wait is not that the server was found away."""

    def wait() -> None:
        with suppress(Retryable), trying():
            pass

    passed(duties, LONG)
    waits = Thread(target=wait)
    waits.start()
    assert wait_for(lambda: time.time() - max(signs(duties).values()) < WAITED_LATELY.total_seconds(), 60)
    silent.silent_from = None
    with trying() as folder:
        assert folder.list_requests() == []
    waits.join()


@pytest.mark.parametrize("days", [1, 400, -400])
@pytest.mark.usefixtures("left")
def test_one_of_another_time_is_not_believed(in_vain: InVain, duties: Duties, days: int) -> None:
    passed(duties, timedelta(days=days))
    assert in_vain() == PATIENTLY
    assert in_vain() == NOT_AT_ALL, "and it was renewed"


@pytest.mark.parametrize("content", ["", "nan", "-1e300"])
@pytest.mark.usefixtures("left")
def test_one_that_says_nothing_is_none(in_vain: InVain, duties: Duties, content: str) -> None:
    for name in signs(duties):
        duties.done(name, content)
    assert in_vain() == PATIENTLY


@pytest.mark.usefixtures("left")
def test_whoever_does_not_come_again_waits(in_vain: InVain) -> None:
    assert in_vain(comes_again=False) == PATIENTLY


@pytest.mark.usefixtures("left")
def test_another_login_and_another_machine_are_others(
    in_vain: InVain, silent: HostileServer, duties: Duties, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert AwaySign(duties, replace(silent.account, username="another")).name not in signs(duties)
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((here[0], "another-machine", *here[2:])))
    assert in_vain() == PATIENTLY


def test_what_is_for_a_person_leaves_no_sign(
    silent: HostileServer, trying: Try, duties: Duties, host_key: paramiko.PKey
) -> None:
    silent.silent_from = None
    another = paramiko.ECDSAKey.generate()
    account = replace(silent.account, host_key=f"{another.get_name()} {another.get_base64()}")
    with pytest.raises(Halt), trying(account):
        pass
    assert not signs(duties)


def test_where_no_sign_can_be_left_everybody_waits(in_vain: InVain, duties: Duties) -> None:
    duties.folder.write_text("not a folder")
    assert in_vain() == PATIENTLY
    assert in_vain() == PATIENTLY
