"""Work lists: what was written comes back; what was changed, made up or overtaken is not taken."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from exchange.base.errors import Halt
from exchange.register import Decision, Review, ReviewState
from exchange.review.case import CaseView
from exchange.review.worklist import HEADERS, Form, check_lines, list_key, parse_answers, read_list, write_list

KEY = list_key(b"a key")
Lines = list[dict[str, str]]


def case(row: int = 1, version: int = 1) -> CaseView:
    causes = ("identity",)
    review = Review(
        "court.b1", row, "220102", causes, ReviewState.OPEN, version, {}, None, None, None, None, None
    )  # fmt: skip
    return CaseView(
        review,
        claim={"row_ref": f"R{row}", "id_number": "22010220000615101X", "name": "=虚构"},
        answers={"identity": "under_review", "sex": "under_review"},
        proposal={"identity": "consistent", "sex": "inconsistent", "note": ""},
        people=pl.DataFrame({"key": [22010220000615101], "name": ["虚构"], "doubt": [True], "sex": [2]}),
        records=pl.DataFrame({"source": ["省警综平台"], "kind": ["judgment"]}),
    )


def seen(*cases: CaseView) -> dict[tuple[str, int], CaseView]:
    return {(each.review.batch, each.review.row): each for each in cases}


def lines_of(content: bytes) -> Lines:
    names = {header: name for name, header in HEADERS.items()}
    if content.startswith(b"PK"):
        head, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values
        return [{names[str(header)]: str(cell or "") for header, cell in zip(head, row, strict=True)} for row in rows]
    rows_ = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [{names[header]: cell for header, cell in row.items()} for row in rows_]


def saved(lines: Lines, form: Form) -> bytes:
    """As a spreadsheet saves it."""
    rows = [[line[name] for name in HEADERS] for line in lines]
    if form == "xlsx":
        book = openpyxl.Workbook()
        page = book.worksheets[0]
        for place, row in enumerate([list(HEADERS.values()), *rows], start=1):
            for column, text in enumerate(row, start=1):
                cell = page.cell(place, column, int(text) if text.isdigit() and len(text) < 10 else text)
                cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
        saved_book = io.BytesIO()
        book.save(saved_book)
        return saved_book.getvalue()
    plain = io.StringIO(newline="")
    csv.writer(plain).writerows([list(HEADERS.values()), *rows])
    return plain.getvalue().encode("utf-8-sig")


def filled(lines: Lines, **given: str) -> Lines:
    return [line | {"answers": "identity=consistent; sex=inconsistent", "reason": "archive"} | given for line in lines]


@pytest.fixture(params=["csv", "xlsx"])
def form(request: pytest.FixtureRequest) -> Form:
    found: Form = request.param
    return found


def test_what_an_officer_reads(form: Form) -> None:
    (line,) = lines_of(write_list([case()], KEY, form))
    assert line["causes"] == "身份存疑、重号或重户"
    assert line["claim"] == "业务编号 R1；公民身份号码 22010220000615101X；姓名 =虚构"
    assert line["register"].startswith("公民身份号码 22010220000615101")
    assert line["register"].endswith("姓名 虚构；身份存疑 是；性别 女")
    assert line["records"] == "数据来源 省警综平台；记录种类 人民法院生效有罪裁判"


def test_there_and_back(form: Form) -> None:
    cases = [case(1), case(2), case(3)]
    lines = lines_of(write_list(cases, KEY, form))
    lines = [*filled(lines[2:]), lines[1], *filled(lines[:1], reason="查阅户籍档案", note="已见户口簿")]
    found = check_lines(read_list(saved(lines, form)), seen(*cases), KEY)
    said = {"identity": "consistent", "sex": "inconsistent"}
    assert found == {"court.b1": [Decision(3, 1, said, "archive", None), Decision(1, 1, said, "archive", "已见户口簿")]}


def test_same_list_same_bytes(form: Form) -> None:
    assert write_list([case()], KEY, form) == write_list([case()], KEY, form)


Change = Callable[[Lines], Lines]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: filled(lines, claim="业务编号 R1；姓名 另一人"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, register=""), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, seal="0" * 64), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, row="2"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, row="7"), "line 2: this row is not in the queue of your office"),
        (lambda lines: filled(lines, row="eins"), "line 2: this row is not in the queue of your office"),
        (lambda lines: filled(lines, version="2"), "line 2: the row was changed since"),
        (lambda lines: filled([*lines[:1], *lines[:1]]), "line 3: the row stands twice"),
        (lambda lines: filled(lines, answers="identity"), "line 2: answers are written"),
        (lambda lines: filled(lines, answers="sex=consistent"), "line 2: identity: no answer"),
        (lambda lines: filled(lines, reason="because"), "line 2: no such reason"),
        (lambda lines: filled(lines, note="见22010220000615101X"), "line 2: a note has at most"),
    ],
)
def test_what_is_not_taken(form: Form, change: Change, problem: str) -> None:
    cases = [case(1), case(2)]
    lines = lines_of(write_list(cases, KEY, form))
    with pytest.raises(Halt, match=problem) as raised:
        check_lines(read_list(saved(change(lines), form)), seen(*cases), KEY)
    assert "2201022000" not in str(raised.value)


def test_a_row_that_changed_since(form: Form) -> None:
    lines = filled(lines_of(write_list([case()], KEY, form)))
    now = replace(case(), review=replace(case().review, version=2))
    with pytest.raises(Halt, match="changed since"):
        check_lines(read_list(saved(lines, form)), seen(now), KEY)


def test_another_offices_key(form: Form) -> None:
    lines = filled(lines_of(write_list([case()], list_key(b"another"), form)))
    with pytest.raises(Halt, match="not as it was written"):
        check_lines(read_list(saved(lines, form)), seen(case()), KEY)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b"PK\x03\x04 none"])
def test_what_is_no_list(content: bytes) -> None:
    with pytest.raises(Halt):
        read_list(content)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("identity=consistent; sex=inconsistent", {"identity": "consistent", "sex": "inconsistent"}),
        ("号码与姓名＝一致；性别＝不一致", {"identity": "consistent", "sex": "inconsistent"}),
        (" sex = consistent ", {"sex": "consistent"}),
    ],
)
def test_answers(text: str, answers: dict[str, str]) -> None:
    assert parse_answers(text) == answers
