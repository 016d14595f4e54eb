"""Work lists: rows of the queue as a workbook that an officer fills in and hands back, as that or as CSV.

Rules
- Each line carries a MAC (HMAC-SHA256) over what the officer was shown and the row's version: a line that was changed,
  copied into another row, or made up is not taken; a row that changed since is *stale* and is not taken either.
- All lines of a list are checked before any is taken, and all that do not hold are told at once, by line and column,
  never by value. Nothing is opened for that: what the MAC covers is what was opened when the list was written.
- One word accepts the proposal; an answer that is filled in beside it takes precedence.
- The list holds people: it is written 0600 and behind a password (``locked.py``); its rows are registered as opened.
- A list may be filtered or shortened: each line is checked by itself.
"""

from __future__ import annotations

import hmac
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import polars as pl

from exchange.base.errors import Halt, Refused
from exchange.base.tables import ANSWERS, ITEMS, REASONS
from exchange.base.xlsx import MAX_WRITTEN_CELL
from exchange.matching.decide import IDENTITY_COLUMN
from exchange.register import Decision, Review
from exchange.review.case import CaseView
from exchange.review.decisions import WAITING, allowed, check_reason, complete
from exchange.review.labels import line, why
from exchange.review.worklist_sheet import write_sheet
from exchange.validate.workbook import read_sheet

Row = tuple[str, int]
"""Batch and row."""

SHOWN: Final = {
    "batch": "批次号",
    "row": "行号",
    "office": "责任单位",
    "causes": "核实原因",
    "claim": "核查内容",
    "register": "登记情况",
    "records": "业务和违法犯罪记录",
    "open": "待定事项",
    "proposal": "建议答复",
}
"""What the officer is shown: column → header."""

ASKED: Final = {"accept": "照建议", "reason": "依据", "note": "备注"}
"""What the officer fills in, beside one column for each item that is open in some row."""

KEPT: Final = {"version": "版本", "mac": "校验"}
CONCLUSION: Final = "结论 "
"""Begins the header of the column in which an item is decided."""
YES: Final = "是"
TEST: Final = "【测试 TEST，虚构】"
"""Before the cause of a test batch's row: nobody in it exists."""
NOT_OPEN: Final = "—"
"""Stands in a conclusion's cell where the item is not open in that row."""

_MACED: Final = (*SHOWN, "version")
_DERIVED: Final = b"exchange work list 3"
_ZIP: Final = b"PK\x03\x04"
_DIGITS: Final = 9


@dataclass(frozen=True)
class FilledLine:
    """A line that was filled in, not checked yet: its number in the file, its cells by column, and the conclusions'
    cells by the column that they decide.
    """

    number: int
    cells: Mapping[str, str]
    conclusions: Mapping[str, str]

    @property
    def about(self) -> Row | None:
        """The row that it names; None where it names none."""
        row = self.cells["row"]
        fits = row.isascii() and row.isdecimal() and len(row) <= _DIGITS
        return (self.cells["batch"], int(row)) if fits else None


def list_key(secret: bytes) -> bytes:
    """The key of the MACs, derived from the office's own signing key."""
    return hmac.digest(secret, _DERIVED, sha256)


def write_list(cases: Sequence[CaseView], key: bytes) -> bytes:
    """The workbook's bytes, without its password yet."""
    decided = decided_columns(cases)
    conclusions = {header_of(column): list(_words(column)) for column in decided}
    choices = {ASKED["accept"]: [YES], **conclusions, ASKED["reason"]: [reason.zh for reason in REASONS.values()]}
    shown, kept = list(SHOWN.values()), list(KEPT.values())
    rows = [_cells(case, decided, key) for case in cases]
    return write_sheet([*shown, *choices, ASKED["note"], *kept], rows, choices, shown=shown, kept=kept)


def decided_columns(cases: Iterable[CaseView]) -> list[str]:
    """The columns that are open in some row, in the order of the items; name and number go with the identity."""
    wanted = {column for case in cases for column in _answerable(case.open)}
    return [column for column in (IDENTITY_COLUMN, *ITEMS) if column in wanted]


def header_of(column: str) -> str:
    """The header of the column in which this one is decided."""
    return f"{CONCLUSION}{_item(column)}"


