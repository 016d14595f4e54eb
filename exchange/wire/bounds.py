"""Limits on what an SSH server may send; paramiko by itself accepts and keeps whatever comes.

Rules
- A server that sends more than the window it was given is a broken connection. paramiko keeps all of it in memory, as
  fast as it comes: of 200 MB sent so, 197. Nor is a message taken that says it is larger than OpenSSH takes one: before
  anybody has shown a key paramiko makes room for four gigabytes where the first four bytes say so.
- So is one that talks and says nothing: SSH has messages that mean nothing (IGNORE, DEBUG), that must be answered, or
  that make the keys anew, and paramiko takes them as fast as they come, a whole core for as long as the connection
  stands. Each takes of what a server may say unasked, by number and size; each question gives some of it back. What an
  answer holds takes nothing of it while it is within its window, but in crumbs.
- No message but those that hold an answer is larger than everybody must take one (RFC 4253, 6.1): paramiko reads a
  number of a quarter of a million bytes for seven seconds, and nothing else of this process meanwhile.
- A message that says of itself that it holds more than it does is a broken connection, of SSH as of SFTP. paramiko
  reads zeros behind its end: four billion extensions that are not there are counted through, for an hour, by a thread
  that nothing ends.
- Keys are made in ways alone that nobody can draw out: not in a group that the server chooses (with a prime below zero
  paramiko looks for a number for ever; with one of 8192 bits the whole process stands for seconds), nor in a large one,
  which paramiko reckons with in Python.
- Whatever paramiko cannot make sense of, in whichever words, is a broken connection: of the line as well, of which a
  single bit that has changed is an error of the cipher's.
- The host key is the one of the connection's beginning, to its end: paramiko takes any other when keys are made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import paramiko
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA, MSG_KEXINIT

MOST_BYTES: Final = 256 * 1024
"""The largest message, of SSH and of SFTP, as OpenSSH limits both."""

MOST_BANNER_BYTES: Final = 64 * 1024
"""The most that a server may send before it names its protocol."""

MOST_UNASKED: Final = 5000
"""Messages, and KiB of them, that a server may send beyond what its answers hold: a fifth of a second of a core."""

FOR_A_QUESTION: Final = 50
"""So many of these each request gives back, for answers in small pieces and what comes between them."""

_FOR_NEW_KEYS: Final = 750
"""So many of these a key exchange takes: thirty milliseconds at the slowest; OpenSSH does one once in gigabytes."""

_MOST_BYTES_WITHOUT_CONTENT: Final = 32 * 1024

_GROUPS: Final = "diffie-hellman-"
_KNOWN_GROUP: Final = "diffie-hellman-group14-sha256"
"""The group of 2048 bits, which every server has that has no elliptic curves."""

_WITH_CONTENT: Final = (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA)
_CRUMB: Final = 512
"""An answer's message of so many bytes or more takes nothing of ``MOST_UNASKED``; a smaller one counts as one."""


