"""Work lists: what was written comes back; what was changed, made up or overtaken is not taken."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import openpyxl
import polars as pl
import pytest
from openpyxl.utils import get_column_letter

from exchange.base.errors import Halt
from exchange.base.tables import ANSWERS, ITEMS
from exchange.matching.decide import IDENTITY_COLUMN
from exchange.register import Decision, Review, ReviewState
from exchange.review.case import CaseView
from exchange.review.decisions import allowed
from exchange.review.worklist import (
    NOT_OPEN,
    TEST,
    YES,
    check_lines,
    header_of,
    list_key,
    parse_answers,
    read_list,
    write_list,
)

KEY = list_key(b"a key")
Lines = list[dict[str, str]]
Form = Literal["csv", "xlsx"]
IDENTITY, SEX = header_of("identity"), header_of("sex")


def case(row: int = 1, version: int = 1) -> CaseView:
    causes = ("identity",)
    review = Review(
        "court.b1", row, "220102", causes, ReviewState.OPEN, version, {}, None, None, None, None, None
    )  # fmt: skip
    return CaseView(
        review,
        claim={"row_ref": f"R{row}", "id_number": "22010220000615101X", "name": "=虚构"},
        answers={"identity": "under_review", "sex": "under_review"},
        proposal={"identity": "consistent", "sex": "inconsistent", "note": "awaiting_approval"},
        people=pl.DataFrame({"key": [22010220000615101], "name": ["虚构"], "doubt": [True], "sex": [2]}),
        records=pl.DataFrame({"source": ["省警综平台"], "kind": ["judgment"]}),
    )


def checked(content: bytes, *cases: CaseView) -> dict[str, list[Decision]]:
    rows = {(each.review.batch, each.review.row): each for each in cases}
    reviews, open_ = {row: each.review for row, each in rows.items()}, {row: each.open for row, each in rows.items()}
    return check_lines(read_list(content), reviews, open_, KEY)


def lines_of(content: bytes) -> Lines:
    head, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values
    return [{str(header): str(cell or "") for header, cell in zip(head, row, strict=True)} for row in rows]


def saved(lines: Lines, form: Form) -> bytes:
    """As a spreadsheet saves it."""
    headers = list(lines[0])
    rows = [[line[header] for header in headers] for line in lines]
    if form == "xlsx":
        book = openpyxl.Workbook()
        page = book.worksheets[0]
        for place, row in enumerate([headers, *rows], start=1):
            for column, text in enumerate(row, start=1):
                cell = page.cell(place, column, int(text) if text.isdigit() and len(text) < 10 else text)
                cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
        saved_book = io.BytesIO()
        book.save(saved_book)
        return saved_book.getvalue()
    plain = io.StringIO(newline="")
    csv.writer(plain).writerows([headers, *rows])
    return plain.getvalue().encode("utf-8-sig")


def filled(lines: Lines, **given: str) -> Lines:
    """As an officer fills them in; ``given``: header → what stands there instead."""
    said = {IDENTITY: "一致", SEX: "不一致", "依据": "查阅户籍档案"}
    return [line | said | given for line in lines]


@pytest.fixture(params=["csv", "xlsx"])
def form(request: pytest.FixtureRequest) -> Form:
    found: Form = request.param
    return found


def test_nobody_in_a_tests_row_is_taken_for_real() -> None:
    of_test = replace(case(), is_test=True)
    (live,), (tested,) = lines_of(write_list([case()], KEY)), lines_of(write_list([of_test], KEY))
    assert tested["核实原因"] == f"{TEST}{live['核实原因']}"


def test_what_an_officer_reads() -> None:
    (line,) = lines_of(write_list([case()], KEY))
    assert line["核实原因"] == "身份存疑、重号或重户"
    assert line["核查内容"] == "业务编号 R1；公民身份号码 22010220000615101X；姓名 =虚构"
    assert line["登记情况"].startswith("公民身份号码 22010220000615101")
    assert line["登记情况"].endswith("姓名 虚构；身份存疑 是；性别 女")
    assert line["业务和违法犯罪记录"] == "数据来源 省警综平台；记录种类 人民法院生效有罪裁判"
    assert line["待定事项"] == "号码与姓名；性别"
    assert line["建议答复"] == "号码与姓名：一致；性别：不一致", "what may be decided, and no note"


def test_there_and_back(form: Form) -> None:
    cases = [case(1), case(2), case(3)]
    lines = lines_of(write_list(cases, KEY))
    lines = [*filled(lines[2:]), lines[1], *filled(lines[:1], 依据="archive", 备注="已见户口簿")]
    said = {"identity": "consistent", "sex": "inconsistent"}
    assert checked(saved(lines, form), *cases) == {
        "court.b1": [Decision(3, 1, said, "archive", None), Decision(1, 1, said, "archive", "已见户口簿")]
    }


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"照建议": YES}, {"identity": "consistent", "sex": "inconsistent"}),
        ({"照建议": YES, SEX: "一致"}, {"identity": "consistent", "sex": "consistent"}),
        ({"照建议": YES, IDENTITY: "库中无此号"}, {"identity": "no_such_number", "sex": "not_answered"}),
        ({IDENTITY: "号码与姓名不一致"}, {"identity": "name_disagrees", "sex": "not_answered"}),
    ],
)
def test_the_proposal_is_taken_as_it_stands_or_but_for_one(
    form: Form, given: dict[str, str], answers: dict[str, str]
) -> None:
    lines = [line | given | {"依据": "archive"} for line in lines_of(write_list([case()], KEY))]
    (decision,) = checked(saved(lines, form), case())["court.b1"]
    assert decision.answers == answers


def test_every_answer_that_may_be_decided_comes_back_by_its_word_and_by_the_proposal() -> None:
    for column in (IDENTITY_COLUMN, *[item for item in ITEMS if item not in ("id_number", "name")]):
        for code in allowed(column):
            one = replace(case(), answers={column: "under_review"}, proposal={column: code})
            (line,) = lines_of(write_list([one], KEY))
            for given in ({"照建议": YES}, {header_of(column): ANSWERS[code].zh}):
                (decision,) = checked(saved([line | given | {"依据": "archive"}], "csv"), one)["court.b1"]
                assert decision.answers == {column: code}


def test_a_cell_of_what_is_not_open_in_a_row_is_marked(form: Form) -> None:
    other = replace(case(2), answers={"identity": "consistent", "sex": "under_review"})
    first, second = lines_of(write_list([case(1), other], KEY))
    assert (first[IDENTITY], second[IDENTITY], second[SEX]) == ("", NOT_OPEN, "")
    lines = [*filled([first]), second | {SEX: "一致", "依据": "archive"}]
    said = checked(saved(lines, form), case(1), other)["court.b1"]
    assert said[1].answers == {"sex": "consistent"}


def test_same_list_same_bytes() -> None:
    assert write_list([case()], KEY) == write_list([case()], KEY)


def test_the_workbook_is_locked_but_for_the_officers_columns_and_offers_what_may_be_answered() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_list([case()], KEY)))
    page = book.worksheets[0]
    headers = {str(cell.value): get_column_letter(number) for number, cell in enumerate(page[1], start=1)}
    free = {header for header, letter in headers.items() if not page[f"{letter}2"].protection.locked}
    assert page.protection.sheet
    assert free == {"照建议", IDENTITY, SEX, "依据", "备注"}
    offered = {str(check.sqref)[0]: check.formula1 for check in page.data_validations.dataValidation}
    assert offered[headers[SEX]] == '"一致,不一致"'
    assert offered[headers["照建议"]] == f'"{YES}"'
    hidden = [range(each.min or 0, (each.max or 0) + 1) for each in page.column_dimensions.values() if each.hidden]
    assert [list(headers)[number - 1] for numbers in hidden for number in numbers] == ["版本", "校验"]
    assert (page.page_setup.orientation, page.page_setup.paperSize, page.print_title_rows) == ("landscape", 9, "$1:$1")


def test_a_drop_down_holds_at_most_what_the_format_can() -> None:
    for column in (IDENTITY_COLUMN, *ITEMS):
        words = [ANSWERS[code].zh for code in allowed(column)]
        assert len(",".join(words)) <= 255
        assert not any(set(word) & set(",；：") for word in words)


Change = Callable[[Lines], Lines]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: filled(lines, 核查内容="业务编号 R1；姓名 另一人"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 登记情况=""), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 建议答复="性别：一致"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 校验="0" * 64), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 行号="2"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 行号="9" * 300), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 行号="eins"), "line 2: the line is not as it was written"),
        (lambda lines: filled(lines, 版本="2"), "line 2: the line is not as it was written"),
        (lambda lines: filled([*lines[:1], *lines[:1]]), "line 3: the row stands twice"),
        (lambda lines: filled(lines, **{IDENTITY: ""}), "line 2: identity: no answer"),
        (lambda lines: filled(lines, **{SEX: "不详"}), "line 2: sex: this cannot be decided"),
        (lambda lines: filled(lines, 照建议="否"), "line 2: 照建议"),
        (lambda lines: filled(lines, 依据="because"), "line 2: no such reason"),
        (lambda lines: filled(lines, 备注="见22010220000615101X"), "line 2: a note has at most"),
    ],
)
def test_what_is_not_taken(form: Form, change: Change, problem: str) -> None:
    cases = [case(1), case(2)]
    lines = lines_of(write_list(cases, KEY))
    with pytest.raises(Halt, match=problem) as raised:
        checked(saved(change(lines), form), *cases)
    assert "2201022000" not in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(form: Form) -> None:
    cases = [case(1), case(2), case(3)]
    first, second, third = lines_of(write_list(cases, KEY))
    lines = [*filled([first], 依据="because"), *filled([second]), *filled([third], **{SEX: "男"})]
    with pytest.raises(Halt) as raised:
        checked(saved(lines, form), *cases)
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == ["line 2", "line 4"]


def test_a_row_of_another_office(form: Form) -> None:
    lines = filled(lines_of(write_list([case(1), case(2)], KEY)))
    with pytest.raises(Halt, match="line 3: this row is not in the queue of your office"):
        checked(saved(lines, form), case(1))


def test_a_row_that_changed_since(form: Form) -> None:
    lines = filled(lines_of(write_list([case()], KEY)))
    now = replace(case(), review=replace(case().review, version=2))
    with pytest.raises(Halt, match="changed since"):
        checked(saved(lines, form), now)


def test_another_offices_key(form: Form) -> None:
    lines = filled(lines_of(write_list([case()], list_key(b"another"))))
    with pytest.raises(Halt, match="not as it was written"):
        checked(saved(lines, form), case())


def test_what_holds_people_is_not_in_the_names_of_the_workbooks_parts() -> None:
    with zipfile.ZipFile(io.BytesIO(write_list([case()], KEY))) as book:
        assert not any("虚构" in name for name in book.namelist())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b"PK\x03\x04 none"])
def test_what_is_no_list(content: bytes) -> None:
    with pytest.raises(Halt):
        read_list(content)


def test_a_workbook_two_of_whose_columns_have_one_name() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_list([case()], KEY)))
    book.worksheets[0]["B1"] = book.worksheets[0]["A1"].value
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Halt, match="other columns than the one that was written"):
        read_list(content.getvalue())


@pytest.mark.parametrize("text", ["", "identity", "identity=consistent; sex", "一致"])
def test_what_are_no_answers(text: str) -> None:
    with pytest.raises(Halt, match="answers are written column=answer"):
        parse_answers(text)


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
