"""Who somebody says they are without having logged in: headers of proxies, and tokens that were altered, made by hand,
or are for something else.
"""

from __future__ import annotations

import base64
import configparser
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from jwt.warnings import InsecureKeyLengthWarning

_SAYS: Final = (
    "X-Login", "X-User", "X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Email", "X-Remote-User",
    "Remote-User", "REMOTE_USER", "X-Auth-Request-User", "X-Authenticated-User", "X-Amzn-Oidc-Identity", "From",
)  # fmt: skip
"""Headers in which a proxy tells who is asking."""
_PLACES: Final = {
    "X-Original-URL": "/exchange/approval", "X-Rewrite-URL": "/exchange/approval", "X-Forwarded-Prefix": "/exchange",
    "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1",
    "Forwarded": "for=127.0.0.1;by=leader", "X-HTTP-Method-Override": "GET",
}  # fmt: skip
RIGHT: Final = "by the secret itself"
"""What all others are a change of: whoever can read the secret is whom they like, so that it would be taken."""
_TASKS: Final = "urn:airflow.apache.org:task"
"""For whom the token is that Airflow gives each of its tasks."""


def headers(login: str) -> dict[str, str]:
    """All of them at once, naming this account."""
    return dict.fromkeys(_SAYS, login) | _PLACES


def tokens(login: str, of_another: str, folder: Path) -> Iterator[tuple[str, str]]:
    """What kind, and the token: each says that it is this account's. ``of_another``: the token of somebody who has
    logged in; ``folder``: of this Airflow, where its secret lies.
    """
    head, _, signature = of_another.split(".")
    claims = jwt.decode(of_another, options={"verify_signature": False})
    as_login = claims | {"sub": login}
    yield "another's, with this name in it", f"{head}.{_part(as_login)}.{signature}"
    yield "another's, not signed", f"{head}.{_part(as_login)}."
    for algorithm in ("none", "None", "HS512"):
        yield f"signed by nobody ({algorithm})", f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(as_login)}."
    for secret in ("airflow", "secret", "0" * 64):
        yield f"signed by {secret}", _signed(as_login, secret.ljust(64), "HS512")
    own = _secret(folder)
    yield RIGHT, _signed(as_login, own, "HS512")
    ago = datetime.now(UTC) - timedelta(days=2)
    old = as_login | {"iat": ago, "nbf": ago, "exp": ago + timedelta(days=1)}
    yield "of the day before yesterday", _signed(old, own, "HS512")
    yield "for a task", _signed(as_login | {"aud": _TASKS}, own, "HS512")
    yield "for nobody", _signed({name: as_login[name] for name in as_login if name != "aud"}, own, "HS512")
    yield "without an end", _signed({name: as_login[name] for name in as_login if name != "exp"}, own, "HS512")
    yield "from tomorrow on", _signed(as_login | {"nbf": datetime.now(UTC) + timedelta(days=1)}, own, "HS512")
    yield "signed otherwise", _signed(as_login, own, "HS256")


def _signed(claims: dict[str, Any], secret: str, algorithm: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # Airflow's own secret is one
        return jwt.encode(claims, secret, algorithm)


def _part(fields: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def _secret(folder: Path) -> str:
    settings = configparser.RawConfigParser()
    settings.read(folder / "airflow.cfg", "utf-8")
    return settings["api_auth"]["jwt_secret"]
