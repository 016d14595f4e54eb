"""Messages to the office: a real webhook and a real mail server get them; an address with a key is logged nowhere."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from http.server import HTTPServer
from pathlib import Path

import pytest

from .servers import MailServer, Received, Webhook, serving

KEY = "robot-key-3f2a"


def http(port: int) -> dict[str, object]:
    return {"conn_type": "http", "host": "http://127.0.0.1", "port": port, "extra": {"endpoint": f"send?key={KEY}"}}


@dataclass
class Sent:
    """What a process printed of each connection, what the servers got, and all that was logged."""

    printed: list[str]
    posted: Received
    mailed: Received
    logged: str


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """One process sends by a webhook, one that is out of order, a mail server, and by connections that do not fit."""
    extra = {"to": "office@example.org", "from_email": "exchange@example.org", "disable_ssl": True, "disable_tls": True}
    with (
        serving(HTTPServer, Webhook) as (webhook, posted),
        serving(HTTPServer, Webhook, status=503) as (broken, _),
        serving(socketserver.TCPServer, MailServer) as (mail, mailed),
    ):
        connections = [
            http(webhook),
            http(broken),
            http(1),
            {"conn_type": "smtp", "host": "127.0.0.1", "port": mail, "extra": extra},
            None,
            {"conn_type": "ftp", "host": "x"},
            {"conn_type": "smtp", "host": "x"},
        ]
        own = {
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        command = [sys.executable, str(Path(__file__).with_name("sent.py")), json.dumps(connections)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        ended = subprocess.run(command, env=kept | own, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr
    printed = [line[4:] for line in ended.stdout.splitlines() if line.startswith(">>> ")]
    return Sent(printed, posted, mailed, ended.stdout + ended.stderr)


def test_what_came_of_each(sent: Sent) -> None:
    assert sent.printed == [
        "sent: True",
        "failed: connection exchange_alerts: the webhook answered 503",
        "failed: connection exchange_alerts: the webhook cannot be reached (ConnectError)",
        "sent: True",
        "sent: False",
        "failed: connection exchange_alerts: its type should be http or smtp",
        "failed: connection exchange_alerts: its extra names nobody under 'to'",
    ]


def test_the_webhook_got_it_as_group_robots_take_it(sent: Sent) -> None:
    assert [json.loads(each) for each in sent.posted] == [
        {
            "path": f"/send?key={KEY}",
            "body": {
                "subject": "时限提醒",
                "text": {"content": "时限提醒\nbank.b1  已超过办结时限"},
                "msgtype": "text",
                "alerts": [3, 7],
            },
        }
    ]


def test_the_mail_server_got_it(sent: Sent) -> None:
    mail = message_from_bytes(sent.mailed[0], policy=policy.default)
    assert (mail["subject"], mail["to"]) == ("时限提醒", "office@example.org")
    body = mail.get_body()
    assert body is not None
    assert "bank.b1  已超过办结时限" in body.get_content()


def test_a_robots_key_is_logged_nowhere(sent: Sent) -> None:
    assert KEY not in sent.logged
