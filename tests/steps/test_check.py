"""``exchange request check``: what the intake would say, and the handed-in cases, each read as it must be."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from typer.testing import CliRunner

from exchange.agreements.agreement import Agreement
from exchange.base.errors import Refused
from exchange.cli import request
from exchange.demo.partner import DemoPartner
from exchange.demo.partner import Request as Ask
from exchange.demo.world import World
from exchange.steps.check import CheckResult, check_data, reading_by_header
from exchange.wire.manifest import RequestManifest, parse

CASES: Final = Path(__file__).parent.parent / "cases"
"""Small files as people's programs save them; people and numbers are invented."""

TODAY: Final = date(2026, 11, 27)
AGREEMENT: Final = Agreement(
    partner="court-example",
    zh="某法院（虚构）",
    number="会商〔虚构〕1号",
    level="city",
    division="220100",
    in_force_from=date(2026, 1, 1),
    in_force_until=date(2026, 12, 31),
    cycles=("ad_hoc",),
    purposes=[
        {"code": "a", "zh": "办案", "legal_basis": "虚构的依据", "items": ["sex", "birth_date", "kinship"]},
        {
            "code": "b",
            "zh": "登记",
            "legal_basis": "虚构的依据",
            "items": ["unregistered"],
            "unregistered_by": "name",
        },
    ],
    sftp={"host": "127.0.0.1", "username": "p", "host_key": "ssh-ed25519 AAAA"},
    certificates={"signing": "a", "encryption": "a"},
    contact={"name": "经办人（虚构）", "telephone": "0"},
)

SOUND: Final[tuple[int, list[tuple[int, str, str]]]] = (1, [])


def seen(content: bytes, *, is_workbook: bool = False) -> CheckResult:
    reading = reading_by_header(AGREEMENT, content, is_workbook=is_workbook)
    return check_data(content, AGREEMENT, reading, TODAY)


def places(found: CheckResult) -> list[tuple[int, str, str]]:
    return [(each.row, each.column, each.code) for each in found.findings]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("blank-in-an-empty-row.xlsx", SOUND),
        ("byte-80-in-reference.csv", (2, [(2, "", "row_ref_damaged")])),
        ("commas-behind-all.csv", SOUND),
        ("ctrl-z-at-the-end.csv", SOUND),
        ("damaged-directory.xlsx", "workbook_format"),
        ("date-43-seconds-short.xlsx", (1, [(1, "birth_date", "claim_format")])),
        ("half-a-character.xlsx", (1, [(1, "name", "name_format")])),
        ("header-with-a-line-break.csv", SOUND),
        ("indented-inline-texts.xlsx", SOUND),
        ("indented-shared-texts.xlsx", SOUND),
        ("name-that-is-also-utf8.csv", (2, [])),
        ("number-as-formula.csv", (1, [(1, "id_number", "id_repaired")])),
        ("one-row-in-gbk.csv", "encoding_unclear"),
        ("padded-reference.xlsx", SOUND),
        ("part-in-other-case.xlsx", SOUND),
        ("radical-in-name.csv", SOUND),
        ("rows-of-commas.csv", SOUND),
        ("unicode-text.csv", SOUND),
    ],
)
def test_what_peoples_programs_save(name: str, right: object) -> None:
    content = (CASES / name).read_bytes()
    try:
        found = seen(content, is_workbook=name.endswith(".xlsx"))
        said: object = (found.rows, places(found)) if found.refusal is None else found.refusal.code
    except Refused as refusal:
        said = refusal.code
    assert said == right


def test_the_header_of_an_objection_makes_it_one() -> None:
    found = seen("业务编号,异议说明\nA-1,已核对证件\n,,\nA-2,1,2\n".encode())
    assert (found.items, found.rows, found.refusal) == (("objection",), 2, None)
    assert places(found) == [(2, "", "row_fields")]


@pytest.mark.parametrize("wrong", ["公民身份号码", "姓名"])
@pytest.mark.parametrize("more", ["", ",性别", ",电话"])
def test_a_list_whose_header_is_wrong_is_no_objection(wrong: str, more: str) -> None:
    """What the clerk has to change is the header of the number, and not all the others."""
    header = f"业务编号,公民身份号码,姓名{more}"
    row = "A-1,11010519491231002X,张三" + ("," if more else "")
    found = seen(f"{header.replace(wrong, '身份证')}\n{row}\n".encode())
    assert found.items != ("objection",)
    assert found.refusal is not None
    assert (found.refusal.code, found.refusal.column) == ("column_unknown", "#2" if wrong == "公民身份号码" else "#3")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("with-a-mark.request.json", None),
        ("hash-in-upper-case.request.json", None),
        ("in-gb18030.request.json", "manifest_encoding"),
    ],
)
def test_manifests_as_they_are_saved(name: str, right: str | None) -> None:
    try:
        assert parse(RequestManifest, (CASES / name).read_bytes()).rows == 1
        code = None
    except Refused as refusal:
        code = refusal.code
    assert code == right


def test_every_case_is_held() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in CASES.iterdir() if path.is_file() and path.name not in tests] == []


