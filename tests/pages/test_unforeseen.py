"""What nobody foresaw on a page tells its kind alone, to whoever asked and in the server's log; also what is no
Exception, as a panic of Polars is none.
"""

from __future__ import annotations

import logging

import httpx
import polars as pl
import pytest

from exchange.pages import application
from exchange.pages.application import make_application
from exchange.pages.asked import PageRequest
from tests.pages.conftest import Pages, header_login, served

CANARY = "22010219850714921X"


class Another(BaseException):
    """As a library might make it."""


@pytest.mark.parametrize("kind", [ValueError, pl.exceptions.PanicException, Another])
def test_an_error_that_nobody_foresaw_quotes_nothing(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[BaseException]
) -> None:
    def fails(_: PageRequest) -> None:
        raise kind(CANARY)

    caplog.set_level(logging.DEBUG)
    monkeypatch.setitem(application.PAGES, "start", fails)
    with served(make_application(pages.context, header_login)) as url, httpx.Client(trust_env=False) as client:
        answer = client.get(f"{url}/", headers={"x-login": "op"})
        again = client.get(f"{url}/health")
    assert answer.status_code in (409, 500)
    assert answer.headers["cache-control"] == "no-store"
    assert "程序出错" in answer.text
    assert CANARY not in answer.text
    assert CANARY not in caplog.text + "".join(str(record.args) for record in caplog.records)
    assert again.status_code in (200, 503), "the server goes on"
