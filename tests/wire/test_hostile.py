"""Servers that mean harm: every wait ends, what comes is bounded, and nothing is left open there."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DEBUG,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_KEXINIT,
    MSG_NEWKEYS,
    MSG_SERVICE_ACCEPT,
    MSG_UNIMPLEMENTED,
    MSG_USERAUTH_SUCCESS,
)

from exchange.base.errors import Retryable
from exchange.demo.servers.processes import wait_for
from exchange.wire.bounds import FOR_A_QUESTION, MOST_BANNER_BYTES, MOST_BYTES, MOST_UNASKED, BoundedTransport
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.transport import MAX_LISTED_FILES, PLAIN_NAME, connect
from tests.wire.hostile_server import FILE, FOLDER, Answer, HostileServer, named, packet, saying

PATIENT = Timeouts(tries=1)
SHORT = Timeouts(connect_seconds=0.7, transfer_seconds=1, whole_seconds=1.5, tries=2, first_pause_seconds=0.05)
_KEX_REPLY = 31

STAGES = {
    "nothing but a banner": MSG_KEXINIT,
    "in the key exchange": _KEX_REPLY,
    "before the new keys": MSG_NEWKEYS,
    "behind the key exchange": MSG_SERVICE_ACCEPT,
    "in the login": MSG_USERAUTH_SUCCESS,
    "at the session": MSG_CHANNEL_OPEN_SUCCESS,
    "at the subsystem": MSG_CHANNEL_SUCCESS,
    "behind the subsystem": MSG_CHANNEL_DATA,
}
"""Where it stops: the first message that it does not send."""


def _text(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_stops_at_whatever_stage_is_given_up(key: Path, host_key: paramiko.PKey, stage: str) -> None:
    hostile = HostileServer(host_key, silent_from=STAGES[stage])
    with hostile.answering():
        with pytest.raises(Retryable), connect(hostile.account, key, SHORT) as folder, folder.one_look():
            folder.listing()
        assert hostile.transports, "it was reached"
        hostile.silent_from = None
        with connect(hostile.account, key, PATIENT) as folder:
            assert folder.list_requests() == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_drips_from_whatever_stage_on_is_given_up(key: Path, host_key: paramiko.PKey, stage: str) -> None:
    """Each byte begins paramiko's own limits anew."""
    hostile = HostileServer(host_key)
    hostile.drips_from = STAGES[stage]
    limits = replace(SHORT, connect_seconds=60, transfer_seconds=60, tries=1)
    with hostile.answering():
        with (
            pytest.raises(Retryable, match="was not done within"),
            connect(hostile.account, key, limits) as folder,
            folder.one_look(),
        ):
            folder.listing()
        assert hostile.transports, "it was reached"
        hostile.drips_from = None
        with connect(hostile.account, key, PATIENT) as folder:
            assert folder.list_requests() == []


def test_one_that_answers_when_the_time_for_connecting_is_over_is_given_up(key: Path, host_key: paramiko.PKey) -> None:
    """While the first packets of a connection are lost there is nothing yet that could be cut; then it says nothing."""
    hostile = HostileServer(host_key, silent_from=MSG_CHANNEL_SUCCESS)
    hostile.door.listen(0)
    over, limits = threading.Event(), replace(PATIENT, whole_seconds=0.2)
    with (
        socket.create_connection(("127.0.0.1", hostile.port)),  # which fills the queue: the next one comes again
        hostile.answering(over),
    ):
        threading.Timer(0.5, over.set).start()
        with pytest.raises(Retryable, match=r"was not done within 0\.2 seconds"), connect(hostile.account, key, limits):
            pass
        assert over.is_set(), "it was reached behind that time"


