"""Read: the result of a real batch opened by the desk is what ``openssl`` opens; nothing untrusted is opened."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import ANSWERS
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.snapshots.versions import Snapshots
from exchange.status.publish import publish
from tests.desk.browser import BROWSERS, drive, picture
from tests.steps.stages import at_stage

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "birth_date")
ROWS = 60


def fetched(partner: DemoPartner, to: Path) -> list[Path]:
    """Everything that lies in the folder from the office, as WinSCP brings it home."""
    to.mkdir()
    for path in (partner.server.home / "from-office").iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return sorted(to.iterdir())


def reads(files: list[Path], key: Path, *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"do": "click", "at": "#tab-read"},
        {"do": "upload", "at": "#read-files", "files": [str(path) for path in files]},
        *more,
        {"do": "upload", "at": "#read-key", "files": [str(key)]},
        {"do": "click", "at": "#read-open"},
    ]


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_result_of_a_real_batch(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    page: Path,
    tmp_path: Path,
    browser: str,
) -> None:
    claims = make_claims(people, offenders, ITEMS, ROWS, seed=3, approved=True)
    data = to_csv(claims.rows, chinese=True)
    request = ask(data, ROWS, items=ITEMS)
    court.drop(court.make_set(request))
    assert request.batch in poll(app).waiting
    assert pipeline.run(app, request.batch)
    files = fetched(court, tmp_path / "fetched")
    opened = court.result(request.batch).data
    own = tmp_path / "own.csv"
    own.write_bytes(data)
    saved = tmp_path / "saved"

    driven = drive(
        page,
        saved,
        *reads(files, court.keys / "encrypt.key", {"do": "upload", "at": "#read-own", "files": [str(own)]}),
        {"do": "wait", "at": "#read-outcome", "text": "核对无误"},
        {"do": "text", "at": "#read-outcome"},
        *picture("read"),
        {"do": "click", "at": "#read-outcome button.keep"},
        {"do": "downloaded"},
        {"do": "click", "at": "#read-outcome button.keep + button"},
        {"do": "downloaded"},
        {"do": "click", "at": "#read-outcome article > p:last-child button"},
        {"do": "downloaded"},
        width=1000,
        browser=browser,
    )
    said = next(each for each in driven.gave if isinstance(each, str) and "已受理" in each)
    assert f"{ROWS} 行，办结时限" in said
    assert (saved / f"{request.batch}.result.csv").read_bytes() == opened
    _holds_the_answers(saved / f"{request.batch}-核查结果.xlsx", opened, own)
    acknowledged(app, court, saved / f"{request.batch}.result.ack", request.batch)


def _holds_the_answers(book: Path, opened: bytes, own: Path) -> None:
    sheet = openpyxl.load_workbook(book).worksheets[0]
    head, *rows = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
    answers = list(csv.DictReader(io.StringIO(opened.decode("utf-8-sig"))))
    claimed = list(csv.DictReader(io.StringIO(own.read_text(encoding="utf-8-sig"))))
    assert len(rows) == len(answers) == ROWS
    for row, answer, claim in zip(rows, answers, claimed, strict=True):
        seen = dict(zip(head, row, strict=True))
        assert seen["号码与姓名"] == ANSWERS[answer["identity"]].zh
        assert seen["性别核查结果"] == ANSWERS[answer["sex_answer"]].zh
        assert seen["公民身份号码"] == claim.get("公民身份号码", seen["公民身份号码"])


def acknowledged(app: App, partner: DemoPartner, ack: Path, batch: str) -> None:
    partner.drop({ack.name: ack.read_bytes()})
    poll(app)
    assert [each.number for each in app.register.pickups.of(batch)] == [1]
    assert not app.register.pickups.uncollected(partner.id)


SPOILED = {".result.json": "签名不对", ".result.json.p7s": "签名不对", ".result.csv.p7m": "与清单不符"}


def test_what_was_altered_is_not_opened(app: App, court: DemoPartner, ask: Ask, page: Path, tmp_path: Path) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    files = fetched(court, tmp_path / "fetched")
    steps = reads(files, court.keys / "encrypt.key")
    steps.append({"do": "wait", "at": "#read-outcome", "text": "核对无误，已解密"})
    for ending, says in SPOILED.items():
        (sound,) = [path for path in files if path.name.endswith(ending)]
        content = bytearray(sound.read_bytes())
        content[-20] ^= 1
        (tmp_path / ending).mkdir()
        altered = tmp_path / ending / sound.name
        altered.write_bytes(content)
        steps += [
            {"do": "upload", "at": "#read-files", "files": [str(altered)]},
            {"do": "wait", "at": "#read-chosen", "text": f"已选 {len(files)} 个文件"},
            {"do": "click", "at": "#read-open"},
            {"do": "wait", "at": "#read-outcome", "text": says},
            {"do": "text", "at": "#read-outcome"},
            {"do": "upload", "at": "#read-files", "files": [str(sound)]},
        ]
    driven = drive(page, tmp_path / "saved", *steps)
    said = [each for each in driven.gave if isinstance(each, str)]
    assert len(said) == len(SPOILED)
    assert not any("已解密" in each for each in said)


def test_the_status_file_and_a_tests_answers_are_told_as_what_they_are(
    app: App, court: DemoPartner, ask: Ask, page: Path, tmp_path: Path, installed: Snapshots
) -> None:
    """Everything that lies in the folder at once: a TEST receipt and result, a refusal, and how the partner stands."""
    with at_stage(app, court, "test"):
        sound, refused = ask(), ask(purpose="other")
        for request in (sound, refused):
            court.drop(court.make_set(request))
            poll(app)
            pipeline.run(app, request.batch)
        publish(app, court.id, again=True)
        files = fetched(court, tmp_path / "fetched")
    driven = drive(
        page,
        tmp_path / "saved",
        *reads(files, court.keys / "encrypt.key"),
        {"do": "wait", "at": "#read-outcome", "text": "近三十天不予受理"},
        {"do": "text", "at": "#read-outcome"},
        *picture("standing"),
        width=1000,
    )
    said = next(each for each in driven.gave if isinstance(each, str) and "近况" in each)
    assert said.count("【测试 TEST，虚构数据】") >= 3, "receipts, result, status"
    assert f"已取回：{sound.batch}.result.csv.p7m" in said
    assert "最近 1 份请求不予受理" in said
    assert "测试：虚构人员" in said
    assert "认识的文件格式" not in said
