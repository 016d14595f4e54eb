"""The whole path without a mouse: check, send, read, keys, by Tab, arrows, Space and Enter alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.desk.browser import BROWSERS, drive
from tests.desk.conftest import Made
from tests.desk.test_send import unpacked

LIST = "业务编号,公民身份号码,姓名,性别\nA-1,11010519491231002X,张三,女\n"
PASSWORD = "Passwort 1"


def at(place: str, *then: dict[str, Any]) -> list[dict[str, Any]]:
    """Goes there by Tab, and on from there."""
    return [{"do": "tab", "to": place}, *then]


def back_at(place: str, *then: dict[str, Any]) -> list[dict[str, Any]]:
    """The same by Shift and Tab: round the page's end one would leave it for the browser's own buttons."""
    return [{"do": "tab", "to": place, "back": True}, *then]


def key(name: str, times: int = 1) -> dict[str, Any]:
    return {"do": "press", "key": name, "times": times}


def files(*paths: Path) -> dict[str, Any]:
    return {"do": "choose", "files": [str(path) for path in paths]}


def said(place: str, text: str) -> dict[str, Any]:
    return {"do": "wait", "at": place, "text": text}


def receipt(made: Made, folder: Path) -> list[Path]:
    """A receipt as the office signs it."""
    record = {
        "format": "exchange-receipt/1", "partner": made.agreement.partner, "batch": "social-example.1",
        "outcome": "accepted", "received_at": "2026-11-28T09:00:00+08:00", "rows": 1, "files": [],
        "due": {"day": "2026-12-05", "provisional": False},
    }  # fmt: skip
    content, signature = folder / "social-example.1.receipt.json", folder / "social-example.1.receipt.json.p7s"
    content.write_text(json.dumps(record), encoding="utf-8")
    signer = ["-signer", str(made.keys / "office-sign.pem"), "-inkey", str(made.keys / "office-sign.key")]
    form = ["-binary", "-outform", "DER", "-in", str(content), "-out", str(signature)]
    subprocess.run(["openssl", "cms", "-sign", *signer, *form], check=True, capture_output=True)
    return [content, signature]


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_clerk_without_a_mouse(made: Made, tmp_path: Path, browser: str) -> None:
    data, saved = tmp_path / "list.csv", tmp_path / "saved"
    data.write_text(LIST, encoding="utf-8")
    driven = drive(
        made.page,
        saved,
        *at("#check-file", files(data), said("#check-outcome", "可以发送")),
        *at("#check-onward", key("Enter"), {"do": "focused"}),
        *at("#send-cycle", key("ArrowDown")),
        *at("#send-handler", {"do": "keys", "text": "经办人"}),
        *at("#send-encrypted", key(" ")),
        *at("#send-key", files(made.keys / "sign.key")),
        *at("#send-make", key("Enter"), said("#send-outcome", "已生成批次")),
        *at("#send-save", key("Enter"), {"do": "downloaded"}),
        *back_at("#tab-send", key("ArrowRight"), {"do": "focused"}),
        *at("#read-files", files(*receipt(made, tmp_path)), said("#read-chosen", "已选 2 个文件")),
        *at("#read-open", key("Enter"), said("#read-outcome", "已受理")),
        *back_at("#tab-read", key("ArrowRight"), {"do": "focused"}),
        *at("#keys-password", {"do": "keys", "text": PASSWORD}),
        *at("#keys-password-again", {"do": "keys", "text": PASSWORD}),
        *at("#keys-make", key("Enter"), said("#keys-outcome", "已生成")),
        *at("#keys-save", key("Enter"), {"do": "downloaded"}),
        browser=browser,
    )
    assert [each for each in driven.gave if isinstance(each, str)] == ["tab-send", "tab-read", "tab-keys"]
    keys = saved / "social-example-新密钥.zip"
    assert keys.is_file()
    keys.unlink()
    assert LIST.encode() in unpacked(saved).values()
