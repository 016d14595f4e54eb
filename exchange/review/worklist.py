"""Work lists: rows of the queue as a workbook that an officer fills in and hands back, as that or as CSV.

Rules
- Each line carries a MAC (HMAC-SHA256) over what the officer was shown and the row's version: a line that was changed,
  copied into another row, or made up is not taken; a row that changed since is *stale* and is not taken either.
- All lines of a list are checked before any is taken; what is wrong is told by line and column, never by value.
- The list holds people: it is written 0600 and behind a password (``locked.py``); its rows are registered as opened.
- Sorted, filtered or shortened lists are as good as whole ones: each line stands for itself.
"""

from __future__ import annotations

import hmac
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal

import polars as pl

from exchange.base.errors import Halt, Refused
from exchange.base.tables import ANSWERS, ITEMS, REASONS
from exchange.base.xlsx import MAX_WRITTEN_CELL, write_workbook
from exchange.output.results import without_formulas
from exchange.register import Decision, Review
from exchange.review.case import CaseView
from exchange.review.decisions import allowed, check_reason, complete
from exchange.review.labels import line, why
from exchange.validate.workbook import read_sheet

Form = Literal["csv", "xlsx"]

HEADERS: Final = {
    "batch": "批次号",
    "row": "行号",
    "office": "责任单位",
    "causes": "核实原因",
    "claim": "核查内容",
    "register": "登记情况",
    "records": "业务和违法犯罪记录",
    "proposal": "建议答复",
    "open": "待定事项",
    "version": "版本",
    "seal": "校验",
    "answers": "核实结论",
    "reason": "依据",
    "note": "备注",
}
"""Column → header. The last three are the officer's; answers are written ``identity=consistent; sex=inconsistent``."""

_SHOWN: Final = tuple(HEADERS)[:10]
_DERIVED: Final = b"exchange work list 2"
_ZIP: Final = b"PK\x03\x04"


def list_key(secret: bytes) -> bytes:
    """The key of the MACs, derived from the office's own signing key."""
    return hmac.digest(secret, _DERIVED, sha256)


def write_list(cases: Sequence[CaseView], key: bytes, form: Form) -> bytes:
    """The list's bytes: a workbook, or CSV in UTF-8 with a mark, as spreadsheets want it."""
    rows = []
    for case in cases:
        shown = _shown(case)
        rows.append(shown | {"seal": _mac(shown, key), "answers": "", "reason": "", "note": ""})
    frame = pl.DataFrame(rows, schema=dict.fromkeys(HEADERS, pl.String)).rename(HEADERS)
    if form == "xlsx":
        return write_workbook(frame, "核实清单", _notes(cases), "填写说明")
    text = frame.select(without_formulas(pl.col(name)).alias(name) for name in frame.columns).write_csv(
        line_terminator="\r\n"
    )
    return b"\xef\xbb\xbf" + text.encode()


