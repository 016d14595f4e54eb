"""The template, filled in as a partner would: what was typed comes through the real steps."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from exchange import pipeline
from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.tables import ITEMS
from exchange.base.xlsx import MAX_SHEET_ROWS
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.output.template import DATA_SHEET, HANDOVER_SHEET, NOTES_SHEET, write_template
from exchange.validate.columns import columns_for, read_header

ASKED = ("id_number", "name", "sex", "birth_date", "ethnicity")


@pytest.fixture
def agreement(app: App) -> Agreement:
    return app.agreement(PARTNERS[1].id)


def made(agreement: Agreement, items: tuple[str, ...] = ASKED) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(written(agreement, items)))


def written(agreement: Agreement, items: tuple[str, ...] = ASKED) -> bytes:
    purpose = agreement.purpose("enrolment")
    assert purpose is not None
    return write_template(agreement, purpose, items)


def sheet_of(book: openpyxl.Workbook, name: str) -> Worksheet:
    sheet = book[name]
    assert isinstance(sheet, Worksheet)
    return sheet


def test_a_filled_template_is_answered(
    app: App, education: DemoPartner, agreement: Agreement, people: pl.DataFrame
) -> None:
    chosen = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(2).to_dicts()
    book = made(agreement)
    for number, person in enumerate(chosen, start=1):
        born = person["birth_date"] if number == 1 else "1850-01-01"
        sheet_of(book, DATA_SHEET).append(
            [f"A-{number}", person["id_number"], person["name"], "男女"[int(person["sex"]) - 1], born, "汉族"]
        )
        sheet_of(book, DATA_SHEET).cell(number + 1, 6).value = person["ethnicity"]
    sheet_of(book, HANDOVER_SHEET)["B11"] = "经办人（虚构）"
    content = io.BytesIO()
    book.save(content)
    request = Request(
        f"{education.id}.template",
        "quarterly",
        "2026-Q4",
        "enrolment",
        "义务教育法第十二条",
        ASKED,
        2,
        content.getvalue(),
        form="xlsx",
    )
    education.drop(education.make_set(request))
    assert request.batch in poll(app).waiting
    assert pipeline.run(app, request.batch)
    result = education.result(request.batch)
    assert result.manifest["plain"]["name"] == f"{request.batch}.result.xlsx"
    answers = openpyxl.load_workbook(io.BytesIO(result.data))
    rows = [list(row) for row in sheet_of(answers, "核查结果").iter_rows(values_only=True)]
    yes = "一致"
    assert [[row[0], *row[3:]] for row in rows[1:]] == [
        ["A-1", yes, None, yes, yes, yes, yes, yes],
        ["A-2", yes, None, yes, yes, yes, "不一致", yes],
    ]
    notes = [row[:3] for row in sheet_of(answers, "说明").iter_rows(values_only=True)]
    assert ("批次号 batch", request.batch, None) in notes
    assert ("出生日期 birth_date", "不一致 inconsistent", "1") in notes


def test_the_data_sheet_is_the_first_and_has_the_columns_asked(agreement: Agreement) -> None:
    book = made(agreement)
    assert book.sheetnames[:3] == [DATA_SHEET, HANDOVER_SHEET, NOTES_SHEET]
    header = [str(cell.value) for cell in sheet_of(book, DATA_SHEET)[1]]
    assert read_header(header, ASKED) == [column.code for column in columns_for(ASKED)]
    assert sheet_of(book, DATA_SHEET).freeze_panes == "A2"


def test_every_column_is_text_to_the_last_row(agreement: Agreement) -> None:
    sheet = sheet_of(made(agreement), DATA_SHEET)
    shared = sheet.column_dimensions["A"]  # one entry for all of them
    assert (shared.min, shared.max) == (1, len(columns_for(ASKED)))
    assert sheet.column_dimensions["A"].number_format == "@"


def test_lists_hints_and_checks(agreement: Agreement) -> None:
    book = made(agreement)
    checks = {str(check.sqref): check for check in sheet_of(book, DATA_SHEET).data_validations.dataValidation}
    last = MAX_SHEET_ROWS + 1
    assert checks[f"D2:D{last}"].type == "list"
    assert checks[f"D2:D{last}"].formula1 == "值!$A$1:$A$2"
    assert checks[f"B2:B{last}"].formula1 == "OR(LEN(B2)=15,LEN(B2)=18)"
    values = sheet_of(book, "值")
    assert values.sheet_state == "hidden"
    assert [cell.value for cell in values["B"]][:2] == ["汉族", "蒙古族"]
    for check in checks.values():
        assert check.errorStyle == "warning"
        assert len(str(check.promptTitle)) <= 32
        assert 0 < len(str(check.prompt)) <= 255


def test_the_handover_sheet_names_the_agreement(agreement: Agreement) -> None:
    sheet = sheet_of(made(agreement), HANDOVER_SHEET)
    filled = {str(row[0]).split(" ")[0]: row[1] for row in sheet.iter_rows(values_only=True)}
    assert filled["会商协议编号"] == agreement.number
    assert filled["法律依据"] == "义务教育法第十二条"
    assert filled["核查事项"] == "公民身份号码、姓名、性别、出生日期、民族"
    assert filled["行数"] == f"=COUNTA(核查数据!A2:A{MAX_SHEET_ROWS + 1})"
    assert {"批次号", "期间", "介绍信编号", "经办人", "移交人签名、日期", "接收人签名、日期"} <= set(filled)


def test_the_same_agreement_gives_the_same_bytes(agreement: Agreement) -> None:
    assert written(agreement) == written(agreement)


def test_a_template_for_every_item(agreement: Agreement) -> None:
    """Also for items without a hint of their own."""
    header = [str(cell.value) for cell in sheet_of(made(agreement, tuple(ITEMS)), DATA_SHEET)[1]]
    assert read_header(header, tuple(ITEMS)) == [column.code for column in columns_for(tuple(ITEMS))]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("enrolment",), 0, "wrote"),
        (("enrolment", "--items", "id_number,sex"), 0, "wrote"),
        (("hiring_cooks",), 2, "hiring_teachers"),
        (("enrolment", "--items", "criminal_record"), 2, "registered_address"),
    ],
)
def test_the_command(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, says: str
) -> None:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    place = tmp_path / "template.xlsx"
    purpose, *options = arguments
    ended = CliRunner().invoke(commands, ["partner", "template", PARTNERS[1].id, purpose, str(place), *options])
    assert ended.exit_code == code, ended.output
    assert says in ended.output
    assert place.exists() == (code == 0)
