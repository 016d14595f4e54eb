"""A workbook with several sheets: which is read is said, another may be chosen, and the manifest names it."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from exchange.validate.workbook import read_sheet
from exchange.wire.manifest import RequestManifest
from tests.desk.browser import BROWSERS, drive
from tests.desk.conftest import Made
from tests.desk.test_send import unpacked

pytestmark = pytest.mark.filterwarnings("ignore:Title is more than 31")  # LibreOffice saves such names

HEAD = ("业务编号", "公民身份号码", "姓名", "性别")
FIRST = ("A-1", "11010519491231002X", "张三", "女")
SECOND = ("B-1", "440524188001010014", "李四", "男")


def book(place: Path) -> Path:
    """A hidden sheet, a note, two lists, and one whose name no manifest can hold."""
    made = openpyxl.Workbook()
    sheets: dict[str, list[tuple[str, ...]]] = {
        "代码": [("1", "男")],
        "说明": [("请填写后面的表",)],
        "一科": [HEAD, FIRST],
        "二科": [HEAD, SECOND, ("B-2", *SECOND[1:])],
        "名" * 40: [HEAD, FIRST],
    }
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del made["Sheet"]
    made["代码"].sheet_state = "hidden"
    made.save(place)
    return place


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_sheet_that_was_chosen_is_checked_and_sent(made: Made, tmp_path: Path, browser: str) -> None:
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(book(tmp_path / "名单.xlsx"))]},
        {"do": "wait", "at": "#check-outcome", "text": "只读取“说明”"},
        {"do": "text", "at": "#check-outcome"},
        {"do": "texts", "at": "#check-sheet option:enabled"},
        {"do": "select", "at": "#check-sheet", "value": "二科"},
        {"do": "wait", "at": "#check-outcome", "text": "只读取“二科”"},
        {"do": "text", "at": "#check-outcome"},
        {"do": "click", "at": "#tab-send"},
        {"do": "select", "at": "#send-cycle", "value": "monthly"},
        {"do": "type", "at": "#send-handler", "text": "经办人（虚构）"},
        {"do": "click", "at": "#send-encrypted"},
        {"do": "upload", "at": "#send-key", "files": [str(made.keys / "sign.key")]},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "已生成批次"},
        {"do": "click", "at": "#send-save"},
        {"do": "downloaded"},
        browser=browser,
    )
    assert "工作表" in driven.gave[2]
    assert "不能发送" in driven.gave[2]
    assert driven.gave[3] == ["说明", "一科", "二科"]
    assert "共 2 行，没有发现问题" in driven.gave[6]
    files = unpacked(tmp_path / "saved")
    (manifest,) = [json.loads(content) for name, content in files.items() if name.endswith(".json")]
    stated = RequestManifest.model_validate(manifest).data.sheet
    assert (stated, manifest["rows"]) == ("二科", 2)
    read = read_sheet(files[manifest["data"]["name"]], stated).frame(manifest["items"], manifest["rows"], None)
    assert read["row_ref"].to_list() == ["B-1", "B-2"]


def test_ones_own_list_is_found_on_whichever_sheet_it_is(made: Made, tmp_path: Path) -> None:
    sound, none = book(tmp_path / "名单.xlsx"), tmp_path / "空.csv"
    none.write_text("备注\n1\n", encoding="utf-8")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "click", "at": "#tab-read"},
        {"do": "upload", "at": "#read-own", "files": [str(none)]},
        {"do": "wait", "at": "#read-own-said", "text": "名单读不了"},
        {"do": "upload", "at": "#read-own", "files": [str(sound)]},
        {"do": "evaluate", "script": "new Promise((go) => setTimeout(go, 1500))"},
        {"do": "text", "at": "#read-own-said"},
    )
    assert driven.gave[5] == ""
