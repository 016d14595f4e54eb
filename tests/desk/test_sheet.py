"""The sheet to print: one page of A4 on paper, and nothing on it that desk, guide or code do not say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import Expected
from exchange.base.paths import ROOT
from exchange.calendar.deadlines import WORKING_DAYS
from exchange.desk.sheet import sheet_page
from exchange.settings_sections import Policy
from exchange.wire.certificates import TOLD_DAYS
from tests.desk.browser import drive
from tests.desk.conftest import Made

GUIDE: Final = (ROOT / "docs" / "partner-guide.md").read_text(encoding="utf-8")
SHEET: Final = sheet_page()
A4: Final = (595, 842)
"""In points."""

OPENED: Final = """[document.documentElement.scrollWidth <= innerWidth,
    Math.min(...[...document.querySelectorAll("body *")].map((each) => parseFloat(getComputedStyle(each).fontSize)))]"""
SMALLEST: Final = 10
"""Pixels of the screen: 7.5 points."""


def longest(agreement: Agreement) -> Agreement:
    """As much as an agreement may hold that stands on the sheet."""
    days = {"day": 10, "counted_from": "end"}
    cycles = ("annual", "half_yearly", "quarterly", "monthly")
    sftp = agreement.sftp.model_copy(update={"host": "sftp.exchange-of-a-long-name.example.invalid", "port": 22022})
    return agreement.model_copy(
        update={
            "zh": "某某朝鲜族自治州人力资源和社会保障局社会保险事业管理局（虚构）",
            "stage": "test",
            "partner": "social-security-of-a-long-name",
            "cycles": tuple(WORKING_DAYS),
            "expected": tuple(Expected(cycle=each, **days) for each in cycles),
            "sftp": sftp,
        }
    )


@pytest.mark.parametrize("filled", ["nobody", "agreement", "longest", "expected"])
def test_it_is_one_page_of_a4(made: Made, tmp_path: Path, filled: str) -> None:
    most = longest(made.agreement)
    agreements = {"agreement": made.agreement, "longest": most, "expected": most.model_copy(update={"stage": "live"})}
    page, paper = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    page.write_text(sheet_page(agreements.get(filled), "0431-8888 0000 转 12345"), encoding="utf-8")
    driven = drive(
        page,
        tmp_path / "saved",
        {"do": "evaluate", "script": OPENED},
        {"do": "pdf", "to": str(paper)},
        {"do": "screenshot", "to": str(tmp_path / "sheet.png"), "full": True},
    )
    content = paper.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    (box,) = set(re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", content))
    assert tuple(round(float(each)) for each in box) == A4
    fits, smallest = driven.gave[0]
    assert fits
    assert smallest >= SMALLEST


def test_what_is_quoted_is_what_the_desk_says() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "desk" / "src" / "ui").glob("*.js"))
    quoted = re.findall("“([^”]+)”", SHEET)
    assert len(quoted) > 10
    assert [words for words in quoted if words not in sources] == []


ABOUT: Final = {
    "1 检查": "数据文件",
    "2 生成": "清单与签名",
    "3 上传": "上传",
    "4 回执": "回执",
    "5 结果": "读取结果",
    "6 补充结果": "读取结果",
    "第一天": "第一天",
    f"{Policy().incomplete_after_minutes} 分钟没有回执": "上传",
    "不服某行答复": "异议",
    f"证书到期前 {TOLD_DAYS[0]} 天": "更换密钥",
    "签名、指纹不对": "读取结果",
}
"""What a line of the sheet is about → a word in the heading of one of the guide's sections that it names."""


def test_each_line_leads_to_the_guides_section_about_it() -> None:
    headings = dict(re.findall(r"^## (\d+)\. (.+)$", GUIDE, re.MULTILINE))
    lines = re.findall(r'<th scope="row">([^<]+?) <span.*?<td class="n">([\d–、]+)</td></tr>', SHEET)
    assert [when for when, _ in lines] == list(ABOUT)
    for when, sections in lines:
        first, *rest = re.split("[–、]", sections)
        named = range(int(first), int(rest[-1]) + 1) if "–" in sections else map(int, (first, *rest))
        assert any(ABOUT[when] in headings[str(each)] for each in named), when


def test_an_agreements_sheet_says_its_values_and_no_others(made: Made) -> None:
    said = sheet_page(made.agreement, "0431-0000")
    sftp = made.agreement.sftp
    for value in (made.agreement.partner, made.agreement.zh, sftp.host, f"{sftp.port}、{sftp.username}", "0431-0000"):
        assert f"<b>{value}</b>" in said
    cycles = re.findall(r"<tr><th scope=\"row\">(年|半年|季|月|临时|异议) ", said)
    assert cycles == ["月", "临时", "异议"]