def read_list(content: bytes) -> list[FilledLine]:
    """The lines that were filled in; not checked yet. Halt where it is no work list."""
    numbers, frame = _read_sheet(content) if content.startswith(_ZIP) else _read_csv(content)
    fixed = {header: name for name, header in {**SHOWN, **ASKED, **KEPT}.items()}
    columns = {header_of(column): column for column in (IDENTITY_COLUMN, *ITEMS)}
    if not fixed.keys() <= set(frame.columns) <= fixed.keys() | columns.keys():
        msg = "the list has other columns than the one that was written"
        raise Halt(msg, zh="清单的列与导出时不同")
    lines = []
    for number, row in zip(numbers, frame.fill_null("").iter_rows(named=True), strict=True):
        cells = {name: row[header] for header, name in fixed.items()}
        filled_in = {columns[header]: text.strip() for header, text in row.items() if header in columns}
        conclusions = {column: text for column, text in filled_in.items() if text not in ("", NOT_OPEN)}
        if conclusions or cells["accept"].strip():
            lines.append(FilledLine(number, cells, conclusions))
    return lines


def check_lines(
    lines: Iterable[FilledLine], reviews: Mapping[Row, Review], open_: Mapping[Row, Mapping[str, str]], key: bytes
) -> dict[str, list[Decision]]:
    """Batch → decisions. ``reviews``: the rows of the officer's own queue that are named; ``open_``: their columns that
    are to be decided, with their answers now. Halt with all lines that do not hold.
    """
    decisions: dict[Row, Decision] = {}
    problems = []
    for filled in lines:
        try:
            decision = _decision(filled, reviews, open_, key)
            if (row := (filled.cells["batch"], decision.row)) in decisions:
                msg = "the row stands twice in the list"
                raise Halt(msg, zh="此行在清单中出现两次")
            decisions[row] = decision
        except Halt as problem:
            problems.append((f"line {filled.number}: {problem}", f"第 {filled.number} 行：{problem.zh}"))
    if problems:
        raise Halt("\n".join(en for en, _ in problems), zh="\n".join(zh for _, zh in problems) + "\n")
    by_batch: dict[str, list[Decision]] = {}
    for (batch, _), decision in decisions.items():
        by_batch.setdefault(batch, []).append(decision)
    return by_batch


def _decision(
    line: FilledLine, reviews: Mapping[Row, Review], open_: Mapping[Row, Mapping[str, str]], key: bytes
) -> Decision:
    cells = line.cells
    if not hmac.compare_digest(cells["mac"].encode(), _mac(cells, key).encode()) or line.about is None:
        msg = "the line is not as it was written"
        raise Halt(msg, zh="此行与导出时不同")
    review = reviews.get(line.about)
    if review is None:
        msg = "this row is not in the queue of your office"
        raise Halt(msg, zh="此行不在您单位的核实队列中")
    if str(review.version) != cells["version"]:
        msg = "the row was changed since the list was written; write a new list"
        raise Halt(msg, zh="导出后此行已有变动，请重新导出")
    reasons = {reason.zh: code for code, reason in REASONS.items()}
    reason, note = cells["reason"].strip(), cells["note"] or None
    reason = reasons.get(reason, reason)
    answers = complete(open_[line.about], _answers(line))
    check_reason(reason, note)
    return Decision(review.row, review.version, answers, reason, note)


def _answers(line: FilledLine) -> dict[str, str]:
    """Column → code; of the proposal, where it was accepted, what is not answered otherwise."""
    accepted = line.cells["accept"].strip()
    if accepted not in ("", YES):
        msg = f"{ASKED['accept']}: only {YES}, or empty"
        raise Halt(msg, zh=f"“{ASKED['accept']}”只可填“{YES}”或留空")
    proposed = _proposal_of(line.cells["proposal"]) if accepted else {}
    typed = {column: _words(column).get(text, text) for column, text in line.conclusions.items()}
    if typed.get(IDENTITY_COLUMN, "consistent") != "consistent":
        proposed = {}  # what was proposed of somebody else
    return proposed | typed


