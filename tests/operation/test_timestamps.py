"""Each day's checkpoint bears an authority's time stamp; an authority of our own, by openssl, gives them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.operation.timestamps import check_stamps, stamp_days
from exchange.operation.verification import verify_register
from exchange.settings_sections import TimestampSettings
from exchange.watch.configuration import watch_configuration

CONFIGURATION = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def make_authority(folder: Path) -> None:
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "tsa.key"), "-out", str(folder / "tsa.pem")]
    usage = ["-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=critical,digitalSignature"]
    openssl("req", "-x509", *made, "-subj", "/CN=authority of a test", "-days", "2", *usage)


class Authority:
    """Answers queries at ``url``; ``reply`` may put something else in the answer's place."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        self.reply: Callable[[bytes], bytes] = lambda answer: answer
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(authority.reply(authority.answer(query)))

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        asked = ["-queryfile", str(self.folder / "query"), "-config", str(self.folder / "tsa.cnf")]
        openssl("ts", "-reply", *asked, "-out", str(self.folder / "answer"))
        return (self.folder / "answer").read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    make_authority(tmp_path)
    authority = Authority(tmp_path)
    yield authority
    authority.server.shutdown()
    authority.server.server_close()


@pytest.fixture
def stamping(app: App, authority: Authority, tmp_path: Path) -> App:
    """The office with an archive of its own, two days' checkpoints in it, on the second day."""
    settings = app.settings.model_copy(
        update={
            "home": tmp_path / "home",
            "timestamps": TimestampSettings(url=authority.url, certificate=tmp_path / "tsa.pem"),
        }
    )
    office = replace(app, settings=settings)
    watch_configuration(office)  # writes a line, and leaves nothing to others
    office.checkpoint()
    tomorrow = replace(office, now=lambda: app.now() + timedelta(days=1))
    tomorrow.checkpoint()
    return tomorrow


def test_a_clock_that_is_put_back_spoils_no_stamp(stamping: App) -> None:
    """Before, the stamped day was written again, and no verification held any more."""
    (stamped,) = stamp_days(stamping)
    back = replace(stamping, now=lambda: stamping.now() - timedelta(days=1))
    back.register.told_uses.ask(np.array([7], np.uint64), "本人查询", "函9号", back.now())  # writes a line
    back.checkpoint()
    assert check_stamps(stamping) == 1
    assert stamped < [path.name for path in stamping.checkpoints.files()][-1]
    verify_register(stamping)


def test_each_day_that_is_over_is_stamped_once(stamping: App, authority: Authority) -> None:
    first, second = stamping.checkpoints.files()
    assert stamp_days(stamping) == [first.name]
    assert stamp_days(stamping) == []
    assert authority.asked == 1
    assert check_stamps(stamping) == 1
    verify_register(stamping)
    assert not second.with_name(f"{second.name}.tsr").exists(), "it is not over"


def test_what_was_altered_afterwards_is_found(stamping: App) -> None:
    first = stamping.checkpoints.files()[0]
    stamp_days(stamping)
    sound = first.read_bytes()
    first.write_bytes(sound.replace(b"\n", b"\n\n", 1))
    with pytest.raises(Halt, match=f"checkpoint of {first.name} does not hold"):
        check_stamps(stamping)
    first.write_bytes(sound)
    assert check_stamps(stamping) == 1
    reply = first.with_name(f"{first.name}.tsr")
    content = bytearray(reply.read_bytes())
    content[-5] ^= 1
    reply.write_bytes(content)
    with pytest.raises(Halt, match=f"checkpoint of {first.name} does not hold"):
        verify_register(stamping)


@pytest.mark.parametrize("reply", [lambda _: b"", lambda answer: answer[:-1], lambda _: b"<html></html>"])
def test_a_reply_that_does_not_hold_is_not_kept(
    stamping: App, authority: Authority, reply: Callable[[bytes], bytes]
) -> None:
    authority.reply = reply
    with pytest.raises(Halt):
        stamp_days(stamping)
    assert check_stamps(stamping) == 0


def test_another_authoritys_stamp_does_not_count(stamping: App, authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_authority(other)
    trusted = TimestampSettings(url=authority.url, certificate=other / "tsa.pem")
    trusting = replace(stamping, settings=stamping.settings.model_copy(update={"timestamps": trusted}))
    with pytest.raises(Halt, match="does not hold"):
        stamp_days(trusting)
    assert authority.asked == 1
    assert stamp_days(stamping), "who trusts this one takes it"


def test_an_authority_that_does_not_answer_is_asked_again_later(stamping: App, authority: Authority) -> None:
    authority.server.shutdown()
    authority.server.server_close()
    with pytest.raises(Retryable, match="did not answer"):
        stamp_days(stamping)


def test_without_an_authority_nothing_is_stamped(app: App) -> None:
    assert app.settings.timestamps is None
    assert stamp_days(app) == []
    assert check_stamps(app) == 0
