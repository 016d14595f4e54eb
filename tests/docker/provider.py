"""A small OIDC provider under Keycloak's paths, for the log-in of a test: the code flow, one realm, invented people.

Who logs in, a browser's user would type: here the caller of the authorization's address says it, as ``login``.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

REALM: Final = "/realms/exchange"
_CONNECT: Final = f"{REALM}/protocol/openid-connect"
_KEY: Final = "of-this-test"


class _Realm:
    """``people``: by login, what Keycloak's userinfo says of them; ``client``: the id and the secret it knows."""

    def __init__(self, people: Mapping[str, dict[str, Any]], client: tuple[str, str]) -> None:
        self.people, self.client = people, client
        self.key = rsa.generate_private_key(65537, 2048)
        self.codes: dict[str, tuple[str, str]] = {}
        self.tokens: dict[str, str] = {}
        self.issuer = ""

    def configuration(self) -> dict[str, Any]:
        place = self.issuer.removesuffix(REALM) + _CONNECT
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{place}/auth",
            "token_endpoint": f"{place}/token",
            "userinfo_endpoint": f"{place}/userinfo",
            "jwks_uri": f"{place}/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def certificates(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": _KEY, "use": "sig", "alg": "RS256"}]}

    def code(self, asked: Mapping[str, str]) -> str:
        """Where the browser is sent back to."""
        code = secrets.token_urlsafe()
        self.codes[code] = (asked["login"], asked.get("nonce", ""))
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        login, nonce = self.codes.pop(form["code"])
        access, now = secrets.token_urlsafe(), int(time.time())
        self.tokens[access] = login
        said = {"iss": self.issuer, "sub": login, "aud": self.client[0], "iat": now, "exp": now + 300, "nonce": nonce}
        signed = jwt.encode(said, self.key, "RS256", {"kid": _KEY})
        return {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": signed}


class _Answers(BaseHTTPRequestHandler):
    def __init__(self, realm: _Realm, *given: Any) -> None:
        self.realm = realm
        super().__init__(*given)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        match address.path.removeprefix(_CONNECT):
            case "/auth":
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                self.send_response(HTTPStatus.FOUND)
                self.send_header("Location", self.realm.code(asked))
                self.end_headers()
            case "/certs":
                self._json(self.realm.certificates())
            case "/userinfo":
                login = self.realm.tokens[self.headers["Authorization"].removeprefix("Bearer ")]
                self._json(self.realm.people[login] | {"sub": login, "preferred_username": login})
            case _:
                self._json(self.realm.configuration())

    def do_POST(self) -> None:
        form = {name: values[0] for name, values in parse_qs(self._body()).items()}
        known = b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode().split(":")
        if tuple(map(unquote, known)) != self.realm.client:
            self._json({"error": "invalid_client"}, HTTPStatus.UNAUTHORIZED)
        else:
            self._json(self.realm.token(form))

    def _body(self) -> str:
        return self.rfile.read(int(self.headers["Content-Length"])).decode()

    def _json(self, answer: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def provider(host: str, people: Mapping[str, dict[str, Any]], client: tuple[str, str]) -> Iterator[str]:
    """The realm's address at this one of the machine's own addresses."""
    realm = _Realm(people, client)
    with ThreadingHTTPServer((host, 0), partial(_Answers, realm)) as server:
        realm.issuer = f"http://{host}:{server.server_port}{REALM}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield realm.issuer
        server.shutdown()
