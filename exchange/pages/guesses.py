"""Guessed passwords: how many wrong ones Airflow takes where programs log in (``POST /auth/token``).

FAB limits its form and not this way in. This stands in the API server itself, before every auth manager, so that an
installation without a proxy is not without a limit; ``docker/nginx.conf`` limits once more, in front.

Rules
- A try counts from the moment it comes in, so that many at once are no way around; one whose answer is
  not that the password was wrong is given back.
- After ``TRIES`` within ``SECONDS`` an address is answered 429, right or wrong; nothing is locked for longer, and no
  account is: whoever guesses locks out nobody at another address.
- At most ``ADDRESSES`` are remembered; where more than these guess at once, all are one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

TRIES: Final = 6
SECONDS: Final = 60.0
ADDRESSES: Final = 10_000
_PATHS: Final = ("/auth/token", "/auth/token/cli")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Guesses:
    """The tries of the last ``SECONDS``, by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[str, deque[float]] = {}

    def begin(self, address: str) -> float | None:
        """Counts a try; None where this address has had all of its own."""
        now = self._clock()
        tries = self._of(address, now)
        if len(tries) >= TRIES:
            return None
        tries.append(now)
        return now

    def give_back(self, address: str, begun: float) -> None:
        """Takes back a try that turned out to be no wrong guess."""
        tries = self._of(address, self._clock())
        if begun in tries:
            tries.remove(begun)

    def _of(self, address: str, now: float) -> deque[float]:
        if address not in self._tries and len(self._tries) >= ADDRESSES:
            self._tries = {
                person: tries for person, tries in self._tries.items() if tries and now - tries[-1] < SECONDS
            }
            if len(self._tries) >= ADDRESSES:
                address = ""
        tries = self._tries.setdefault(address, deque())
        while tries and now - tries[0] >= SECONDS:
            tries.popleft()
        return tries


class GuessLimit:
    """The limit as an ASGI application around Airflow's own."""

    def __init__(self, app: Application, guesses: Guesses | None = None) -> None:
        self._app = app
        self._guesses = guesses or Guesses()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hands a request on, unless its address has tried too often (ASGI)."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith(_PATHS):
            await self._app(scope, receive, send)
            return
        address = str((scope.get("client") or ("", 0))[0])
        begun = self._guesses.begin(address)
        if begun is None:
            await _too_many(send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] != HTTPStatus.UNAUTHORIZED:
                self._guesses.give_back(address, begun)
            await send(message)

        await self._app(scope, receive, told)


async def _too_many(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"%d" % SECONDS)]
    await send({"type": "http.response.start", "status": HTTPStatus.TOO_MANY_REQUESTS.value, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"detail": "too many wrong passwords"}'})
