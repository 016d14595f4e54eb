"""Over hundreds of spoiled files the desk says what ``exchange request check`` says: the same refusal, the same
findings, row by row and column by column.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import xlsxwriter

from exchange.base.errors import Refused
from exchange.cli.request import _record
from exchange.steps.check import CheckResult, reading_by_header
from exchange.validate.encoding import to_utf8
from tests.desk.conftest import Made
from tests.desk.dirty import dirty_file
from tests.desk.node import checked
from tests.desk.office import said_by_office
from tests.validate.test_encoding import OTHERS
from tests.validate.test_familiar import WRITTEN
from tests.validate.workbooks import SHARED, SHEET, SOUND, altered, book_of_shared_texts, without

FILES: Final = 400
TODAY: Final = date(2026, 11, 28)


def office(made: Made, ending: str, content: bytes) -> dict[str, Any]:
    """As ``exchange request check --json`` prints it."""
    try:
        reading = reading_by_header(made.agreement, content, is_workbook=ending == "xlsx")
        return said_by_office(content, reading, TODAY)
    except Refused as refusal:
        return _record(CheckResult((), 0, (), refusal))


def of_names(*names: str) -> str:
    return "row_ref,id_number,name\n" + "".join(f"R{n},11010519491231002X,{name}\n" for n, name in enumerate(names))


RARE_AND_UTF8: Final = ["司蟹", "全脧", "溪螁", "泰坦蓡", "石聻", "孝褤", "园訉", "珊膧"]
NEXT_DOOR: Final = [
    (["陳建宏", "林怡君"], "big5"),
    (["김민수", "이영희"], "cp949"),
    (["佐藤健一", "鈴木さくら"], "cp932"),
    (["佐藤健一", "鈴木さくら"], "euc_jp"),
]
MARKED: Final = [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (b"\x84\x31\x95\x33", "gb18030")]
ENCODED: Final = [
    of_names("蕭贇", "談訓").encode("gbk"),
    of_names("蕭贇").encode(),
    *(of_names("李四", "王芳").encode() + f"R9,,{name}\n".encode("gbk") for name in ("郑伟", "谢瑾昇", "陈丽")),
    *(of_names("李四", "王芳").encode("gbk") + f"R9,,{name}\n".encode() for name in ("张三", "谢瑾昇", "谷纪")),
    *(mark + of_names("河港").encode(encoding) for mark, encoding in MARKED),
    *(mark + of_names("李四", "王芳").encode("gbk") for mark, _ in MARKED),
    of_names("李四", "王芳", "赵丽").replace("\n", "\r", 3).encode("gb18030"),
    of_names("李四", "王芳", "赵丽").replace("\n", "\r", 3).encode(),
    of_names(*["李四", "王芳"] * 4, "José Müller", "Günlü", "Ööpik", "Иван", "買買提·依明").encode(),
    of_names(*["李四", "王芳"] * 4, *WRITTEN).encode(),
    *(of_names("李四", "王芳").encode() + f"R9,,{name}\n".encode("gbk") for name in RARE_AND_UTF8),
    of_names("李四", "王芳", "X", "\u3000", "XX", "张三").encode("gbk").replace(b"X", b"\xa3\xa0"),
    *(of_names(*names * times).encode(encoding) for names, encoding in NEXT_DOOR for times in (1, 3, 12)),
]
"""Files that are valid in both encodings, or have lines that are."""

PARTED: Final = [
    *(of_names("李四").replace(",", f"{sign},").replace("\n", f"{sign}\n").encode() for sign in "\t;"),
    '"",业务编号,公民身份号码,姓名\n"",R1,11010519491231002X,李四\n'.replace(",", "，").encode(),
    b'""|""|""\n',
    *(
        f'{mark}"row_ref", "id_number", "name"\n"R1",\u3000"",{mark}"李四"{mark}\n'.encode()
        for mark in "\n\ufeff\u200b"
    ),
]
"""Files with another separator behind each cell, behind empty ones in quotation marks, or with quotation marks behind
blanks and marks.
"""


def test_the_desk_judges_as_the_office_does(made: Made, tmp_path: Path) -> None:
    judged_alike(made, tmp_path, [dirty_file(seed) for seed in range(FILES)], reasons=8)


def test_the_desk_tells_encodings_as_the_office_does(made: Made, tmp_path: Path) -> None:
    judged_alike(made, tmp_path, [("csv", content) for content in (*ENCODED, *PARTED)], reasons=1)


OBJECTIONS: Final = [
    f"{head}\n{row}\n".encode()
    for head in ("业务编号,异议说明", "row_ref,statement", "异议说明,序号", "业务编号,异议说明,姓名", "异议说明")
    for row in ("1,2", "1,", ",", "1,2,3")
]


def test_the_desk_tells_an_objection_as_the_office_does(made: Made, tmp_path: Path) -> None:
    judged_alike(made, tmp_path, [("csv", content) for content in OBJECTIONS], reasons=3)


def test_the_desk_tells_what_is_no_list_as_the_office_does(made: Made, tmp_path: Path) -> None:
    others = [(ending, content) for content, _ in OTHERS for ending in ("csv", "xlsx")]
    sound = book_of_shared_texts(SOUND)
    left_out = [("xlsx", without(sound, part)) for part in ("xl/styles.xml", SHARED, SHEET)]
    judged_alike(made, tmp_path, others + left_out, reasons=3)


def test_the_desk_tells_a_damaged_workbook_as_the_office_does(made: Made, tmp_path: Path) -> None:
    """A byte of what was packed, which only the part's check sum tells; a part in an encoding that it does not say."""
    sound = book_of_shared_texts(SOUND)
    damaged = [altered_byte(sound, part) for part in (SHARED, SHEET, "xl/workbook.xml", "_rels/.rels", "xl/styles.xml")]
    parts = (SHARED, SHEET, "xl/workbook.xml")
    other = [altered(sound, part, lambda text: text.decode().encode("utf-16")) for part in parts]
    judged_alike(made, tmp_path, [("xlsx", content) for content in (sound, *damaged, *other)], reasons=1)