HEADER: Final = "序号,身份证号,姓名,性别"
PERSON: Final = "11010519491231002X"


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (f"R1,{PERSON},张三,女", []),
        (f"R1,{PERSON.lower()},张三,女", [("id_number", "id_repaired")]),
        (f"R1,{PERSON[:-1]}1,张三,女", [("id_number", "id_number_check")]),
        (f"R1,{PERSON},张3,不知", [("name", "name_format"), ("sex", "claim_format")]),
        (f"R1,{PERSON},张三, ", [("sex", "claim_missing")]),
        (f"R1,{PERSON},张三,女,多", [("", "row_fields")]),
        ("R1,,,", [("id_number", "id_number_missing"), ("name", "name_missing"), ("sex", "claim_missing")]),
    ],
)
def test_a_row_is_told_by_codes_and_places(row: str, found: Sequence[tuple[str, str]]) -> None:
    sound = f"R0,{PERSON},张三,女"
    assert places(seen("\n".join([HEADER, sound, row]).encode())) == [(2, *each) for each in found]


def test_items_are_those_of_the_header() -> None:
    other = f"序号,身份证号,姓名,性别,出生日期,民族\nR1,{PERSON},张三,女,x,汉\n"
    assert (
        seen("业务编号,姓名,性别,出生日期\nR1,张三,女,2020-01-01\n".encode()).items,
        seen(f"{HEADER}\nR1,{PERSON},张三,女\n".encode()).items,
        [seen(other.encode()).refusal.column],  # type: ignore[union-attr]
    ) == (("unregistered",), ("sex",), ["#6"])


def workbook(rows: int) -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0].append(HEADER.split(","))
    for place in range(rows):
        book.worksheets[0].append([f"R{place}", "错", "张三", "女"])
    book.save(content := io.BytesIO())
    return content.getvalue()


def test_mostly_unreadable_rows_refuse_the_set() -> None:
    found = seen(workbook(30), is_workbook=True)
    assert found.refusal is not None
    assert found.refusal.code == "rows_unreadable"
    assert len(found.findings) == 30


@pytest.mark.parametrize(
    ("lost", "sound", "refused"),
    [(30, 0, True), (28, 2, True), (27, 3, False), (1, 29, False), (19, 0, False)],
)
def test_numbers_that_lost_their_last_digits_refuse_the_set(lost: int, sound: int, *, refused: bool) -> None:
    """Also where the check character fits by chance, as of one in eleven: those were told that nobody bears them."""
    numbers = ["220104199003071000"] * lost + [PERSON] * sound
    rows = "".join(f"R{place},{number},张三,女\n" for place, number in enumerate(numbers))
    found = seen(f"{HEADER}\n{rows}".encode())
    assert (found.refusal is not None and found.refusal.code == "rows_unreadable") == refused
    assert found.findings == ()


def test_a_mothers_number_that_lost_its_last_digits_is_told_likewise() -> None:
    rows = "".join(f"R{place},220104199003071000,2020-01-01\n" for place in range(30))
    by_mother = AGREEMENT.model_copy(
        update={"purposes": (AGREEMENT.purposes[1].model_copy(update={"unregistered_by": "mother"}),)}
    )
    content = f"row_ref,mother_id_number,birth_date\n{rows}".encode()
    found = check_data(content, by_mother, reading_by_header(by_mother, content, is_workbook=False), TODAY)
    assert found.refusal is not None
    assert found.refusal.code == "rows_unreadable"


def run(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    ended = CliRunner().invoke(request.commands, ["check", "--partner", "court-changchun", *arguments])
    return ended.exit_code, ended.output


def test_the_command_says_it_without_a_value_and_takes_nothing(
    world: World, court: DemoPartner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Any
) -> None:
    path = tmp_path / "名单.csv"
    path.write_text(f"{HEADER}\nR1,{PERSON},张三,女\n暗号,{PERSON},李四五,何人\n", encoding="utf-8")
    code, printed = run(world, monkeypatch, str(path))
    assert code == 1
    assert "行 row 2 sex: claim_format" in printed
    assert not any(value in printed for value in (PERSON, "张三", "李四五", "暗号", "何人"))
    assert max(sum(2 if ord(letter) > 0x2E80 else 1 for letter in line) for line in printed.splitlines()) <= 80
    code, printed = run(world, monkeypatch, str(path), "--json")
    assert json.loads(printed)["findings"] == [{"row": 2, "column": "sex", "code": "claim_format"}]

    request: Ask = ask(f"row_ref,id_number,name,sex\nR1,{PERSON},张三,女\n".encode())
    for name, content in court.make_set(request).items():
        (tmp_path / name).write_bytes(content)
    data, manifest = tmp_path / f"{request.batch}.csv.p7m", tmp_path / f"{request.batch}.request.json"
    code, printed = run(world, monkeypatch, str(data), "--manifest", str(manifest))
    assert (code, "可以受理" in printed, "未核对签名" in printed) == (0, True, False)
    (tmp_path / f"{manifest.name}.p7s").write_bytes(b"0")
    assert "signature_invalid" in run(world, monkeypatch, str(data), "--manifest", str(manifest))[1]
    (tmp_path / f"{manifest.name}.p7s").unlink()
    data.write_bytes(b"cut")
    assert "data_hash" in run(world, monkeypatch, str(data), "--manifest", str(manifest))[1]
    assert list((court.server.home / "to-office").iterdir()) == []
    assert run(world, monkeypatch, str(tmp_path / "none.csv"))[0] == 2
