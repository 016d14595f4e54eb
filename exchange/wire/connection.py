"""A connection to a partner's SFTP server, by paramiko; what is done in its folders: ``transport.py``.

Rules
- Only the host key that the agreement pins is accepted; a wrong one, or a login that is refused, is for a person. No
  agent, no keys or known hosts of the account that runs this.
- Everything has a time limit, connecting and each look one in all; trouble with the connection is tried a few times
  with growing pauses, then it is Retryable.
- A server that refuses one file, whichever error it names, and still answers has a connection that stands: it is that
  file's trouble (``Denied``, ``Unreadable``), and not the connection's. FAILURE is what Windows says of an open file.
- Trouble of our own key is our own: it is raised as that, outside of what is the server's.

How fast: a window of what may wait here that is no larger than needed (paramiko moves all that waits each time that
some is taken: 16 MiB, 5 s; 2 MiB, 1.6 s), and a cipher that authenticates what it encrypts (sending 256 MiB with
AES-CTR and HMAC: 2.1 s, with AES-GCM: 1.5 s). Small messages leave at once (``TCP_NODELAY``), not when the server has
acknowledged the one before: connecting on loopback takes 0.09 s instead of 0.14.
"""

from __future__ import annotations

import base64
import logging
import math
import random
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import UnknownKeyType

from exchange.base.errors import Halt, Retryable
from exchange.settings import read_secret
from exchange.wire.bounds import BoundedTransport
from exchange.wire.sftp import SftpClient, TimeLimit
from exchange.wire.transfer import NotAsSentError

logging.getLogger("paramiko").setLevel(logging.CRITICAL)
"""Each line of a stack is a line of its log: some 25 for a server that hangs up. What went wrong is raised, too."""

_SSH_PORT: Final = 22
_FAST_CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_KEEPALIVE_SECONDS: Final = 15
_IDLE_WAKE_SECONDS: Final = 5.0
"""How often the thread of a connection looks up while nothing comes; paramiko's own tenth of a second is a third of a
core with 300 connections.
"""

MAX_CONNECTING: Final = 3
"""Connections that this process begins at one server at the same time. OpenSSH refuses some beyond ten that have not
logged in yet (``MaxStartups 10:30:100``); the poll and two lookouts come at once.
"""
_WINDOW: Final = 2 * 1024 * 1024
"""Bytes that a server may send before they are read, as OpenSSH's client has it."""


@dataclass(frozen=True)
class SftpAccount:
    """Where a partner's folders are, and the one host key (``ssh-ed25519 AAAA…``) that is accepted there."""

    host: str
    port: int
    username: str
    host_key: str
    requests: str
    results: str

    @property
    def server(self) -> str:
        """As messages name it."""
        return f"SFTP server {self.host}:{self.port}"

    @property
    def login(self) -> Login:
        """What a connection belongs to: everything that is pinned, but for the folders."""
        return self.host, self.port, self.username, self.host_key


Login = tuple[str, int, str, str]
"""Host, port, username and host key; whoever shares all four may share a connection."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds, and how often to try to connect. ``transfer_seconds``: for the next bytes;
    ``whole_seconds``: for each look in all and, where ``connecting_seconds`` is none, for connecting with all tries;
    ``again_within_seconds``: no try begins later than so long after the first; ``conversation_seconds``: for all that
    is done while connected, 0 for no end.
    """

    connect_seconds: float = 10.0
    transfer_seconds: float = 60.0
    whole_seconds: float = 50.0
    conversation_seconds: float = 0.0
    tries: int = 3
    first_pause_seconds: float = 0.5
    connecting_seconds: float | None = None
    again_within_seconds: float = math.inf


CONVERSATION_FAILED: Final = (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError)
"""What paramiko raises when a server is gone, says no, or answers with something that is no answer (SFTPError)."""


CUT: Final = (TimeoutError, ConnectionError)
"""After these nobody needs to ask whether the server still answers."""


class Unsettled(Retryable):
    """A partner's file is gone, is growing, or was exchanged for something else: the partner is still at work on it."""


class Unreadable(Unsettled):
    """The partner's server does not let the office read a file."""


class Denied(Retryable):
    """The partner's server does not do what it is asked with one file; the connection stands."""


@contextmanager
def connected(account: SftpAccount, key_file: Path, timeouts: Timeouts, limit: TimeLimit) -> Iterator[SftpClient]:
    """An SFTP client at this server for the length of the block, connected within ``timeouts``; ``limit``
    cuts it whenever a time that is set on it is over.
    """
    key, seconds = _own_key(key_file), timeouts.connecting_seconds or timeouts.whole_seconds
    with limit.of(seconds), network_trouble(account), _in_turn(account, seconds):
        client = _connect_patiently(account, key, timeouts, limit)
        try:
            limit.check()  # what rang before there was anything to cut has cut nothing
            sftp = _open_sftp(client, timeouts)
        except BaseException:
            client.close()
            raise
    try:
        yield sftp
    finally:
        client.close()


_turns: Final[defaultdict[tuple[str, int], BoundedSemaphore]] = defaultdict(lambda: BoundedSemaphore(MAX_CONNECTING))