def read_list(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """The lines that were filled in, with their numbers; not checked yet. Halt where it is no work list."""
    numbers, frame = _sheet(content) if content.startswith(_ZIP) else _csv(content)
    names = {header: name for name, header in HEADERS.items()}
    if set(frame.columns) != set(names):
        msg = "the list has other columns than the one that was written"
        raise Halt(msg)
    rows = frame.rename(names).fill_null("").iter_rows(named=True)
    return [(number, row) for number, row in zip(numbers, rows, strict=True) if row["answers"].strip()]


def rows_of(lines: Iterable[tuple[int, Mapping[str, str]]]) -> dict[str, list[int]]:
    """Batch → rows that these lines name."""
    found: dict[str, list[int]] = {}
    for _, row in lines:
        if row["row"].isdecimal():
            found.setdefault(row["batch"], []).append(int(row["row"]))
    return found


def check_lines(
    lines: Iterable[tuple[int, Mapping[str, str]]], cases: Mapping[tuple[str, int], CaseView], key: bytes
) -> dict[str, list[Decision]]:
    """Batch → decisions. ``cases``: what the rows show now, by batch and row. Halt with line and column at the first
    line that does not hold.
    """
    found: dict[str, list[Decision]] = {}
    for number, row in lines:
        case = cases.get((row["batch"], int(row["row"]))) if row["row"].isdecimal() else None
        if case is None:
            msg = f"line {number}: this row is not in the queue of your office"
            raise Halt(msg)
        if str(case.review.version) != row["version"]:
            msg = f"line {number}: the row was changed since the list was written; write a new list"
            raise Halt(msg)
        shown = _shown(case)
        if not hmac.compare_digest(row["seal"].encode(), _mac(shown, key).encode()) or not _as_written(row, shown):
            msg = f"line {number}: the line is not as it was written"
            raise Halt(msg)
        if any(decision.row == case.review.row for decision in found.get(row["batch"], ())):
            msg = f"line {number}: the row stands twice in the list"
            raise Halt(msg)
        found.setdefault(row["batch"], []).append(_decision(number, case, row))
    return found


def parse_answers(text: str) -> dict[str, str]:
    """``identity=consistent; sex=inconsistent``, with codes or the Chinese words; Halt where it is not of that form."""
    answers = {}
    words = {answer.zh: code for code, answer in ANSWERS.items()}
    items = {item.zh: code for code, item in ITEMS.items()} | {"号码与姓名": "identity"}
    for part in text.replace("；", ";").replace("，", ";").split(";"):
        column, mark, code = part.replace("＝", "=").partition("=")
        if not mark:
            msg = "answers are written column=answer; column=answer"
            raise Halt(msg)
        answers[items.get(column.strip(), column.strip())] = words.get(code.strip(), code.strip())
    return answers


def _csv(content: bytes) -> tuple[Sequence[int], pl.DataFrame]:
    try:
        frame = pl.read_csv(io.BytesIO(content.decode("utf-8-sig").encode()), infer_schema=False)
    except (UnicodeDecodeError, pl.exceptions.PolarsError):
        msg = "the list is not CSV in UTF-8; save it as 'CSV UTF-8', or as a workbook"
        raise Halt(msg) from None
    return range(2, frame.height + 2), frame


def _sheet(content: bytes) -> tuple[Sequence[int], pl.DataFrame]:
    try:
        sheet = read_sheet(content)
        frame = sheet.texts()
    except Refused as problem:
        msg = f"the workbook cannot be read: {problem}"
        raise Halt(msg) from None
    if len(set(sheet.header)) == frame.width:
        frame.columns = sheet.header
    return sheet.numbers, frame


def _decision(number: int, case: CaseView, row: Mapping[str, str]) -> Decision:
    reasons = {reason.zh: code for code, reason in REASONS.items()}
    reason = row["reason"].strip()
    reason = reasons.get(reason, reason)
    try:
        answers = complete(case.open, parse_answers(row["answers"]))
        check_reason(reason, row["note"] or None)
    except Halt as problem:
        msg = f"line {number}: {problem}"
        raise Halt(msg) from None
    return Decision(case.review.row, case.review.version, answers, reason, row["note"] or None)


def _shown(case: CaseView) -> dict[str, str]:
    review: Review = case.review
    texts = {
        "batch": review.batch,
        "row": str(review.row),
        "office": review.division,
        "causes": why(review),
        "claim": line(case.claim),
        "register": "\n".join(line(person) for person in case.people.iter_rows(named=True)),
        "records": "\n".join(line(record) for record in case.records.iter_rows(named=True)),
        "proposal": "; ".join(f"{name}={code}" for name, code in case.proposal.items() if code),
        "open": "; ".join(case.open),
        "version": str(review.version),
    }
    return {name: text[:MAX_WRITTEN_CELL] for name, text in texts.items()}


def _mac(shown: Mapping[str, str], key: bytes) -> str:
    return hmac.new(key, json.dumps([shown[name] for name in _SHOWN]).encode(), sha256).hexdigest()


def _as_written(row: Mapping[str, str], shown: Mapping[str, str]) -> bool:
    """Whether the cells say what the officer was shown; line ends, and the apostrophe before a formula, are the
    spreadsheet's.
    """
    return all(_plain(row[name]) == _plain(shown[name]) for name in _SHOWN)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").removeprefix("'")


def _notes(cases: Sequence[CaseView]) -> list[tuple[str, ...]]:
    """How to fill the list in, and what may be decided."""
    columns = sorted({column for case in cases for column in case.open})
    words = [(_item(column), "；".join(f"{code} {ANSWERS[code].zh}" for code in allowed(column))) for column in columns]
    return [
        ("核实结论", "每个待定事项写“事项=结论”，用分号隔开，如 identity=consistent; sex=inconsistent，也可写中文。"),
        ("依据", "；".join(f"{reason.code} {reason.zh}" for reason in REASONS.values())),
        ("备注", "选填，不超过200字，不得填写身份证号。"),
        ("", "不填核实结论的行不处理；其余各列不得改动，可以排序、筛选、删行。"),
        *words,
    ]


def _item(column: str) -> str:
    return f"{column} {ITEMS[column].zh}" if column in ITEMS else f"{column} 号码与姓名"
