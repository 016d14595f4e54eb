"""Tokens against forged requests: a form that this office gave to this account, not older than a working day.

Rule: a token says nothing and is bound to the account's name, so that a log-in that ended and began anew loses nothing
that was typed.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

_DERIVED: Final = b"exchange pages 1"
_SECONDS: Final = 12 * 3600


def token_key(secret: bytes) -> bytes:
    """The key of the tokens, derived from the office's own signing key."""
    return hmac.digest(secret, _DERIVED, sha256)


def make_token(key: bytes, login: str, now: datetime) -> str:
    """A token for the forms of this account: the moment, and a MAC over both."""
    moment = int(now.timestamp())
    return f"{moment}.{_mac(key, login, moment)}"


def holds(key: bytes, login: str, token: str, now: datetime) -> bool:
    """Whether the token was made for this account, and not too long ago."""
    return was_made(key, login, token) and 0 <= int(now.timestamp()) - int(token.partition(".")[0]) < _SECONDS


def was_made(key: bytes, login: str, token: str) -> bool:
    """Whether the token was made for this account, however long ago: a page that stood open over night."""
    moment, _, mac = token.partition(".")
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 16):
        return False
    return hmac.compare_digest(mac.encode(), _mac(key, login, int(moment)).encode())


def _mac(key: bytes, login: str, moment: int) -> str:
    return hmac.new(key, f"{moment} {login}".encode(), sha256).hexdigest()
