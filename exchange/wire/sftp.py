"""What paramiko lacks where servers are not believed: names in any bytes, a bound on what comes, and an end to every
conversation.

Rules
- A name or a message that is not UTF-8 is a name like any other, with what cannot be read escaped as Python does in
  file names; paramiko ends the whole listing at it with UnicodeDecodeError.
- A message that says of itself that it holds more than it does is a broken connection. paramiko reads zeros behind its
  end, and would count through four billion attributes of a file that are not there, which no time limit ends.
- So is an answer that is too short to say what it answers: paramiko reads on, and a few million empty ones keep a
  processor busy until the look is over.
- A server that sends more than it was given leave to is a broken connection. paramiko keeps all of it in memory, as
  fast as it comes: of 200 MB sent so, 197. Nor is a message taken that says it is larger than OpenSSH takes one: before
  anybody has shown a key paramiko makes room for four gigabytes where the first four bytes say so.
- A listing ends. A folder and the one above it stand in it once each at most, an answer without a name is its end, and
  of a name no more is kept than any file system gives one; whoever has seen enough leaves nothing open at the server.
- The host key is the one of the connection's beginning, to its end: paramiko takes any other when keys are made anew.
- A conversation has one end: paramiko's own limits begin anew with each byte that a server sends, and some of its waits
  have none. One thread cuts all conversations that are over, since a look is too short for a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, cast

import paramiko
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA
from paramiko.sftp import CMD_CLOSE, CMD_OPENDIR, CMD_READDIR

from exchange.base.errors import Retryable
from exchange.wire.alarms import ALARMS

_NUMBER_BYTES: Final = 4
"""Of a question's number, which each answer begins with, and of the protocol's version, which comes first of all."""

_MOST_BYTES: Final = 256 * 1024
"""Of a message, of SSH and of SFTP, as OpenSSH has it for both."""

_MOST_BANNER_BYTES: Final = 64 * 1024
"""Of what a server may say before it names its protocol."""

_NAME_BYTES: Final = 1024
"""Of a name that are kept; file systems end at 255 characters, which are 765 bytes at most where they are UTF-16's."""


class SftpClient(paramiko.SFTPClient):
    """paramiko's client; ``entries`` in place of ``listdir_iter``."""

    def entries(self, path: str) -> Iterator[paramiko.SFTPAttributes]:
        """What lies in a folder, one by one as the server names it; whoever has seen enough may stop."""
        client = cast("Any", self)  # its stub says nothing of what is below the calls for programs
        _, opened = client._request(CMD_OPENDIR, path.encode("utf-8", "surrogateescape"))
        handle, left_out = opened.get_binary(), {".", ".."}
        try:
            while number := (answer := client._request(CMD_READDIR, handle)[1]).get_int():
                for _ in range(number):
                    name = answer.get_binary()[:_NAME_BYTES].decode("utf-8", "surrogateescape")
                    answer.get_binary()  # the same for people to read
                    entry = cast("Any", paramiko.SFTPAttributes)._from_msg(answer, name)
                    if name in left_out:
                        left_out.remove(name)
                    else:
                        yield entry
        except EOFError:
            pass  # the listing's end, or the connection's, which closing tells
        except BaseException:
            with suppress(paramiko.SSHException, EOFError, OSError):
                client._async_request(type(None), CMD_CLOSE, handle)
            raise
        client._request(CMD_CLOSE, handle)

    @contextmanager
    def reading(self, path: str) -> Iterator[paramiko.SFTPFile]:
        """A file, opened for reading. That it is closed is told and not waited for: the answer says nothing that is
        needed, and comes with that of the next question.
        """
        remote = self.open(path, "rb")
        try:
            yield remote
        finally:
            cast("Any", remote)._close(async_=True)

    def _request(self, t: int, *args: object) -> tuple[int, paramiko.Message]:
        """The kind of the server's answer, and the answer."""
        kind, answer = super()._request(t, *args)  # type: ignore[misc]  # likewise
        return kind, _Message(answer.get_remainder())

    def _read_all(self, n: int) -> bytes:
        """So many bytes of a message; SSHException where it says that it is larger than one may be."""
        content: bytes = super()._read_all(_no_more_than(_MOST_BYTES, n))  # type: ignore[misc]  # likewise
        return content

    def _read_packet(self) -> tuple[int, bytes]:
        """The kind of what came next, and its content; SSHException where that is too short for a question's number."""
        kind, content = super()._read_packet()  # type: ignore[misc]  # likewise
        if len(content) < _NUMBER_BYTES:
            msg = "an answer that answers nothing"
            raise paramiko.SSHException(msg)
        return kind, content

    def _convert_status(self, msg: paramiko.Message) -> None:
        """Raises what the server's status means, in whichever bytes it words it."""
        plain = paramiko.Message()
        plain.add_int(msg.get_int())
        plain.add_string(msg.get_binary().decode("ascii", "replace"))
        plain.rewind()
        super()._convert_status(plain)  # type: ignore[misc]  # likewise


