"""Whatever a server says in place of a message of SSH, the connection is broken or stands, and nothing goes on behind
it: paramiko believes what a message says of itself, and its threads are ended by nobody.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_SUCCESS,
    MSG_IGNORE,
    MSG_NAMES,
    MSG_NEWKEYS,
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_SUCCESS,
)

from exchange.base.errors import Retryable
from exchange.demo.servers.processes import wait_for
from exchange.wire.bounds import MOST_UNASKED, BoundedTransport
from exchange.wire.connection import Timeouts
from exchange.wire.transport import connect
from tests.wire.hostile_server import HostileServer

ONCE: Final = Timeouts(connect_seconds=10, transfer_seconds=10, whole_seconds=20, tries=1)
STAGES: Final = {"behind the key exchange": MSG_SERVICE_ACCEPT, "at the subsystem": MSG_CHANNEL_SUCCESS}
_CONTENT: Final = (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA)
_FOR_EVERYBODY: Final = 32768
"""Bytes of a message that everybody must take (RFC 4253, 6.1)."""


def _end_of(hostile: HostileServer, key: Path) -> str:
    """What talking to it ends with, empty where all went well; never anything but Retryable."""
    with hostile.answering():
        try:
            with connect(hostile.account, key, ONCE) as folder, folder.one_look():
                folder.listing()
        except Retryable as error:
            return str(error)
    return ""


def _transports() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if isinstance(thread, BoundedTransport)}


@pytest.fixture
def nothing_goes_on() -> Callable[[], bool]:
    """Whether no connection's thread is left, but for those of connections that stood before: other tests keep some."""
    before = _transports()
    return lambda: _transports() <= before


SAID: Final = {
    "nothing": b"",
    "more than there is": b"\xff" * 12,
    "the most that a number holds, of nothing": struct.pack(">I", 2**31 - 1),
    "a channel, and more than there is": bytes(4) + b"\xff" * 8,
    "no text": (struct.pack(">I", 2) + b"\xff\xfe") * 8,
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", SAID)
def test_whatever_a_message_says_it_is_over_or_goes_on(
    key: Path, host_key: paramiko.PKey, what: str, stage: str, nothing_goes_on: Callable[[], bool]
) -> None:
    """Of every kind of message, and of one that is none; within the wait that a single thread would break."""
    for kind in [*MSG_NAMES, 255]:
        hostile = HostileServer(host_key, flood=bytes([kind]) + SAID[what], flood_from=STAGES[stage])
        hostile.once = True
        _end_of(hostile, key)
        assert hostile.transports, "it was reached"
    assert wait_for(nothing_goes_on, 60)


def test_a_message_that_holds_no_answer_is_no_larger_than_everybody_must_take_one(
    key: Path, host_key: paramiko.PKey
) -> None:
    for kind in [*MSG_NAMES, 255]:
        for size in [_FOR_EVERYBODY] * (kind == MSG_IGNORE) + [_FOR_EVERYBODY + 1] * (kind not in _CONTENT):
            hostile = HostileServer(host_key, flood=bytes([kind]) + bytes(size), flood_from=MSG_CHANNEL_SUCCESS)
            hostile.once = True
            assert bool(_end_of(hostile, key)) is (size > _FOR_EVERYBODY), kind


@pytest.mark.parametrize("way", paramiko.Transport._kex_info)  # type: ignore[attr-defined]
def test_keys_are_made_in_no_group_that_the_server_chooses_and_in_none_that_takes_long(
    key: Path, host_key: paramiko.PKey, way: str, nothing_goes_on: Callable[[], bool]
) -> None:
    """Each way that paramiko knows: by curves, and in the one group of 2048 bits, whichever ways are still to come."""
    hostile = HostileServer(host_key)
    hostile.kex = way
    taken = not way.startswith("diffie-hellman-") or way == "diffie-hellman-group14-sha256"
    assert _end_of(hostile, key).endswith("" if taken else "the connection failed (IncompatiblePeer)")
    assert wait_for(nothing_goes_on, 60)


def test_keys_are_made_anew_a_few_times_and_no_more(key: Path, host_key: paramiko.PKey) -> None:
    """By a server that does nothing else: each time takes of what it may say unasked what the dearest takes."""
    hostile, made = HostileServer(host_key), 0
    with hostile.answering(), connect(hostile.account, key, ONCE) as folder:
        asked = folder.sftp.request_number
        for _ in range(100):
            try:
                hostile.transports[0].renegotiate_keys()
            except (paramiko.SSHException, EOFError, OSError):
                break
            made += 1
        assert 1 <= made <= MOST_UNASKED / 500
        assert folder.sftp.request_number == asked
        assert wait_for(lambda: folder.is_cut, 60)


@pytest.mark.parametrize("stage", [MSG_NEWKEYS, MSG_SERVICE_ACCEPT, MSG_USERAUTH_SUCCESS, MSG_CHANNEL_SUCCESS])
def test_a_line_that_alters_what_passes_is_a_broken_connection(key: Path, host_key: paramiko.PKey, stage: int) -> None:
    """Which is tried again: no person can put in order what a cipher says of a bit."""
    hostile = HostileServer(host_key)
    hostile.garbles_from = stage
    assert "the connection failed" in _end_of(hostile, key)
