"""Check, as a clerk does it: in Chromium, from disk."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.desk.browser import BROWSERS, drive, picture
from tests.desk.conftest import Made

LIST = """业务编号,公民身份号码,姓名,性别,出生日期
A-1,11010519491231002X,张三,女,1949-12-31
A-2,110105194912310021,李四,男,1949-12-31
A-3,２２０１０２１９９００３０７１２２７,王五,女,1990年3月7日
A-3,2.20102E+17,赵六,女,
"""


@pytest.mark.parametrize("browser", BROWSERS)
def test_faults_are_told_mended_and_taken_along(made: Made, tmp_path: Path, browser: str) -> None:
    data = tmp_path / "名单.csv"
    data.write_bytes(LIST.encode("gb18030"))
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "共 4 行，其中 2 行有问题"},
        {"do": "texts", "at": "#check-outcome table code"},
        {"do": "text", "at": "#check-outcome"},
        {"do": "click", "at": "#check-outcome button:nth-of-type(3)"},
        {"do": "downloaded"},
        {"do": "type", "at": 'input[aria-label="第 2 行 公民身份号码"]', "text": "11010519491231002x"},
        {"do": "click", "at": "#check-outcome button.main"},
        {"do": "wait", "at": "#check-outcome", "text": "共 4 行，其中 1 行有问题"},
        *picture("check"),
        width=1000,
        browser=browser,
    )
    assert sorted(driven.gave[2]) == ["claim_missing", "id_number_check", "id_number_scientific", "id_repaired"]
    assert "业务编号重复（第 3、4 行）" in driven.gave[3]
    (marked,) = (tmp_path / "saved").iterdir()
    rows = list(openpyxl.load_workbook(marked).worksheets[0].iter_rows(values_only=True))
    assert rows[0] == (*next(csv.reader(io.StringIO(LIST))), "问题", "怎么办")
    assert rows[2][:2] == ("A-2", "110105194912310021")
    assert "校验码错误" in str(rows[2][5])
    assert rows[1][5] is None


def test_what_is_taken_though_the_clerk_may_not_mean_it_is_told(made: Made, tmp_path: Path) -> None:
    """Rows that a filter hides are asked, and a reference that is an identity number comes back unmasked."""
    book = openpyxl.Workbook()
    for row in (
        ["业务编号", "公民身份号码", "姓名"],
        ["11010519491231002X", "11010519491231002X", "张三"],
        ["A-2", "440524188001010014", "李四"],
        ["A-3", "440524188001010014", "李四"],
    ):
        book.worksheets[0].append(row)
    book.worksheets[0].row_dimensions[3].hidden = True
    book.save(tmp_path / "list.xlsx")
    (tmp_path / "objection.csv").write_text("业务编号,异议说明\n11010519491231002X,x\n", encoding="utf-8")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(tmp_path / "list.xlsx")]},
        {"do": "wait", "at": "#check-outcome", "text": "共 3 行"},
        {"do": "text", "at": "#check-outcome"},
        {"do": "upload", "at": "#check-file", "files": [str(tmp_path / "objection.csv")]},
        {"do": "wait", "at": "#check-outcome", "text": "共 1 行"},
        {"do": "text", "at": "#check-outcome"},
    )
    assert "其中 1 行在工作表中是隐藏或筛选掉的，照样核查" in driven.gave[2]
    assert "有 1 行的业务编号是公民身份号码" in driven.gave[2]
    assert "业务编号是公民身份号码" not in driven.gave[5]


def test_a_file_that_would_be_refused_says_why(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "list.csv"
    data.write_text("业务编号,公民身份号码,姓名,电话\nA-1,11010519491231002X,张三,1\n", encoding="utf-8")
    fetched = tmp_path / "p.1.result.json"
    fetched.write_bytes(b"{}")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "不能发送"},
        {"do": "text", "at": "#check-outcome"},
        {"do": "upload", "at": "#check-file", "files": [str(fetched)]},
        {"do": "wait", "at": "#check-outcome", "text": "取回的文件请拖到“读取”"},
    )
    assert "第 4 列" in driven.gave[2]
    assert "column_unknown" in driven.gave[2]


def test_what_is_no_list_and_no_handlers_name_says_what_to_do(made: Made, tmp_path: Path) -> None:
    """Nobody is told to open a private key in a spreadsheet."""
    data = tmp_path / "list.csv"
    data.write_text("业务编号,公民身份号码,姓名\nA-1,11010519491231002X,张三\n", encoding="utf-8")
    others = {name: tmp_path / name for name in ("sign.key", "office.p12", "scan.jpg")}
    steps: list[dict[str, Any]] = []
    for path in others.values():
        path.write_bytes(b"x")
        steps += [
            {"do": "upload", "at": "#check-file", "files": [str(path)]},
            {"do": "wait", "at": "#check-outcome", "text": "这是"},
            {"do": "text", "at": "#check-outcome"},
            {"do": "evaluate", "script": "document.getElementById('check-outcome').replaceChildren()"},
        ]
    driven = drive(
        made.page,
        tmp_path / "saved",
        *steps,
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "可以发送"},
        {"do": "click", "at": "#check-onward"},
        {"do": "type", "at": "#send-handler", "text": "经办人 １１０１０５１９４９１２３１００２Ｘ"},
        {"do": "click", "at": "#send-make"},
        {"do": "wait", "at": "#send-outcome", "text": "请填写经办人姓名，不写身份证号"},
    )
    key, bundle, picture_of_a_list = driven.gave[2 : 4 * len(others) : 4]
    for text in (key, bundle):
        assert "这是密钥或证书" in text
        assert "表格软件" not in text
    assert "请把名单录入表格软件" in picture_of_a_list


HEADERS = {
    "title.csv": (
        "2026年11月名单,,\n业务编号,公民身份号码,姓名\nA-1,11010519491231002X,张三\n",
        ["表头看来在第 2 行", "可以用的表头：业务编号、公民身份号码、姓名、性别、出生日期"],
        ["认不出的列"],
    ),
    "two.csv": (
        "业务编号,个人信息,,\n,公民身份号码,姓名,性别\nA-1,11010519491231002X,张三,女\n",
        ["表头看来在第 2 行", "并成一行"],
        ["异议说明"],
    ),
    "many.csv": (
        "编号,公民身份号码,姓名,电话,备注\nA-1,11010519491231002X,张三,1,2\n",
        ["认不出的列：第 1 列“编号”、第 4 列“电话”、第 5 列“备注”", "还缺：业务编号（或 序号"],
        ["表头看来在"],
    ),
    "missing.csv": (
        "公民身份号码,姓名\n11010519491231002X,张三\n",
        ["还缺：业务编号"],
        ["认不出的列", "表头看来在"],
    ),
    "rows.csv": ("业务编号,公民身份号码,姓名\n", [], ["可以用的表头"]),
    "own words.csv": (
        "序号,身份证,姓名,性别\nA-1,11010519491231002X,张三,女\n",
        ["认不出的列：第 2 列“身份证”。", "还缺：公民身份号码", "可以用的表头：业务编号、公民身份号码、姓名、性别"],
        ["异议说明"],
    ),
    "objection.csv": (
        "业务编号,备注\nA-1,户口簿登记为女\n",
        ["还缺：公民身份号码", "提异议的，表头只写：业务编号、异议说明。"],
        [],
    ),
}
"""A list's name → its text, what is said of its header, and what is not."""


