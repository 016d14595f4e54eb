"""Read: several batches at once with a key that has a password, as every key has that the desk made; results to a key
of before; an answer that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.desk.page import make_desk
from exchange.intake.collect import poll
from exchange.steps.second_look import open_second_look
from exchange.wire.keys import make_certificate
from tests.desk.browser import drive
from tests.desk.conftest import PASSWORD, with_password
from tests.desk.test_read import fetched, reads
from tests.steps.releases import decide, proposed, sent

Ask = Callable[..., Request]
OPENED = "签名、摘要核对无误，已解密"


@pytest.fixture
def locked_key(court: DemoPartner, tmp_path: Path) -> Path:
    """The court's opening key with a password."""
    return with_password(court.keys / "encrypt.key", tmp_path)


def shown(
    page: Path, to: Path, files: list[Path], key: Path, wait: str, *more: dict[str, Any], password: str = ""
) -> str:
    """What the page says of these files."""
    typed = [{"do": "type", "at": "#read-password", "text": password}] if password else []
    steps = reads(files, key)
    look = [{"do": "wait", "at": "#read-outcome", "text": wait}, {"do": "text", "at": "#read-outcome"}]
    driven = drive(page, to, *steps[:-1], *typed, steps[-1], *look, *more)
    said = driven.gave[-1 - len(more)]
    assert isinstance(said, str)
    return said


def test_one_password_opens_all_that_was_fetched(
    app: App, court: DemoPartner, ask: Ask, page: Path, locked_key: Path, tmp_path: Path
) -> None:
    batches = [sent(app, court, ask()) for _ in range(3)]
    files = fetched(court, tmp_path / "fetched")
    last = f"结果 {batches[-1]}"
    forgotten = {"do": "evaluate", "script": "document.querySelector('#read-password').value"}
    said = shown(page, tmp_path / "saved", files, locked_key, last, forgotten, password=PASSWORD)
    assert said.count(OPENED) == 3
    assert "密码" not in said


@pytest.mark.parametrize("detail", [0, 2])
def test_a_double_click_opens_once(
    app: App, court: DemoPartner, ask: Ask, page: Path, locked_key: Path, tmp_path: Path, detail: int
) -> None:
    """The second press comes while the first is at work, or is the other half of a double click that ends later."""
    batches = [sent(app, court, ask()) for _ in range(2)]
    files = fetched(court, tmp_path / "fetched")
    wait = f"const wait = () => document.querySelector('#read-outcome').innerText.includes('结果 {batches[-1]}')"
    again = f"button.dispatchEvent(new MouseEvent('click', {{detail: {detail}, bubbles: true}}))"
    pressed = f"""new Promise((go) => {{
        {wait};
        const button = document.querySelector('#read-open');
        button.click();
        setTimeout(() => {{ {again}; }}, 60);
        const look = setInterval(() => {{
            if (!wait()) return;
            clearInterval(look);
            if ({detail}) {again};
            setTimeout(go, 1000);
        }}, 20);
    }})"""
    typed = {"do": "type", "at": "#read-password", "text": PASSWORD}
    steps = [*reads(files, locked_key)[:-1], typed, {"do": "evaluate", "script": pressed}]
    said = drive(page, tmp_path / "saved", *steps, {"do": "text", "at": "#read-outcome"}).gave[-1]
    assert said.count(OPENED) == 2
    assert "密码" not in said