ENDLESS: dict[str, Answer] = {
    "names": lambda time: named([b"%d-%d.csv" % (time, number) for number in range(100)]),
    "the same name": lambda _: named([b"same.csv"] * 100),
    "this folder": lambda _: named([b"."] * 100, mode=FOLDER),
    "the one above": lambda _: named([b".."] * 100, mode=FOLDER),
    "hidden ones": lambda _: named([b".hidden"] * 100),
    "no name": lambda _: named([]),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_listing_ends_and_is_closed(key: Path, host_key: paramiko.PKey, what: str) -> None:
    hostile = HostileServer(host_key, ENDLESS[what])
    with hostile.answering(), connect(hostile.account, key, PATIENT) as folder, folder.one_look():
        asked = folder.sftp.request_number
        for _ in range(3):
            names = [file.name for file in folder.listing().files]
            assert len(names) == len(set(names)) <= MAX_LISTED_FILES, "what was named again counts once"
        assert folder.sftp.request_number - asked <= 3 * (MAX_LISTED_FILES // 100 + 4)
        folder.answers()
        assert wait_for(lambda: hostile.open == 0, 60)


@pytest.mark.parametrize("answers", [1, 2, 1000])
def test_more_answers_than_questions_end_the_connection(key: Path, host_key: paramiko.PKey, answers: int) -> None:
    hostile = HostileServer(host_key)
    hostile.answers = answers
    with hostile.answering(), connect(hostile.account, key, PATIENT) as folder:
        heard = [folder.answers() for _ in range(5)]
        assert heard == [True] * 5 if answers == 1 else not heard[-1]


NAMES = {
    "a newline": b"a\nb.csv",
    "a newline at its end": b"a.csv\n",
    "control characters": b"\x1b[2Ja.csv",
    "nothing": b"",
    "a NUL": b"a\x00.csv",
    "a folder above": b"../../a.csv",
    "another folder": b"b/a.csv",
    "from the root": b"/etc/passwd",
    "no UTF-8": b"\xff\xfe.csv",
    "ten thousand": b"a" * 10_000,
    "a quarter of a million": b"a" * 250_000,
    "a direction": "a\u202egpj.csv".encode(),
}


@pytest.mark.parametrize("mode", [FILE, FOLDER, 0o120777, 0o010644, 0o020644, 0], ids=oct)
@pytest.mark.parametrize("name", NAMES)
def test_no_odd_name_is_seen_or_kept_whole(key: Path, host_key: paramiko.PKey, name: str, mode: int) -> None:
    """Of plain files, folders, links, pipes, devices, and what it says nothing of."""
    once: Answer = lambda time: None if time else named([NAMES[name], b"sound.csv"], mode=mode)  # noqa: E731
    hostile = HostileServer(host_key, once)
    with hostile.answering(), connect(hostile.account, key, PATIENT) as folder:
        listing = folder.listing()
        assert [file.name for file in listing.files] == (["sound.csv"] if mode == FILE else [])
        assert all(len(each.encode("utf-8", "surrogateescape")) <= 1024 for each in listing.folders)
        folder.left_in(listing.folders)
        assert not PLAIN_NAME.fullmatch(NAMES[name].decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("size", [0, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize("mtime", [0, 2**31, 2**32 - 1], ids=["1970", "2038", "2106"])
def test_any_size_and_time_can_be_said(key: Path, host_key: paramiko.PKey, size: int, mtime: int) -> None:
    once: Answer = lambda time: None if time else named([b"a.csv"], size=size, mtime=mtime)  # noqa: E731
    hostile = HostileServer(host_key, once)
    with hostile.answering(), connect(hostile.account, key, PATIENT) as folder:
        assert [(file.size, file.mtime) for file in folder.list_requests()] == [(size, mtime)]


def test_a_message_of_sftp_is_no_larger_than_openssh_takes_one(key: Path, host_key: paramiko.PKey) -> None:
    for beyond, large in (
        (False, named([b"a" * (MOST_BYTES - 1000)])),
        (True, named([b"a" * MOST_BYTES])),
    ):
        hostile = HostileServer(host_key, lambda time, large=large: None if time else large)  # type: ignore[misc]
        with hostile.answering(), connect(hostile.account, key, PATIENT) as folder:
            if beyond:
                with pytest.raises(Retryable, match=r"the connection failed \(SSHException\)"):
                    folder.listing()
            else:
                assert folder.listing().unread == 1


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were asked for at once of what a server sends."""
    asked, receive = list[int](), paramiko.packet.Packetizer.read_all

    def noted(packets: paramiko.packet.Packetizer, number: int, check_rekey: bool = False) -> bytes:
        asked.append(number)
        return receive(packets, number, check_rekey)

    monkeypatch.setattr(paramiko.packet.Packetizer, "read_all", noted)
    return asked


@pytest.mark.parametrize("size", [2**20 + 4, 2**31 - 4, 2**32 - 4])
def test_no_room_is_made_for_what_a_stranger_says_it_sends(
    key: Path, host_key: paramiko.PKey, room: list[int], size: int
) -> None:
    """Before any key was shown: whoever stands in between may say so."""
    account = SftpAccount("127.0.0.1", 0, "partner", f"{host_key.get_name()} {host_key.get_base64()}", "in", "out")
    with (
        saying(b"SSH-2.0-x\r\n" + packet(size, bytes(1 << 16))) as port,
        pytest.raises(Retryable, match="the connection failed"),
        connect(replace(account, port=port), key, SHORT),
    ):
        pass
    assert room
    assert max(room) <= MOST_BYTES


@pytest.mark.parametrize("banner", [b"x" * 4096, b"x" * 4095 + b"\n"], ids=["one line", "many lines"])
def test_a_banner_without_an_end_is_not_kept(
    key: Path, host_key: paramiko.PKey, monkeypatch: pytest.MonkeyPatch, banner: bytes
) -> None:
    held, read = list[int](), paramiko.packet.Packetizer._read_timeout  # type: ignore[attr-defined]

    def noted(packets: paramiko.packet.Packetizer, seconds: float) -> bytes:
        content: bytes = read(packets, seconds)
        held.append(len(content))
        return content

    monkeypatch.setattr(paramiko.packet.Packetizer, "_read_timeout", noted)
    account = SftpAccount("127.0.0.1", 0, "partner", f"{host_key.get_name()} {host_key.get_base64()}", "in", "out")
    once = replace(SHORT, tries=1)
    with saying(banner) as port, pytest.raises(Retryable), connect(replace(account, port=port), key, once):
        pass
    assert held
    assert sum(held) <= MOST_BANNER_BYTES + 128


def test_keys_are_made_anew_with_the_same_host_alone(key: Path, host_key: paramiko.PKey) -> None:
    hostile = HostileServer(host_key)
    with hostile.answering(), connect(hostile.account, key, SHORT) as folder:
        hostile.transports[0].renegotiate_keys()
        assert folder.list_requests() == []
        hostile.transports[0].add_server_key(paramiko.ECDSAKey.generate())
        with suppress(paramiko.SSHException, EOFError):
            hostile.transports[0].renegotiate_keys()
        with pytest.raises(Retryable):
            folder.list_requests()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each message of a server takes of what it may say unasked: by number and KiB."""
    sizes, receive = list[int](), paramiko.packet.Packetizer.read_message

    def noted(packets: paramiko.packet.Packetizer) -> tuple[int, paramiko.Message]:
        kind, message = receive(packets)
        if isinstance(threading.current_thread(), BoundedTransport):
            sizes.append(1 + len(message.asbytes()) // 1024)
        return kind, message

    monkeypatch.setattr(paramiko.packet.Packetizer, "read_message", noted)
    return sizes


FLOODS = {
    "ignore": bytes([MSG_IGNORE]) + _text(b""),
    "large ones to be ignored": bytes([MSG_IGNORE]) + _text(bytes(30_000)),
    "debug": bytes([MSG_DEBUG]) + b"\0" + _text(b"x") + _text(b""),
    "not understood": bytes([MSG_UNIMPLEMENTED]) + bytes(4),
    "to be answered": bytes([MSG_GLOBAL_REQUEST]) + _text(b"keepalive@openssh.com") + b"\1",
    "asked of the session": bytes([MSG_CHANNEL_REQUEST]) + bytes(4) + _text(b"keepalive@openssh.com") + b"\0",
    "more room": bytes([MSG_CHANNEL_WINDOW_ADJUST]) + bytes(8),
    "nothing of an answer": bytes([MSG_CHANNEL_DATA]) + bytes(4) + _text(b""),
    "nothing of an error": bytes([MSG_CHANNEL_EXTENDED_DATA]) + bytes(4) + bytes(4) + _text(b""),
    "another session": bytes([MSG_CHANNEL_OPEN]) + _text(b"session") + struct.pack(">III", 1, 1 << 20, 1 << 15),
}
"""What can be said without an end and brings nothing; from the fifth on within a session, which must stand."""

_BEFORE_SESSION = ("behind the key exchange", "in the login")
_AT = [
    (what, stage)
    for number, what in enumerate(FLOODS)
    for stage in (*_BEFORE_SESSION, "at the subsystem", "behind the subsystem")
    if number < 5 or stage not in _BEFORE_SESSION
]


@pytest.mark.parametrize(("what", "stage"), _AT)
def test_who_talks_without_an_end_is_given_up_soon(
    key: Path, host_key: paramiko.PKey, taken: list[int], what: str, stage: str
) -> None:
    """Nobody asks it anything meanwhile; what it was asked before gives it no more than so much."""
    hostile, asked = HostileServer(host_key, flood=FLOODS[what], flood_from=STAGES[stage]), 0
    with hostile.answering(), suppress(Retryable), connect(hostile.account, key, PATIENT) as folder:
        with suppress(Retryable):
            folder.listing()
        asked = folder.sftp.request_number
        assert wait_for(lambda: folder.is_cut, 60)
    assert sum(taken) > MOST_UNASKED / 2, "it was given up for this"
    assert sum(taken) <= MOST_UNASKED + FOR_A_QUESTION * asked + 100
