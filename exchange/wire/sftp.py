"""What paramiko lacks where servers are not believed: names in any bytes, a bound on what comes, and an end to every
conversation.

Rules
- A name or a message that is not UTF-8 is a name like any other, with what cannot be read escaped as Python does in
  file names; paramiko ends the whole listing at it with UnicodeDecodeError.
- A message that says of itself that it holds more than it does is a broken connection. paramiko reads zeros behind its
  end, and would count through four billion attributes of a file that are not there, which no time limit ends.
- So is an answer that is too short to say what it answers: paramiko reads on, and a few million empty ones keep a
  processor busy until the look is over.
- So are more answers than there were questions: paramiko reads past them as long as they come.
- A listing ends. A folder and the one above it stand in it once each at most, an answer without a name is its end, and
  of a name no more is kept than any file system gives one; whoever has seen enough leaves nothing open at the server.
- A conversation has one end: paramiko's own limits begin anew with each byte that a server sends, and some of its waits
  have none. One thread cuts all conversations that are over, since a look is too short for a thread of its own.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, cast

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_NAME, CMD_OPENDIR, CMD_READDIR, CMD_STATUS

from exchange.base.errors import Retryable
from exchange.wire.alarms import ALARMS
from exchange.wire.bounds import MOST_BYTES, WholeMessage, no_more_than

_NUMBER_BYTES: Final = 4
"""The size of a request's number, which each answer begins with, and of the protocol's version, which comes first."""

_NAME_BYTES: Final = 1024
"""So many bytes of a name are kept; file systems end at 255 characters, which are 765 bytes at most where they are
UTF-16's.
"""

_LAST_PART: Final = 5
"""A fifth of a block's time is its last part."""


class SftpClient(paramiko.SFTPClient):
    """paramiko's client; ``entries`` in place of ``listdir_iter``."""

    _answers = 0

    def entries(self, path: str) -> Iterator[paramiko.SFTPAttributes]:
        """What lies in a folder, one by one as the server names it; whoever has seen enough may stop. Two answers are
        asked for at a time: of most folders the second is the end.
        """
        client = cast("Any", self)  # its stub says nothing of what is below the calls for programs
        _, opened = client._request(CMD_OPENDIR, path.encode("utf-8", "surrogateescape"))
        handle, left_out = opened.get_binary(), {".", ".."}
        try:
            for answer in self._listed(handle):
                for _ in range(answer.get_int()):
                    name = answer.get_binary()[:_NAME_BYTES].decode("utf-8", "surrogateescape")
                    answer.get_binary()  # the same for people to read
                    entry = cast("Any", paramiko.SFTPAttributes)._from_msg(answer, name)
                    if name in left_out:
                        left_out.remove(name)
                    else:
                        yield entry
        except BaseException:
            with suppress(paramiko.SSHException, EOFError, OSError):
                client._async_request(type(None), CMD_CLOSE, handle)
            raise
        client._async_request(type(None), CMD_CLOSE, handle)  # likewise not waited for: ``reading``

    def _listed(self, handle: bytes) -> Iterator[paramiko.Message]:
        """The answers that name what lies in an open folder, to its end."""
        with suppress(EOFError):  # the listing's end, or the connection's, which closing tells
            while True:
                for asked in self.ask(CMD_READDIR, handle, handle):
                    answer = asked.answer(CMD_NAME)
                    if not answer.get_int():
                        return
                    answer.rewind()
                    yield answer

    def ask(self, kind: int, *subjects: bytes) -> list[Asked]:
        """Asks the same of several, in one message; each answer is waited for when it is taken. Whose question is
        dropped, its answer is passed by.
        """
        client, questions = cast("Any", self), list[bytes]()
        asked = [Asked(self) for _ in subjects]
        for subject, one in zip(subjects, asked, strict=True):
            with client._lock:  # a file that is read ahead asks in a thread of its own
                number = self.request_number
                client._expecting[number], self.request_number = one, number + 1
            question = struct.pack(">BII", kind, number, len(subject)) + subject
            questions += struct.pack(">I", len(question)), question
        client._write_all(b"".join(questions))
        return asked

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
        return kind, WholeMessage(answer.get_remainder())

    def _read_all(self, n: int) -> bytes:
        """So many bytes of a message; SSHException where it says that it is larger than one may be."""
        content: bytes = super()._read_all(no_more_than(MOST_BYTES, n))  # type: ignore[misc]  # likewise
        return content

    def _read_packet(self) -> tuple[int, bytes]:
        """The kind of what came next, and its content; SSHException where that is too short for a question's number, or
        answers more than was asked.
        """
        kind, content = super()._read_packet()  # type: ignore[misc]  # likewise
        self._answers += 1
        if self._answers > self.request_number:  # which is one more than there were questions, and so is the version
            msg = "more answers than questions"
            raise paramiko.SSHException(msg)
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


class Asked:
    """A question whose answer comes when it comes."""

    def __init__(self, client: SftpClient) -> None:
        self._client = client
        self._came: tuple[int, paramiko.Message] | None = None

    def _async_response(self, kind: int, answer: paramiko.Message, number: int) -> None:  # noqa: ARG002  (paramiko's)
        self._came = kind, answer

    def answer(self, kind: int) -> paramiko.Message:
        """The answer, which must be of this kind; errors as the server says."""
        client = cast("Any", self._client)
        while self._came is None:
            client._read_response()
        came, answer = self._came
        if came == CMD_STATUS:
            client._convert_status(answer)
        if came != kind:
            msg = "another kind of answer than was asked for"
            raise paramiko.SFTPError(msg)
        return WholeMessage(answer.get_remainder())


class TimeLimit:
    """Cuts a conversation when its time is over. ``client`` is whatever connection stands at that moment."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.client: paramiko.SSHClient | None = None
        self.passed = False
        self.seconds = 0.0
        self._last_part = float("inf")

    @contextmanager
    def of(self, seconds: float, begun: float | None = None) -> Iterator[None]:
        """Retryable when the block takes longer than this in all, whatever the server does meanwhile. ``begun``: since
        when its time runs, by ``time.monotonic``, where that is not now.
        """
        left = seconds if begun is None else max(0.0, begun + seconds - time.monotonic())
        alarm, around = ALARMS.set(left, partial(self._cut, seconds)), self._last_part
        self._last_part = time.monotonic() + max(left / 2, left - seconds / _LAST_PART)
        try:
            yield
        except Retryable:
            self.check()
            raise
        finally:
            alarm.cancel()
            self._last_part = around

    @property
    def is_nearly_over(self) -> bool:
        """Whether no more should be begun than what ends the block."""
        return time.monotonic() >= self._last_part

    def check(self) -> None:
        """Retryable where the time is over: for what is done between two questions to the server."""
        if self.passed:
            msg = f"{self.where}: was not done within {self.seconds:g} seconds and was cut off"
            raise Retryable(msg, zh=f"{self.where}：{self.seconds:g} 秒内未完成，已中断") from None

    def _cut(self, seconds: float) -> None:
        self.passed, self.seconds = True, seconds
        if self.client is not None:
            self.client.close()
