"""Files as they come from counters, each spoiled in some ways: invented, seeded, the same each time."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import openpyxl

HEADER: Final = ["业务编号", "公民身份号码", "姓名", "性别", "出生日期", "户籍地址"]
SOUND: Final = [
    ["A-{}", "11010519491231002X", "张三", "女", "1949-12-31", "吉林省长春市南关区"],
    ["A-{}", "440524188001010014", "李四", "男", "18800101", "220102"],
    ["A-{}", "220102900307122", "王芳", "2", "1990年3月7日", "长春市"],
]
CELLS: Final[dict[int, list[str]]] = {
    0: ["", "\u200b", "重复", "A\ufffd", '="007"', "11010519491231002X"],
    1: [
        "", "2.20102E+17", "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002х", "110105 19491231 002x",
        "张三", "１", " ",
        "'11010519491231002X", '="11010519491231002X"', "110105194912310021", "110105194913310028", "1101051949123100",
        "810000199001011234", "110105299912310021", "440524-188001-010014", "4.5e3", "110105491231002",
    ],
    2: [
        "", " ", "张 三", "张\u3000三", "张3", "买买提•依明", "\ue81e山", "=张三", "O'Neill", "张？", "张" * 51,
        "\u3007", "'张三", "⼀", "𠮷野", "张三.", "•张三・", "·", "买买提ㆍ依明",
    ],
    3: ["", "男性", "F", "9", "x", "'1", "先生", "\u200b", "male", "２"],
    4: [
        "", "32878", "1990.1.5", "5/1/1990", "1990-02-30", "19900230", "1990-1-5 00:00:00", "1990－01－05", "90-1-5",
        "99999", "3653",
    ],
    5: ["", "不详", "220102001001", "南关区", "朝阳区", "中国吉林省", "999999", "220102人民大街1号", "ab", "’长春市"],
}  # fmt: skip
DATES_SHOWN: Final = ("yyyy-mm-dd", 'yyyy"年"m"月"', "mmm-yy", "yyyy", 'm"月"d"日"', "yyyy-mm-dd hh:mm")
ENCODINGS: Final = ("utf-8", "utf-8-sig", "gb18030", "gb18030", "utf-16", "big5")


def dirty_file(seed: int) -> tuple[str, bytes]:
    """(ending, content) of one file."""
    draw = random.Random(seed)  # noqa: S311
    rows = [[cell.format(at) for cell in draw.choice(SOUND)] for at in range(draw.choice([0, 1, 3, 8, 25]))]
    for row in rows:
        for _ in range(draw.choice([0, 0, 1, 2])):
            column = draw.randrange(len(HEADER))
            row[column] = draw.choice(CELLS[column])
    if draw.random() < 0.2:
        unknown = draw.choice(["无", "220104199003071000"])
        for row in rows:
            row[1] = unknown
    header = _header(draw, rows)
    if draw.random() < 0.2:
        header = _with_wordless_column(draw, header, rows)
    return ("xlsx", _workbook(draw, header, rows)) if draw.random() < 0.3 else ("csv", _csv(draw, header, rows))


def _header(draw: random.Random, rows: list[list[str]]) -> list[str]:
    """A header, with one thing odd about it now and then; the rows follow it."""
    odd: Callable[[], list[str]] = draw.choice(
        [
            lambda: HEADER,
            lambda: HEADER,
            lambda: ["row_ref", "ID_Number", " name ", "ｓｅｘ", "birth_date", "registered_address"],
            lambda: ["序号", "身份证号", "姓 名", "性别", "出生年月日", "户籍地"],
            lambda: [*HEADER[:5], "电话"],
            lambda: [*HEADER[:5], HEADER[3]],
            lambda: [*HEADER, "", " "],
            lambda: [f'="{word}"' for word in HEADER],
            lambda: [*HEADER[1:], "备注"],
        ]
    )
    header = odd()
    if draw.random() < 0.15:
        for row in rows:
            kind = draw.randrange(3)
            if kind == 0:
                row.pop()
            elif kind == 1:
                row.append("多")
    return header


def _with_wordless_column(draw: random.Random, header: list[str], rows: list[list[str]]) -> list[str]:
    """A column without a header somewhere, empty or with a text in some row."""
    place, text = draw.randrange(len(header) + 1), draw.choice(["", "\u3000", "1"])
    for row in rows:
        row.insert(place, draw.choice(["", text]))
    return [*header[:place], draw.choice(["", " "]), *header[place:]]


def _csv(draw: random.Random, header: list[str], rows: list[list[str]]) -> bytes:
    separator = draw.choice([",", ",", ",", ";", "\t", "|"])
    end = draw.choice(["\r\n", "\n"])
    lines = [header, *rows]
    for _ in range(draw.choice([0, 0, 1])):
        lines.insert(draw.randrange(1, len(lines) + 1), draw.choice([[""], ["", "", "", "", "", ""], ['a"b', "x"]]))
    of_rows = draw.choice([separator] * 9 + [",", ";", "|"])
    write = _quoted_behind_blanks if draw.random() < 0.05 else _line
    text = end.join(write(line, of_rows if at else separator) for at, line in enumerate(lines)) + draw.choice([end, ""])
    encoding = draw.choice(ENCODINGS)
    content = text.encode(encoding, "replace")
    return _spoiled(draw, content)


def _line(line: list[str], separator: str) -> str:
    return separator.join(_quoted(cell, separator) for cell in line)


def _quoted_behind_blanks(line: list[str], separator: str) -> str:
    return f"{separator} ".join(f'"{cell}"' for cell in line)


def _quoted(cell: str, separator: str) -> str:
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if separator in cell or cell.startswith('="') else cell


def _spoiled(draw: random.Random, content: bytes) -> bytes:
    kind = draw.randrange(12)
    if kind == 0 and content:
        place = draw.randrange(len(content))
        return content[:place] + bytes([draw.choice([0x80, 0xFF, 0x00, 0x22, 0xC4])]) + content[place:]
    if kind == 1:
        return content + "A-9,11010519491231002X,李雷,女,,\r\n".encode(draw.choice(["utf-8", "gb18030"]))
    if kind == 2:
        return b"sep=,\r\n" + content
    if kind == 4:
        return draw.choice([b"\r\n", b",,,\r\n", b" ;\t\n\n"]) + content
    return content + (b"\x1a" if kind == 3 else b"")


def _workbook(draw: random.Random, header: list[str], rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(header)
    for row in rows:
        sheet.append([_cell(draw, text) for text in row])
    for cell in (each for line in sheet.iter_rows() for each in line if isinstance(each.value, datetime)):
        cell.number_format = draw.choice(DATES_SHOWN)
    odd = draw.randrange(8)
    if odd == 0 and rows:
        sheet.merge_cells(start_row=2, end_row=3, start_column=2, end_column=3)
    elif odd == 1:
        sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=2)
    elif odd == 2:
        sheet.insert_rows(1)
    elif odd == 3:
        sheet.cell(row=2, column=9, value="在外")
    elif odd == 4:
        book.create_sheet("另一张", 0).sheet_state = "hidden"
    book.save(content := io.BytesIO())
    return content.getvalue()


def _cell(draw: random.Random, text: str) -> Any:
    """A text, or what a spreadsheet makes of it where nobody set the column to text."""
    if text.isascii() and text.isdigit() and draw.random() < 0.5:
        return int(text)
    if text == "1949-12-31" and draw.random() < 0.5:
        return draw.choice([datetime(1949, 12, 31), datetime(1949, 12, 1), datetime(1949, 1, 1)])
    return text if not text.startswith("=") else f"'{text}"