def parse_answers(text: str) -> dict[str, str]:
    """``identity=consistent; sex=inconsistent``, with codes or the Chinese words; Halt where it is not of that form."""
    answers = {}
    words = {answer.zh: code for code, answer in ANSWERS.items()}
    items = {item.zh: code for code, item in ITEMS.items()} | {"号码与姓名": "identity"}
    for part in text.replace("；", ";").replace("，", ";").split(";"):
        column, mark, code = part.replace("＝", "=").partition("=")
        if not mark:
            msg = "answers are written column=answer; column=answer"
            raise Halt(msg, zh="答复写作 事项=答复；事项=答复")
        answers[items.get(column.strip(), column.strip())] = words.get(code.strip(), code.strip())
    return answers


def _read_csv(content: bytes) -> tuple[Sequence[int], pl.DataFrame]:
    try:
        frame = pl.read_csv(io.BytesIO(content.decode("utf-8-sig").encode()), infer_schema=False)
    except (UnicodeDecodeError, pl.exceptions.PolarsError):
        msg = "the list is not CSV in UTF-8; save it as 'CSV UTF-8', or as a workbook"
        raise Halt(msg, zh="清单不是 UTF-8 编码的 CSV，请另存为“CSV UTF-8”或工作簿") from None
    return range(2, frame.height + 2), frame


def _read_sheet(content: bytes) -> tuple[Sequence[int], pl.DataFrame]:
    try:
        sheet = read_sheet(content)
        frame = sheet.texts()
    except Refused as problem:
        msg = f"the workbook cannot be read: {problem}"
        raise Halt(msg, zh="工作簿无法读取") from None
    if len(set(sheet.header)) == frame.width:
        frame.columns = sheet.header
    return sheet.numbers, frame


def _cells(case: CaseView, decided: Sequence[str], key: bytes) -> list[str]:
    """A line, in the order of the headers."""
    shown, asked = _shown(case), _answerable(case.open)
    conclusions = ["" if column in asked else NOT_OPEN for column in decided]
    cells = [shown[name] for name in SHOWN]
    return [*cells, "", *conclusions, "", "", shown["version"], _mac(shown, key)]


def _shown(case: CaseView) -> dict[str, str]:
    review: Review = case.review
    asked = _answerable(case.open)
    texts = {
        "batch": review.batch,
        "row": str(review.row),
        "office": review.division,
        "causes": f"{TEST}{why(review)}" if case.is_test else why(review),
        "claim": line(case.claim),
        "register": "\n".join(line(person) for person in case.people.iter_rows(named=True)),
        "records": "\n".join(line(record) for record in case.records.iter_rows(named=True)),
        "open": "；".join(_item(column) + "（待数据源）" * (asked[column] == WAITING) for column in asked),
        "proposal": _proposal(case),
        "version": str(review.version),
    }
    return {name: text[:MAX_WRITTEN_CELL] for name, text in texts.items()}


def _proposal(case: CaseView) -> str:
    """What may be taken as it stands: ``号码与姓名：一致；性别：不一致``."""
    proposed = {column: case.proposal.get(column, "") for column in _answerable(case.open)}
    return "；".join(f"{_item(c)}：{ANSWERS[code].zh}" for c, code in proposed.items() if code in allowed(c))


def _proposal_of(text: str) -> dict[str, str]:
    """Column → code of what ``_proposal`` wrote; its text is covered by the MAC."""
    columns = {_item(column): column for column in (IDENTITY_COLUMN, *ITEMS)}
    answered = dict(part.split("：", 1) for part in text.split("；") if part)
    return {columns[item]: _words(columns[item])[word] for item, word in answered.items()}


def _answerable(open_: Mapping[str, str]) -> dict[str, str]:
    """The open columns that are answered by themselves; the number and the name follow the identity."""
    follow = ("id_number", "name") if IDENTITY_COLUMN in open_ else ()
    return {column: code for column, code in open_.items() if column not in follow}


def _words(column: str) -> dict[str, str]:
    """The words that may be decided for a column, with their codes."""
    return {ANSWERS[code].zh: code for code in allowed(column)}


def _mac(shown: Mapping[str, str], key: bytes) -> str:
    """Line ends, and the apostrophe before a formula, are the spreadsheet's."""
    plain = [shown[name].replace("\r\n", "\n").removeprefix("'") for name in _MACED]
    return hmac.new(key, json.dumps(plain).encode(), sha256).hexdigest()


def _item(column: str) -> str:
    return ITEMS[column].zh if column in ITEMS else "号码与姓名"
