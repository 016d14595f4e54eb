"""The example of a reverse proxy, run: TLS alone, who calls is told truly, guessed passwords are limited."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from exchange.base.paths import ROOT
from exchange.demo.servers.ports import port_answers, remembered_port
from exchange.demo.servers.processes import wait_for
from exchange.wire.keys import make_certificate

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed; make test installs it")
AROUND = """\
daemon off;
master_process off;
pid {here}/pid;
error_log {here}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/body;
    proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi;
    scgi_temp_path {here}/scgi;
{server}
}}
"""
FORGED = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Prefix": "/elsewhere", "Forwarded": "for=192.0.2.9"}


class Echo(BaseHTTPRequestHandler):
    """What the API server is told of who calls."""

    def do_GET(self) -> None:
        names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded")
        said = " ".join([self.path, *(str(self.headers[name]) for name in names)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET  # noqa: N815  (the server's own word)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    here = tmp_path_factory.mktemp("nginx")
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    make_certificate(here, "tls", "exchange.example (invented)")
    port = remembered_port(here, "https")
    server = (ROOT / "docker" / "nginx.conf").read_text("utf-8")
    for shipped, here_is in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("127.0.0.1:8080", f"127.0.0.1:{behind.server_port}"),
        ("/etc/exchange/", f"{here}/"),
    ):  # fmt: skip
        assert shipped in server
        server = server.replace(shipped, here_is)
    (here / "nginx.conf").write_text(AROUND.format(here=here, server=server), "utf-8")
    process = subprocess.Popen([str(NGINX), "-p", str(here), "-c", str(here / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        assert wait_for(lambda: port_answers(port) or process.poll() is not None, 60)
        assert process.poll() is None, process.communicate()[1]
        trusted = ssl.create_default_context(cafile=here / "tls.pem")
        trusted.check_hostname = False
        url = f"https://127.0.0.1:{port}"
        with httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=60)
        behind.shutdown()
        behind.server_close()


def test_who_calls_is_the_address_that_calls_whatever_the_caller_says(proxied: httpx.Client) -> None:
    answer = proxied.get("/exchange/", headers=FORGED)
    assert answer.text == "/exchange/ 127.0.0.1 https None None"
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_tasks_way_in_is_not_this_one(proxied: httpx.Client) -> None:
    assert proxied.get("/execution/health").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(("path", "at_most"), [("/auth/token", 8), ("/auth/login/", 24)])
def test_guesses_are_limited_and_nothing_else_is(proxied: httpx.Client, path: str, at_most: int) -> None:
    codes = [proxied.post(path).status_code for _ in range(60)]
    assert 1 <= codes.count(httpx.codes.OK) <= at_most
    assert set(codes) == {httpx.codes.OK, httpx.codes.TOO_MANY_REQUESTS}
    assert all(proxied.get("/exchange/").status_code == httpx.codes.OK for _ in range(60))


def test_old_tls_is_not_spoken(proxied: httpx.Client, tmp_path: Path) -> None:
    asked = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{proxied.base_url.port}",
        "-tls1_1",
        "-cipher",
        "ALL@SECLEVEL=0",
    ]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode != 0
    assert b"protocol version" in done.stderr or b"alert" in done.stderr
