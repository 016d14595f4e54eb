"""Send: what the desk makes in Chromium, opened from disk, is accepted by the real intake."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.intake.collect import poll
from tests.desk.browser import drive, picture
from tests.desk.conftest import PASSWORD, Made, with_password


@pytest.fixture
def locked_key(court: DemoPartner, tmp_path: Path) -> Path:
    """The court's signing key with a password."""
    return with_password(court.keys / "sign.key", tmp_path)


def sends(data: Path, key: Path, items: list[str], *, encrypted: bool = True) -> list[dict[str, Any]]:
    """The steps of a clerk who sends this file."""
    wrong = [item for item in ("sex", "birth_date") if item not in items]
    return [
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "可以发送"},
        {"do": "click", "at": "#tab-send"},
        {"do": "texts", "at": "#send-items label:has(input:checked)"},
        {"do": "select", "at": "#send-cycle", "value": "ad_hoc"},
        {"do": "type", "at": "#send-letter", "text": "介字〔虚构〕9号"},
        {"do": "type", "at": "#send-handler", "text": "经办人（虚构）"},
        *[{"do": "evaluate", "script": _unchecked(item)} for item in [*wrong, "criminal_record"]],
        *([] if encrypted else [{"do": "click", "at": "#send-encrypted"}]),
        {"do": "upload", "at": "#send-key", "files": [str(key)]},
        {"do": "type", "at": "#send-password", "text": PASSWORD},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "已生成批次"},
    ]


def _unchecked(item: str) -> str:
    return f"""(() => {{ const box = document.querySelector('#send-items input[value="{item}"]');
        if (box?.checked) box.click(); return true; }})()"""


def unpacked(saved: Path) -> dict[str, bytes]:
    """The files in the ZIP that was saved, in its order."""
    (archive,) = saved.glob("*.zip")
    with zipfile.ZipFile(archive) as files:
        return {name: files.read(name) for name in files.namelist()}


@pytest.mark.parametrize(
    ("form", "encrypted", "browser"),
    [("csv", True, "chromium"), ("xlsx", False, "chromium"), ("xlsx", True, "firefox")],
)
def test_a_set_from_the_desk_is_accepted(
    app: App,
    court: DemoPartner,
    people: pl.DataFrame,
    page: Path,
    locked_key: Path,
    tmp_path: Path,
    form: str,
    encrypted: bool,
    browser: str,
) -> None:
    rows = people.head(3).select(
        pl.int_range(pl.len()).cast(pl.String).alias("业务编号"),
        pl.col("id_number").alias("公民身份号码"),
        pl.col("name").alias("姓名"),
        pl.lit("女").alias("性别"),
    )
    data = tmp_path / f"名单.{form}"
    if form == "csv":
        data.write_bytes(rows.write_csv().encode("gb18030"))
    else:
        rows.write_excel(data)
    driven = drive(
        page,
        tmp_path / "saved",
        *sends(data, locked_key, ["id_number", "name", "sex"], encrypted=encrypted),
        {"do": "click", "at": "#send-save"},
        {"do": "downloaded"},
        browser=browser,
    )
    chosen = next(each for each in driven.gave if isinstance(each, list))
    assert chosen == ["公民身份号码", "姓名", "性别"], "records of offence are asked where the clerk says so"
    files = unpacked(tmp_path / "saved")
    court.drop(files)
    (batch,) = [name.removesuffix(".request.json") for name in files if name.endswith(".request.json")]
    assert batch in poll(app).waiting
    assert pipeline.run(app, batch)
    receipt = court.verified(f"{batch}.receipt.json")
    assert (receipt["outcome"], receipt["rows"]) == ("accepted", 3)
    assert len(court.result(batch).data.splitlines()) == 4


BAD = "业务编号,公民身份号码,姓名,性别\n1,110105194912310021,张三,女\n1,440524188001010014,李四,男\n"
TYPED = """(() => { for (const [name, text] of Object.entries(%s)) {
    const cell = document.querySelector(`input[aria-label="${name}"]`);
    cell.value = text; cell.dispatchEvent(new Event("input")); } return true; })()"""


def typed(**cells: str) -> dict[str, Any]:
    """The step of a clerk who types into cells of the rows with faults, ``row2_业务编号`` by name."""
    named = {name.replace("row", "第 ").replace("_", " 行 "): text for name, text in cells.items()}
    return {"do": "evaluate", "script": TYPED % json.dumps(named, ensure_ascii=False)}


def test_what_was_typed_is_sent_without_another_check(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "名单.csv"
    data.write_text(BAD, encoding="utf-8")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "1 行有问题"},
        {"do": "text", "at": "#check-outcome"},
        typed(row1_公民身份号码="11010519491231002X", row2_业务编号="2"),
        {"do": "click", "at": "#tab-send"},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "请选择周期"},
        {"do": "select", "at": "#send-cycle", "value": "monthly"},
        {"do": "type", "at": "#send-handler", "text": "经办人（虚构）"},
        {"do": "upload", "at": "#send-key", "files": [str(made.keys / "sign.key")]},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "已生成批次"},
        *picture("send"),
        {"do": "click", "at": "#send-encrypted"},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": ".csv\t"},
        {"do": "text", "at": "#send-outcome"},
        {"do": "click", "at": "#send-save"},
        {"do": "downloaded"},
        width=1000,
    )
    before, after = (each for each in driven.gave if isinstance(each, str))
    assert "业务编号：重复" in before, "rows whose reference stands twice can be mended, too"
    assert "有问题" not in after
    assert "名单在本页内改正过" in after, "it stands in no file of the clerk's yet"
    (sent,) = [content for name, content in unpacked(tmp_path / "saved").items() if name.endswith(".csv")]
    rows = BAD.replace("110105194912310021", "11010519491231002X").replace("\n1,4", "\n2,4")
    assert sent.decode("utf-8-sig").splitlines() == rows.splitlines()


def test_a_list_with_objections_is_one_from_the_check_on(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "异议.csv"
    data.write_text("业务编号,异议说明\nA-1,已核对证件\n", encoding="utf-8")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "将核查的事项：异议"},
        {"do": "click", "at": "#check-onward"},
        {"do": "type", "at": "#send-objects-to", "text": "social-example.1"},
        {"do": "type", "at": "#send-handler", "text": "经办人（虚构）"},
        {"do": "click", "at": '#send-items input[value="sex"]'},
        {"do": "click", "at": "#send-encrypted"},
        {"do": "upload", "at": "#send-key", "files": [str(made.keys / "sign.key")]},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "已生成批次"},
        {"do": "click", "at": "#send-save"},
        {"do": "downloaded"},
    )
    (manifest,) = [json.loads(each) for name, each in unpacked(tmp_path / "saved").items() if name.endswith(".json")]
    assert (manifest["cycle"], manifest["objects_to"], manifest["items"]) == ("objection", "social-example.1", ["sex"])
    assert driven.errors == []


def test_what_was_chosen_before_is_forgotten_with_the_next_file(made: Made, tmp_path: Path) -> None:
    sound, old = tmp_path / "名单.csv", tmp_path / "名单.xls"
    sound.write_text(BAD, encoding="utf-8")
    old.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1"))
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(sound)]},
        {"do": "wait", "at": "#check-outcome", "text": "1 行有问题"},
        {"do": "upload", "at": "#check-file", "files": [str(old)]},
        {"do": "wait", "at": "#check-outcome", "text": "另存为"},
        {"do": "click", "at": "#tab-send"},
        {"do": "text", "at": "#send-file"},
    )
    assert driven.gave[5] == "还没有数据文件：请先在“检查”中选择。"