@contextmanager
def _in_turn(account: SftpAccount, seconds: float) -> Iterator[None]:
    """One of the few connections that begin at this server at once."""
    turn = _turns[account.host, account.port]
    if not turn.acquire(timeout=seconds):
        msg = "others are still connecting"
        raise TimeoutError(msg)
    try:
        yield
    finally:
        turn.release()


def _own_key(key_file: Path) -> paramiko.PKey:
    """The office's key; Halt where it is missing, open to others, or none. It is no fault of the server's."""
    read_secret(key_file)
    try:
        return paramiko.PKey.from_path(key_file)
    except (paramiko.SSHException, UnknownKeyType, UnsupportedAlgorithm, ValueError, TypeError, AssertionError):
        msg = f"{key_file}: no readable SSH key without a passphrase"
        raise Halt(msg, zh=f"{key_file} 不是可读的、不带密码的 SSH 私钥") from None


def _open_sftp(client: paramiko.SSHClient, timeouts: Timeouts) -> SftpClient:
    transport = client.get_transport()
    sftp = SftpClient.from_transport(transport) if transport is not None else None
    if sftp is None:
        msg = "the connection is gone"
        raise EOFError(msg)
    if isinstance(transport, BoundedTransport):
        transport.asked = lambda: sftp.request_number
    if (channel := sftp.get_channel()) is not None:
        channel.settimeout(timeouts.transfer_seconds)
    return sftp


def _connect_patiently(
    account: SftpAccount, own: paramiko.PKey, timeouts: Timeouts, limit: TimeLimit
) -> paramiko.SSHClient:
    pause, begun = timeouts.first_pause_seconds, time.monotonic()
    for left in reversed(range(timeouts.tries)):
        try:
            return _connect_once(account, own, timeouts, limit)
        except (paramiko.BadHostKeyException, paramiko.AuthenticationException):
            raise
        except CONVERSATION_FAILED:
            if not left or limit.passed or time.monotonic() - begun >= timeouts.again_within_seconds:
                raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (spreads retries, guards nothing)
            pause *= 2
    raise AssertionError


def _connect_once(account: SftpAccount, own: paramiko.PKey, timeouts: Timeouts, limit: TimeLimit) -> paramiko.SSHClient:
    client = limit.client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, _, encoded = account.host_key.partition(" ")
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
    name = account.host if account.port == _SSH_PORT else f"[{account.host}]:{account.port}"
    client.get_host_keys().add(name, kind, key)
    seconds = timeouts.connect_seconds
    try:
        client.connect(
            account.host,
            account.port,
            account.username,
            pkey=own,
            allow_agent=False,
            look_for_keys=False,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
            channel_timeout=seconds,
            transport_factory=_transport,
        )
    except paramiko.AuthenticationException:
        transport = client.get_transport()  # none where it was cut off here
        client.close()
        if isinstance(transport, BoundedTransport) and transport.login_is_refused:
            raise
        raise EOFError from None  # the line failed meanwhile, or the server is too slow
    except BaseException:
        client.close()
        raise
    if (transport := client.get_transport()) is not None:
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        transport.sock.settimeout(_IDLE_WAKE_SECONDS)
    return client


def _transport(sock: Any, /, **options: Any) -> paramiko.Transport:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = BoundedTransport(sock, default_window_size=_WINDOW, **options)
    offered = transport.get_security_options()
    offered.ciphers = (*_FAST_CIPHERS, *(cipher for cipher in offered.ciphers if cipher not in _FAST_CIPHERS))
    return transport


@contextmanager
def network_trouble(
    account: SftpAccount, answers: Callable[[], bool] = lambda: False, limit: TimeLimit | None = None
) -> Iterator[None]:
    """The one place that says what a failed conversation with a server means; ``answers`` is asked whether the server
    still does, where one file alone may be in the way, and ``limit`` whether it was cut off here.
    """
    where = account.server
    try:
        yield
    except paramiko.BadHostKeyException:
        msg = f"{where}: its host key is not the one that the agreement pins"
        raise Halt(msg, zh=f"{where} 的主机密钥与协议所载不符：先向对方核实，再改协议") from None
    except paramiko.AuthenticationException:
        msg = f"{where}: the login as {account.username} is refused"
        raise Halt(msg, zh=f"{where} 拒绝 {account.username} 登录：请对方核对账户和我方公钥") from None
    except PermissionError:
        msg = f"{where}: a file or folder may not be read or written"
        raise Halt(msg, zh=f"{where}：某个文件或目录无权读写，请对方核对权限") from None
    except FileNotFoundError:
        msg = f"{where}: a file or folder is not there"
        raise Unsettled(msg, zh=f"{where}：某个文件或目录不在") from None
    except NotAsSentError as error:
        msg = f"{where}: {error}"
        raise Denied(msg, zh=f"{where}：文件与所送的不符，请对方查看") from None
    except CONVERSATION_FAILED as error:
        if limit is not None:
            limit.check()
        if not isinstance(error, CUT) and answers():
            msg = f"{where}: what is asked with a file fails ({type(error).__name__}), the connection stands"
            raise Denied(msg, zh=f"{where}：对方服务器不办所请求的事，请对方查看") from None
        msg = f"{where}: the connection failed ({type(error).__name__})"
        raise Retryable(msg, zh=f"{where} 连接不上或中断") from None
