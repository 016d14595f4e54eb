"""Lists as Excel, LibreOffice and WPS save them, written by hand, with what is to be said of them.

Rules
- What is expected is stated here, from the partner guide's second section, never by the software that is
  tested with it.
- The same bytes each time: archives are not packed, and say one day.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import escape

_KIND: Final = "application/vnd.openxmlformats"
_DAY: Final = (2000, 1, 1, 0, 0, 0)
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = ("业务编号", "公民身份号码", "姓名", "性别", "出生日期")
_FIRST: Final = ("A-1", "11010519491231002X", "张三", "女", "1949-12-31")
_SECOND: Final = ("A-2", "440524188001010014", "李四", "男", "1880-01-01")
_TWO: Final = ("utf-8", "utf-8", "gb18030")
"""The encodings of header and rows of a list that was pasted together."""

ITEMS: Final = ("id_number", "name", "sex", "birth_date")


@dataclass(frozen=True)
class Saved:
    """A file, and either its ``findings`` (data row, column or None for the row as a whole, code) or its ``refusal``
    (code, row, column).
    """

    zh: str
    en: str
    form: str
    content: bytes
    rows: int = 2
    findings: Sequence[tuple[int, str | None, str]] = ()
    refusal: Mapping[str, Any] = field(default_factory=dict)


def cell(place: str, text: str) -> str:
    """A cell whose text stands in it."""
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def number(place: str, value: str, style: int = 0) -> str:
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def line(at: int, texts: Sequence[str]) -> str:
    return row(at, *(cell(f"{'ABCDE'[place]}{at}", text) for place, text in enumerate(texts)))


def row(at: int, *cells: str, more: str = "") -> str:
    return f'<row r="{at}"{more}>{"".join(cells)}</row>'


def book(*rows: str, behind: str = "", hidden: str = "", shared: Sequence[str] = ()) -> bytes:
    """A workbook with one sheet of these rows; ``hidden``: the rows of a hidden one before it. Style 1 is a date."""
    sheets = [hidden, "".join(rows)] if hidden else ["".join(rows)]
    states = [' state="hidden"', ""] if hidden else [""]
    named = "".join(
        f'<sheet name="Sheet{at}" sheetId="{at}"{state} r:id="rId{at}"/>' for at, state in enumerate(states, 1)
    )
    links = "".join(_link(at, "worksheet", f"worksheets/sheet{at}.xml") for at in range(1, len(sheets) + 1))
    texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="{_KIND}-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}-officedocument.spreadsheetml.sheet.main+xml"/>'
        "</Types>",
        "_rels/.rels": _relationships(_link(1, "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships(
            links + _link(8, "styles", "styles.xml") + _link(9, "sharedStrings", "sharedStrings.xml")
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{texts}</sst>',
    }
    for at, content in enumerate(sheets, 1):
        after = behind if at == len(sheets) else ""
        parts[f"xl/worksheets/sheet{at}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{content}</sheetData>{after}</worksheet>'
        )
    with zipfile.ZipFile(archive := io.BytesIO(), "w", zipfile.ZIP_STORED) as files:
        for name, text in parts.items():
            files.writestr(zipfile.ZipInfo(name, _DAY), f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return archive.getvalue()


def _link(at: int, kind: str, to: str) -> str:
    return f'<Relationship Id="rId{at}" Type="{_LINKS}/{kind}" Target="{to}"/>'


def _relationships(links: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _text(separator: str = ",") -> str:
    return "".join(f"{separator.join(texts)}\r\n" for texts in (_HEAD, _FIRST, _SECOND))


def saved() -> Iterator[Saved]:
    """All of them, in an order that only grows at its end."""
    head, first, second = line(1, _HEAD), line(2, _FIRST), line(3, _SECOND)
    born = [*(cell(f"{letter}2", text) for letter, text in zip("ABCD", _FIRST, strict=False)), number("E2", "18263", 1)]
    bare = "".join(row(at, f'<c r="A{at}" s="1"/>', f'<c r="B{at}" s="1"/>') for at in range(4, 60))
    pointers = "".join(f'<c r="{letter}1" t="s"><v>{at}</v></c>' for at, letter in enumerate("ABCDE"))
    merged = '<mergeCells count="1"><mergeCell ref="{}"/></mergeCells>'.format

    yield Saved("CSV，UTF-8 带 BOM", "CSV in UTF-8 with its mark", "csv", _text().encode("utf-8-sig"))
    yield Saved("CSV，GB18030", "CSV in GB18030", "csv", _text().encode("gb18030"))
    yield Saved(
        "“Unicode 文本”，UTF-16、制表符",
        "Unicode text: UTF-16 and tabs",
        "csv",
        b"\xff\xfe" + _text("\t").encode("utf-16-le"),
    )
    yield Saved("分号分隔的 CSV", "CSV with semicolons", "csv", _text(";").encode("utf-8-sig"))
    yield Saved(
        "CSV，号码成了科学计数法",
        "CSV, the number in scientific notation",
        "csv",
        _text().replace("440524188001010014", "4.40524E+17").encode("gb18030"),
        findings=[(2, "id_number", "id_number_scientific")],
    )
    yield Saved("XLSX，文本直接写在格内", "a workbook with its texts in the cells", "xlsx", book(head, first, second))
    yield Saved(
        "XLSX，共用文本、日期格、表下有格式的空行",
        "a workbook with shared texts, a date, styled rows without text below",
        "xlsx",
        book(row(1, pointers), row(2, *born), second, bare, shared=_HEAD),
    )
    yield Saved(
        "XLSX，18 位号码存为数字",
        "a workbook with a number of 18 digits kept as a number",
        "xlsx",
        book(
            head,
            row(
                2,
                cell("A2", "A-1"),
                number("B2", "1.1010519491231E+17"),
                cell("C2", "张三"),
                cell("D2", "女"),
                number("E2", "18263"),
            ),
            second,
        ),
        findings=[(1, "id_number", "id_number_scientific")],
    )
    yield Saved(
        "XLSX，15 位号码存为数字，无损",
        "a workbook with a number of 15 digits kept as a number: nothing is lost",
        "xlsx",
        book(
            head,
            row(
                2,
                number("A2", "1"),
                number("B2", "220102900307122"),
                cell("C2", "王芳"),
                cell("D2", "女"),
                number("E2", "32939", 1),
            ),
            second,
        ),
        findings=[(1, "id_number", "id_from_15")],
    )
    yield Saved(
        "XLSX，隐藏的表在前：读第一个可见的",
        "a workbook with a hidden sheet in front: the first that is shown is read",
        "xlsx",
        book(head, first, second, hidden=line(1, ("说明",))),
    )
    yield Saved(
        "XLSX，公式取其上次的结果",
        "a workbook with a formula: what it last gave",
        "xlsx",
        book(
            head,
            row(
                2,
                '<c r="A2" t="str"><f>"A-"&amp;1</f><v>A-1</v></c>',
                *(cell(f"{letter}2", text) for letter, text in zip("BCDE", _FIRST[1:], strict=True)),
            ),
            second,
        ),
    )
    yield Saved(
        "XLSX，隐藏的行照样算",
        "a workbook with a hidden row, which counts",
        "xlsx",
        book(head, first, line(3, _SECOND).replace("<row ", '<row hidden="1" ')),
    )
    yield Saved(
        "XLSX，数据行有合并的格",
        "a workbook with merged cells in a row",
        "xlsx",
        book(head, first, second, behind=merged("C3:D3")),
        findings=[(2, None, "row_merged")],
    )
    yield Saved(
        "XLSX，表头上有合并的标题",
        "a workbook with a merged title above its header",
        "xlsx",
        book(line(1, ["名单"]), line(2, _HEAD), line(3, _FIRST), behind=merged("A1:E1")),
        rows=1,
        refusal={"code": "header_merged", "row": 0},
    )
    yield Saved(
        "XLSX，多一列",
        "a workbook with a column too many",
        "xlsx",
        book(
            row(1, *(cell(f"{'ABCDE'[at]}1", text) for at, text in enumerate(_HEAD)), cell("F1", "电话")), first, second
        ),
        refusal={"code": "column_unknown", "column": "#6"},
    )
    yield Saved(
        "XLSX，只有表头", "a workbook with a header alone", "xlsx", book(head), rows=1, refusal={"code": "no_rows"}
    )
    yield Saved(
        "XLSX，行数与清单不符",
        "a workbook with another number of rows than stated",
        "xlsx",
        book(head, first, second),
        rows=3,
        refusal={"code": "row_count", "row": 2, "column": "rows"},
    )
    yield Saved("空文件", "an empty file", "csv", b"", rows=1, refusal={"code": "data_empty"})
    yield Saved(
        "名为 CSV 的工作簿",
        "a workbook that is named .csv",
        "csv",
        book(head, first, second),
        refusal={"code": "csv_is_workbook"},
    )
    yield Saved(
        "名为 XLSX 的 CSV", "a CSV that is named .xlsx", "xlsx", _text().encode(), refusal={"code": "workbook_format"}
    )

    # What a list becomes on its way: pasted, printed, encrypted before, cut off.
    yield Saved(
        "CSV，表头上有标题行",
        "CSV with a title above its header",
        "csv",
        ("2026年11月核查名单,,,,\r\n" + _text()).encode("utf-8-sig"),
        refusal={"code": "column_unknown", "column": "#1"},
    )
    yield Saved(
        "CSV，两行表头：第二行算作数据行，不予核查",
        "CSV with two header lines: the second is a row, and is not answered",
        "csv",
        _text().replace("\r\n", "\r\n编号,证件号码,名字,性别,生日\r\n", 1).encode("utf-8-sig"),
        rows=3,
        findings=[
            (1, "id_number", "id_number_format"),
            (1, "sex", "claim_format"),
            (1, "birth_date", "claim_format"),
        ],
    )
    yield Saved(
        "CSV，全角数字、号码前后有空格、日期用点：自动规范",
        "CSV with full-width digits, blanks about the number, dots in the day: evened out",
        "csv",
        _text()
        .replace("440524188001010014", "４４０５２４１８８００１０１００１４")
        .replace("11010519491231002X", " 11010519491231002x ")
        .replace("1949-12-31", "1949.12.31")
        .encode("gb18030"),
        findings=[(1, "id_number", "id_repaired"), (2, "id_number", "id_repaired")],
    )
    yield Saved(
        "CSV，末尾有说明行",
        "CSV with a line of notes at its end",
        "csv",
        (_text() + "制表人：某某,,,,\r\n").encode("utf-8-sig"),
        rows=3,
        findings=[
            (3, "id_number", "id_number_missing"),
            (3, "name", "name_missing"),
            (3, "sex", "claim_missing"),
            (3, "birth_date", "claim_missing"),
        ],
    )
    yield Saved("名为 CSV 的 PDF", "a PDF that is named .csv", "csv", b"%PDF-1.4\n%\n", refusal={"code": "csv_is_pdf"})
    yield Saved(
        "加密了两次的文件",
        "a file that was encrypted twice",
        "csv",
        b"-----BEGIN CMS-----\nMIAGCSqGSIb3DQEHA6CAMIACAQAxggF\n-----END CMS-----\n",
        refusal={"code": "data_still_sealed"},
    )
    yield Saved(
        "CSV，末行引号不成对：该行不予核查",
        "CSV whose last row lacks a quotation mark: the row is not answered",
        "csv",
        _text().replace("李四", '"李四').encode("utf-8-sig"),
        findings=[(2, None, "row_fields")],
    )
    yield Saved(
        "CSV，含 NUL 字节",
        "CSV with a NUL byte",
        "csv",
        _text().replace("李四", "李\0四").encode("utf-8-sig"),
        refusal={"code": "nul_byte", "row": 2},
    )
    yield Saved(
        "CSV，两种编码",
        "CSV in two encodings",
        "csv",
        b"".join(text.encode(form) for text, form in zip(_text().splitlines(True), _TWO, strict=True)),
        refusal={"code": "mixed_encoding", "row": 2},
    )
    yield Saved(
        "CSV，业务编号全部为空",
        "CSV with no reference in any row",
        "csv",
        _text().replace("A-1", "").replace("A-2", "").encode("utf-8-sig"),
        refusal={"code": "row_refs_empty", "column": "row_ref"},
    )
    yield Saved(
        "CSV，各列填错了位置",
        "CSV whose columns hold each other's values",
        "csv",
        (_text() + "".join(f"B-{at},某某,11010519491231002X,女,1949-12-31\r\n" for at in range(40))).encode(
            "utf-8-sig"
        ),
        rows=42,
        refusal={"code": "rows_unreadable"},
    )
    yield Saved(
        "XLSX，一格中贴入了整篇文字",
        "a workbook with a whole text in a cell",
        "xlsx",
        book(head, line(2, (*_FIRST[:2], "文" * 4097, *_FIRST[3:])), second),
        refusal={"code": "line_too_long", "row": 1},
    )