def test_the_desk_refuses_a_cell_that_stands_twice_as_the_office_does(made: Made, tmp_path: Path) -> None:
    def doubled(cell: str) -> bytes:
        twin = f'<c r="{cell}2" t="inlineStr"><is><t>1</t></is></c></row></sheetData>'.encode()
        return altered(book_of_shared_texts(SOUND), SHEET, lambda part: part.replace(b"</row></sheetData>", twin))

    judged_alike(made, tmp_path, [("xlsx", doubled(cell)) for cell in ("A", "B", "D", "E")], reasons=1)


@pytest.mark.parametrize("from_1904", [False, True])
def test_the_desk_counts_days_as_the_office_does(made: Made, tmp_path: Path, *, from_1904: bool) -> None:
    """Of a bare number the desk cannot be wrong but at the borders of what is a day."""

    def counted(serial: int) -> bytes:
        content = io.BytesIO()
        with xlsxwriter.Workbook(content, {"in_memory": True, "date_1904": from_1904}) as made:
            sheet = made.add_worksheet()
            sheet.write_row(0, 0, ["row_ref", "id_number", "name", "birth_date"])
            sheet.write_row(1, 0, ["R1", "11010519491231002X", "李四", serial])
        return content.getvalue()

    serials = (2015, 2191, 2192, 3653, 3654, 31538, 71588, 71589, 73050, 73051)
    judged_alike(made, tmp_path, [("xlsx", counted(serial)) for serial in serials], reasons=0)


def altered_byte(content: bytes, part: str) -> bytes:
    """The workbook with one byte changed in what a part unpacks to, where nothing is packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        text = old.read(part)
    return out.getvalue().replace(text, text[:-2] + b" " + text[-1:], 1)


@pytest.mark.parametrize("stated", ["utf-8", "gb18030"])
def test_and_where_one_is_stated(stated: str, tmp_path: Path) -> None:
    asked = {"isWorkbook": False, "encoding": stated, "items": [], "purposes": [], "maxRows": 99, "maxBytes": 9999}
    _, found = checked(tmp_path, [{**asked, "data": content, "today": f"{TODAY:%Y%m%d}"} for content in ENCODED])
    assert [seen["refusal"] for seen in found] == [refusal_of(content, stated) for content in ENCODED]


def refusal_of(content: bytes, stated: str) -> dict[str, Any] | None:
    try:
        to_utf8(content, stated)
    except Refused as refusal:
        return {"code": refusal.code, "row": refusal.row, "column": refusal.column}
    return None


def judged_alike(made: Made, tmp_path: Path, files: list[tuple[str, bytes]], *, reasons: int) -> None:
    """The files are refused for more ``reasons`` than these."""
    purposes = [
        {"code": each.code, "items": list(each.items), "unregistered_by": each.unregistered_by}
        for each in made.agreement.purposes
    ]
    limits = {"maxRows": made.agreement.limits.max_rows, "maxBytes": made.agreement.limits.max_bytes}
    asked = [
        {"data": content, "isWorkbook": ending == "xlsx", "purposes": purposes, "today": f"{TODAY:%Y%m%d}", **limits}
        for ending, content in files
    ]
    _, found = checked(tmp_path, asked)
    refused, differ = set(), {}
    for seed, ((ending, content), seen) in enumerate(zip(files, found, strict=True)):
        said = office(made, ending, content)
        refused.add(said["refusal"]["code"] if said["refusal"] else None)
        if {key: said[key] for key in ("refusal", "findings")} != {key: seen[key] for key in ("refusal", "findings")}:
            differ[seed] = (said, seen)
    assert not differ, f"{len(differ)} of {len(files)}: {dict(list(differ.items())[:3])}"
    assert len(refused) > reasons, "the files are refused for many reasons"