class BoundedTransport(paramiko.Transport):
    """paramiko's transport, in which nothing of a channel waits beyond the window that the server was given, no message
    is larger than one may be, and the host key stays what it was. It tells a login that is refused from one in which
    the line failed.
    """

    _ended_by: Exception | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        packets = cast("Any", self.packetizer)
        packets.read_all = _bounded(packets.read_all)
        packets._read_timeout = _bounded_in_all(packets._read_timeout)  # what comes before the first packet
        handlers = cast("Any", self)._channel_handler_table  # one for all transports there; this one's own from here on
        bounded = {kind: partial(_within_window, handlers[kind]) for kind in _WITH_CONTENT}
        self._channel_handler_table = {**handlers, **bounded}

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """When keys are made anew: by whoever they were first made with."""
        before = self.host_key
        super()._verify_key(host_key, sig)  # type: ignore[misc]  # its stub leaves it out
        if before is not None and self.host_key != before:
            msg = "another host key"
            raise paramiko.SSHException(msg)

    def get_exception(self) -> Exception | None:
        self._ended_by = super().get_exception() or self._ended_by  # which forgets it
        return self._ended_by

    @property
    def login_is_refused(self) -> bool:
        """Whether the server said so, or takes no key of the office's kind. paramiko raises the same where it says
        nothing more; it forgets the name that a server refused.
        """
        refused = self.auth_handler is not None and self.auth_handler.username is None
        return refused or isinstance(self._ended_by, paramiko.AuthenticationException)


def _no_more_than(most: int, number: int) -> int:
    """This number of bytes; SSHException where it is more than that."""
    if number > most:
        msg = "a message is larger than one may be"
        raise paramiko.SSHException(msg)
    return number


def _bounded(read: Callable[..., bytes]) -> Callable[..., bytes]:
    """Reads so many bytes, if they are no more than a message may have."""
    return lambda number, *args, **options: read(_no_more_than(_MOST_BYTES, number), *args, **options)


def _bounded_in_all(read: Callable[[float], bytes]) -> Callable[[float], bytes]:
    """Reads what comes, as long as it is no more than a banner may have in all."""
    taken = 0

    def reading(seconds: float) -> bytes:
        nonlocal taken
        taken = _no_more_than(_MOST_BANNER_BYTES, taken + len(content := read(seconds)))
        return content

    return reading


_WITH_CONTENT: Final = (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA)


def _within_window(feed: Callable[[Any, paramiko.Message], None], channel: Any, message: paramiko.Message) -> None:
    """Gives the channel what came for it; SSHException, which ends the connection, where more waits than may."""
    feed(channel, message)
    waiting = len(channel.in_buffer) + len(channel.in_stderr_buffer)
    if waiting > channel.in_window_size:
        msg = "the server sends more than it was given leave to"
        raise paramiko.SSHException(msg)


class _Message(paramiko.Message):
    """What a server answered; SSHException at the first thing that is not there."""

    def get_bytes(self, n: int) -> bytes:
        content: bytes = self.packet.read(n)
        if len(content) < n:
            msg = "a message is shorter than it says"
            raise paramiko.SSHException(msg)
        return content


class TimeLimit:
    """Cuts a conversation when its time is over. ``client`` is whatever connection stands at that moment."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.client: paramiko.SSHClient | None = None
        self.passed = False
        self.seconds = 0.0

    @contextmanager
    def of(self, seconds: float, begun: float | None = None) -> Iterator[None]:
        """Retryable when the block takes longer than this in all, whatever the server does meanwhile. ``begun``: since
        when its time runs, by ``time.monotonic``, where that is not now.
        """
        left = seconds if begun is None else max(0.0, begun + seconds - time.monotonic())
        alarm = ALARMS.set(left, partial(self._cut, seconds))
        try:
            yield
        except Retryable:
            self.check()
            raise
        finally:
            alarm.cancel()

    def check(self) -> None:
        """Retryable where the time is over: for what is done between two questions to the server."""
        if self.passed:
            msg = f"{self.where}: was not done within {self.seconds:g} seconds and was cut off"
            raise Retryable(msg) from None

    def _cut(self, seconds: float) -> None:
        self.passed, self.seconds = True, seconds
        if self.client is not None:
            self.client.close()