class BoundedTransport(paramiko.Transport):
    """paramiko's transport with the limits of this module: no data beyond a channel's window, no message that is too
    large or shorter than it states, no endless unasked messages, only key exchanges that surely end, and the same host
    key throughout. ``asked``: returns how many requests the server was sent so far. It also distinguishes a refused
    login from a broken connection (``login_is_refused``).
    """

    _ended_by: Exception | None = None
    asked: Callable[[], int] = staticmethod(lambda: 0)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered = self.get_security_options()
        offered.kex = [way for way in offered.kex if way == _KNOWN_GROUP or not way.startswith(_GROUPS)]
        packets = cast("Any", self.packetizer)
        packets.read_all = _bounded(packets.read_all)
        packets._read_timeout = _bounded_in_all(packets._read_timeout)  # what comes before the first packet
        self._read, packets.read_message = packets.read_message, self._next_message
        self._unasked, self._asked_before = MOST_UNASKED, 0
        handlers = cast("Any", self)._channel_handler_table  # one for all transports there; this one's own from here on
        bounded = {kind: partial(self._within_window, handlers[kind]) for kind in _WITH_CONTENT}
        self._channel_handler_table = {**handlers, **bounded}

    def _next_message(self) -> tuple[int, paramiko.Message]:
        """The next message; SSHException, which ends the connection, where too much came unasked."""
        kind, read = self._read()
        content = read.asbytes()
        if kind not in _WITH_CONTENT:
            no_more_than(_MOST_BYTES_WITHOUT_CONTENT, len(content))
        message = WholeMessage(content)
        message.seqno = read.seqno
        asked = self.asked()
        given = (asked - self._asked_before) * FOR_A_QUESTION
        taken = _FOR_NEW_KEYS if kind == MSG_KEXINIT else 1 + len(content) // 1024
        self._asked_before, self._unasked = asked, min(self._unasked + given, MOST_UNASKED) - taken
        if self._unasked < 0:
            msg = "the server says too much that it was not asked for"
            raise paramiko.SSHException(msg)
        return kind, message

    def _within_window(
        self, feed: Callable[[Any, paramiko.Message], None], channel: Any, message: paramiko.Message
    ) -> None:
        """Gives the channel what came for it; SSHException, which ends the connection, where more waits than may."""
        feed(channel, message)
        waiting = len(channel.in_buffer) + len(channel.in_stderr_buffer)
        if waiting > channel.in_window_size:
            msg = "the server sends more than it was given leave to"
            raise paramiko.SSHException(msg)
        if (size := len(message.asbytes())) >= _CRUMB:
            self._unasked += 1 + size // 1024

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """Checks, at each key exchange, that the host key is the first one's."""
        before = self.host_key
        super()._verify_key(host_key, sig)  # type: ignore[misc]  # its stub leaves it out
        if before is not None and self.host_key != before:
            msg = "another host key"
            raise paramiko.SSHException(msg)

    def _parse_debug(self, m: paramiko.Message) -> None:
        """Not read: paramiko makes it fit to be shown, byte by byte, and shows it to nobody."""

    def get_exception(self) -> Exception | None:
        """What ended the connection, kept when it is asked for again; errors of other kinds as SSHException."""
        ended_by = super().get_exception()  # which forgets it
        if ended_by is not None and not isinstance(ended_by, paramiko.SSHException | EOFError | OSError):
            ended_by = paramiko.SSHException(type(ended_by).__name__)
        self._ended_by = ended_by or self._ended_by
        return self._ended_by

    @property
    def login_is_refused(self) -> bool:
        """Whether the server said so, or takes no key of the office's kind. paramiko raises the same where it says
        nothing more; it forgets the name that a server refused.
        """
        refused = self.auth_handler is not None and self.auth_handler.username is None
        return refused or isinstance(self._ended_by, paramiko.AuthenticationException)


class WholeMessage(paramiko.Message):
    """A message of the server; SSHException where something is read behind its end."""

    def get_bytes(self, n: int) -> bytes:
        """The next ``n`` bytes; SSHException where the message ends before."""
        content: bytes = self.packet.read(n)
        if len(content) < n:
            msg = "a message is shorter than it says"
            raise paramiko.SSHException(msg)
        return content


def no_more_than(most: int, number: int) -> int:
    """This number of bytes; SSHException where it is more than that."""
    if number > most:
        msg = "a message is larger than one may be"
        raise paramiko.SSHException(msg)
    return number


def _bounded(read: Callable[..., bytes]) -> Callable[..., bytes]:
    """Reads so many bytes, if they are no more than a message may have."""
    return lambda number, *args, **options: read(no_more_than(MOST_BYTES, number), *args, **options)


def _bounded_in_all(read: Callable[[float], bytes]) -> Callable[[float], bytes]:
    """Reads what comes, as long as it is no more than a banner may have in all."""
    taken = 0

    def reading(seconds: float) -> bytes:
        nonlocal taken
        taken = no_more_than(MOST_BANNER_BYTES, taken + len(content := read(seconds)))
        return content

    return reading