def test_a_header_that_is_wrong_is_told_whole_with_what_may_stand_there(made: Made, tmp_path: Path) -> None:
    """Not the first word alone, after which the next one would be found; a title in a workbook, too."""
    steps: list[dict[str, Any]] = []
    book = openpyxl.Workbook()
    for row in (["2026年11月名单"], ["业务编号", "公民身份号码", "姓名"], ["A-1", "11010519491231002X", "张三"]):
        book.worksheets[0].append(row)
    book.worksheets[0].merge_cells("A1:C1")
    book.save(tmp_path / "title.xlsx")
    for name, (text, _, _) in HEADERS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in (*HEADERS, "title.xlsx"):
        steps += [
            {"do": "upload", "at": "#check-file", "files": [str(tmp_path / name)]},
            {"do": "wait", "at": "#check-outcome", "text": "不能发送"},
            {"do": "text", "at": "#check-outcome"},
            {"do": "evaluate", "script": "document.getElementById('check-outcome').replaceChildren()"},
        ]
    driven = drive(made.page, tmp_path / "saved", *steps)
    *said, of_book = driven.gave[2::4]
    for (name, (_, told, untold)), text in zip(HEADERS.items(), said, strict=True):
        assert [words for words in told if words not in text] == [], name
        assert [words for words in untold if words in text] == [], name
    assert "表头看来在第 2 行" in of_book
