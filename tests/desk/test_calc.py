"""Lists that the real LibreOffice saved: what is expected is stated here, and the desk and the office both say it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from tests.desk.calc import FILTERS, Sheet, Wide, saved
from tests.desk.conftest import Made
from tests.desk.node import checked
from tests.desk.test_dirty import TODAY, office

HEAD: Final = ("业务编号", "公民身份号码", "姓名", "性别", "出生日期")
FIRST: Final = ("A-1", "11010519491231002X", "张三", "女", date(1949, 12, 31))
SECOND: Final = ("A-2", "440524188001010014", "李四", "男", date(1980, 1, 1))
NOTE: Final = Sheet("说明", [["请填写第二张表"]])
UNKNOWN: Final = ("column_unknown", None, "#1")

CASES: Final[dict[str, tuple[list[Sheet], Any, Any]]] = {
    "sound": ([Sheet("名单", [HEAD, FIRST, SECOND])], [], []),
    "numbers": (
        [
            Sheet(
                "名单",
                [
                    HEAD,
                    (1, 110105194912310000, "张三", 2, 18263),
                    (2, 220102900307122, "王芳", 2, 19900307),
                    (3, "440524188001010014", "李四", 1, datetime(1980, 1, 1, 8, 30)),
                ],
            )
        ],
        [(1, "id_number", "id_number_scientific"), (2, "id_number", "id_from_15"), (3, "birth_date", "claim_format")],
        [(1, "id_number", "id_number_scientific"), (2, "id_number", "id_from_15")],  # CSV: as shown, without the hour
    ),
    "hidden": (
        [Sheet("名单", [HEAD, FIRST, ("A-2", "1", "李四", "男", None), SECOND], {2: "collapse"}, hidden_column=3)],
        hidden := [(2, "id_number", "id_number_format"), (2, "birth_date", "claim_missing")],
        hidden,
    ),
    "filtered": (
        [Sheet("名单", [HEAD, FIRST, ("A-2", "1", "李四", "男", None), SECOND], {2: "filter"})],
        hidden,
        hidden,
    ),
    "merged-rows": (
        [Sheet("名单", [HEAD, (Wide("A-1", rows=2), *FIRST[1:]), (None, *SECOND[1:]), ("A-3", *SECOND[1:])])],
        [(1, None, "row_merged"), (2, None, "row_merged")],
        [],  # CSV holds no trace of it
    ),
    "merged-title": (
        [Sheet("名单", [[Wide("某局核查名单", columns=5)], HEAD, FIRST])],
        ("header_merged", 0, None),
        UNKNOWN,
    ),
    "signed-below": (
        [Sheet("名单", [HEAD, FIRST, SECOND, [None] * 6 + ["制表人"]])],
        [(3, None, "row_fields")],
        [(3, None, "row_fields")],
    ),
    "note-first": ([NOTE, Sheet("名单", [HEAD, FIRST])], UNKNOWN, None),
    "note-behind": ([Sheet("名单", [HEAD, FIRST]), NOTE], [], []),
    "hidden-behind": ([Sheet("名单", [HEAD, FIRST]), Sheet("代码", [["1"]], hidden=True)], [], []),
    "blank-first": ([Sheet("Sheet1", []), Sheet("名单", [HEAD, FIRST])], ("data_empty", None, None), None),
    "blank-above": ([Sheet("名单", [[None], [None], HEAD, FIRST])], [], []),
    "head-alone": ([Sheet("名单", [HEAD])], ("no_rows", None, None), ("no_rows", None, None)),
}
"""Sheets; what is said of the workbook and of the CSV: findings, or a refusal (code, row, column); None: not asked."""


def test_what_libreoffice_saves_is_judged_as_stated_by_both(made: Made, tmp_path: Path) -> None:
    files = saved(tmp_path, {name: sheets for name, (sheets, _, _) in CASES.items()})
    assert len(files) == len(CASES) * len(FILTERS)
    expected = {
        (name, how): by_workbook if how == "xlsx" else by_csv
        for name, (_, by_workbook, by_csv) in CASES.items()
        for how in FILTERS
    }
    asked = [each for each in expected if expected[each] is not None]
    by_office = {(name, how): office(made, _ending(how), files[name, how]) for name, how in asked}
    by_desk = dict(zip(asked, _desk(made, tmp_path, [(how, files[name, how]) for name, how in asked]), strict=True))
    for said in (by_office, by_desk):
        assert {each: _said(found) for each, found in said.items()} == {each: expected[each] for each in asked}


def _ending(how: str) -> str:
    return "xlsx" if how == "xlsx" else "csv"


def _desk(made: Made, place: Path, files: Iterable[tuple[str, bytes]]) -> list[dict[str, Any]]:
    purposes = [
        {"code": each.code, "items": list(each.items), "unregistered_by": each.unregistered_by}
        for each in made.agreement.purposes
    ]
    limits = {"purposes": purposes, "maxRows": 99, "maxBytes": 10**6, "today": f"{TODAY:%Y%m%d}"}
    _, found = checked(
        place,
        [{"data": content, "isWorkbook": how == "xlsx", **limits} for how, content in files],
    )
    return found


def _said(found: dict[str, Any]) -> Any:
    if refusal := found["refusal"]:
        return refusal["code"], refusal["row"], refusal["column"]
    return [(each["row"], each["column"], each["code"]) for each in found["findings"]]