def test_a_wrong_password_is_told_once_for_all(
    app: App, court: DemoPartner, ask: Ask, page: Path, locked_key: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        sent(app, court, ask())
    files = fetched(court, tmp_path / "fetched")
    said = shown(page, tmp_path / "saved", files, locked_key, "密码不对", password="another")
    assert said.count("密码不对") == 1
    assert OPENED not in said


def test_what_lacks_its_first_file_and_what_is_not_read_is_named(
    app: App, court: DemoPartner, ask: Ask, page: Path, locked_key: Path, tmp_path: Path
) -> None:
    """Nothing that a clerk drops in is passed over without a word; the files of the set that was sent need none."""
    request = ask()
    batch, made = request.batch, court.make_set(request)
    court.drop(made)
    poll(app)
    pipeline.run(app, batch)
    files = fetched(court, tmp_path / "fetched")
    kept = [path for path in files if not path.name.endswith(".result.json")]
    for name, content in {**made, "取回.zip": b"PK", "名单.xlsx": b"PK"}.items():
        (tmp_path / name).write_bytes(content)
        kept.append(tmp_path / name)
    said = shown(page, tmp_path / "saved", kept, locked_key, "没有用到", password=PASSWORD)
    assert f"还缺这些文件，请一并取回：{batch}.result.json\n" in f"{said}\n"
    assert "没有用到：取回.zip、名单.xlsx。" in said
    assert said.count("court-changchun.") == 2, "the receipt, and what is missing"


def test_a_refusal_names_the_field_as_the_page_does(
    app: App, court: DemoPartner, ask: Ask, page: Path, locked_key: Path, tmp_path: Path
) -> None:
    for refused in (ask(items=("sex", "unregistered")), ask(cycle="annual", period="2026")):
        court.drop(court.make_set(refused))
        poll(app)
        pipeline.run(app, refused.batch)
    files = fetched(court, tmp_path / "fetched")
    said = shown(page, tmp_path / "saved", files, locked_key, "不予受理", password=PASSWORD)
    assert "（所核事项第 2 项）" in said
    assert "（周期）" in said
    assert said.count("索取新的协作台") == 2


@pytest.fixture
def new_desk(app: App, court: DemoPartner, tmp_path: Path) -> Path:
    """The court's desk after a change of keys, which names the new certificates alone."""
    for name in ("sign", "encrypt"):
        make_certificate(tmp_path / "new", name, f"{court.id}, new")
    agreement: Agreement = app.agreement(court.id)
    pinned = agreement.certificates.model_copy(
        update={"signing": tmp_path / "new" / "sign.pem", "encryption": tmp_path / "new" / "encrypt.pem"}
    )
    changed = agreement.model_copy(update={"certificates": pinned})
    place = tmp_path / "desk.html"
    place.write_bytes(make_desk(changed, app.settings.keys, 730))
    return place


def test_a_result_of_before_a_change_of_keys_is_opened_with_the_old_key(
    app: App, court: DemoPartner, ask: Ask, new_desk: Path, tmp_path: Path
) -> None:
    """Whatever desk it is: what the office signed says what is inside, not whose certificate the desk knows."""
    sent(app, court, ask())
    files = fetched(court, tmp_path / "fetched")
    assert OPENED in shown(new_desk, tmp_path / "saved", files, court.keys / "encrypt.key", "结果")


@pytest.mark.parametrize("name", ["sign.key", "new/encrypt.key"])
def test_a_key_that_does_not_open_it_says_which_one_does(
    app: App, court: DemoPartner, ask: Ask, new_desk: Path, tmp_path: Path, name: str
) -> None:
    sent(app, court, ask())
    files = fetched(court, tmp_path / "fetched")
    key = court.keys / name if name == "sign.key" else tmp_path / name
    said = shown(new_desk, tmp_path / "saved", files, key, "encrypt.key")
    assert OPENED not in said
    assert "旧的 encrypt.key" in said
    assert "协作台" not in said, "another desk opens it no better"


def test_an_answer_that_was_corrected_says_of_which_batch_and_asks_for_no_first_result(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, page: Path, tmp_path: Path
) -> None:
    person = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(1)
    wrong = person["sex"].replace_strict({"1": "女", "2": "男"})
    asked = person.select(pl.Series("row_ref", ["A1"]), "id_number", "name", wrong.alias("sex"))
    first = sent(app, court, ask(asked.write_csv().encode()))
    batch = open_second_look(app, first, 1, "申请〔2026〕9号")
    decide(app, batch, 1, identity="consistent", sex="consistent")
    (release,) = proposed(app, batch)
    pipeline.issue(app, release.id)
    files = fetched(court, tmp_path / "fetched")
    said = shown(page, tmp_path / "saved", files, court.keys / "encrypt.key", f"结果 {batch}")
    part = said[said.index(f"结果 {batch}") :]
    assert f"更正原批次 {first}" in part
    assert "只有补充结果" not in part
