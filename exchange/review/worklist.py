"""Work lists: rows of the queue as a CSV file that an officer fills in and hands back.

Rules
- Each line carries a seal (HMAC-SHA256) over what the officer was shown and the row's version: a line that was changed,
  copied into another row, or made up is not taken; a row that changed since is *stale* and is not taken either.
- All lines of a batch are taken or none; what is wrong is told by line and column, never by value.
- The list holds people and is written 0600; its rows are registered as opened.
"""

from __future__ import annotations

import csv
import hmac
import io
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from exchange.errors import Halt
from exchange.register import Decision, Review
from exchange.results import FORMULA_STARTS
from exchange.review.decisions import check_reason, complete
from exchange.review.sight import Sight
from exchange.tables import ANSWERS, CAUSES, ITEMS

HEADERS: Final = {
    "batch": "批次号",
    "row": "行号",
    "office": "责任单位",
    "causes": "核实原因",
    "claim": "核查内容",
    "register": "登记情况",
    "proposal": "建议答复",
    "open": "待定事项",
    "version": "版本",
    "seal": "校验",
    "answers": "核实结论",
    "reason": "依据",
    "note": "备注",
}
"""Column → header. The last three are the officer's; answers are written ``identity=consistent; sex=inconsistent``."""

_SHOWN: Final = tuple(HEADERS)[:9]
_DERIVED: Final = b"exchange work list 1"


def list_key(secret: bytes) -> bytes:
    """The key of the seals, derived from the office's own signing key."""
    return hmac.digest(secret, _DERIVED, sha256)


def write_list(sights: Sequence[Sight], key: bytes) -> bytes:
    """The list's bytes: UTF-8 with a mark, as spreadsheets want it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADERS.values())
    for sight in sights:
        shown = _shown(sight)
        writer.writerow([_safe(shown[name]) for name in _SHOWN] + [_seal(shown, key), "", "", ""])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def read_list(content: bytes, sights: Mapping[tuple[str, int], Sight], key: bytes) -> dict[str, list[Decision]]:
    """Batch → decisions of the lines that were filled in. ``sights``: what the rows show now, by batch and row. Halt
    with line and column at the first line that does not hold.
    """
    found: dict[str, list[Decision]] = {}
    for line, row in _lines(content):
        if not row["answers"]:
            continue
        sight = sights.get((row["batch"], int(row["row"]))) if row["row"].isdecimal() else None
        if sight is None:
            msg = f"line {line}: this row is not in the queue of your office"
            raise Halt(msg)
        if str(sight.review.version) != row["version"]:
            msg = f"line {line}: the row was changed since the list was written; write a new list"
            raise Halt(msg)
        shown = _shown(sight)
        if not hmac.compare_digest(row["seal"], _seal(shown, key)) or any(
            row[name] != _safe(shown[name]) for name in _SHOWN
        ):
            msg = f"line {line}: the line is not as it was written"
            raise Halt(msg)
        found.setdefault(row["batch"], []).append(_decision(line, sight, row))
    return found


def rows_of(content: bytes) -> dict[str, list[int]]:
    """Batch → rows that a list has filled in; not checked yet."""
    found: dict[str, list[int]] = {}
    for _, row in _lines(content):
        if row["answers"] and row["row"].isdecimal():
            found.setdefault(row["batch"], []).append(int(row["row"]))
    return found


def parse_answers(text: str) -> dict[str, str]:
    """``identity=consistent; sex=inconsistent``, with codes or the Chinese words; Halt where it is not of that form."""
    answers = {}
    words = {answer.zh: code for code, answer in ANSWERS.items()}
    items = {item.zh: code for code, item in ITEMS.items()}
    for part in text.replace("；", ";").replace("，", ";").split(";"):
        column, mark, code = part.replace("＝", "=").partition("=")
        if not mark:
            msg = "answers are written column=answer; column=answer"
            raise Halt(msg)
        answers[items.get(column.strip(), column.strip())] = words.get(code.strip(), code.strip())
    return answers


def _lines(content: bytes) -> list[tuple[int, dict[str, str]]]:
    names = {header: name for name, header in HEADERS.items()}
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows = [{names.get(header or "", ""): value or "" for header, value in row.items()} for row in reader]
    except (UnicodeDecodeError, csv.Error):
        msg = "the list is not CSV in UTF-8; save it as 'CSV UTF-8'"
        raise Halt(msg) from None
    if set(reader.fieldnames or ()) != set(HEADERS.values()):
        msg = "the list has other columns than the one that was written"
        raise Halt(msg)
    return list(enumerate(rows, start=2))


def _decision(line: int, sight: Sight, row: Mapping[str, str]) -> Decision:
    try:
        answers = complete(sight.open, parse_answers(row["answers"]))
        check_reason(row["reason"], row["note"] or None)
    except Halt as problem:
        msg = f"line {line}: {problem}"
        raise Halt(msg) from None
    return Decision(sight.review.row, sight.review.version, answers, row["reason"], row["note"] or None)


def _shown(sight: Sight) -> dict[str, str]:
    review: Review = sight.review
    causes = [CAUSES[cause].zh if cause in CAUSES else ITEMS[cause].zh for cause in review.causes]
    register = {"people": sight.people.to_dicts(), "records": sight.records.to_dicts()}
    return {
        "batch": review.batch,
        "row": str(review.row),
        "office": review.division,
        "causes": "；".join(causes),
        "claim": json.dumps(dict(sight.claim), ensure_ascii=False),
        "register": json.dumps(register, ensure_ascii=False, default=str),
        "proposal": "; ".join(f"{name}={code}" for name, code in sight.proposal.items() if code),
        "open": "; ".join(sight.open),
        "version": str(review.version),
    }


def _seal(shown: Mapping[str, str], key: bytes) -> str:
    return hmac.new(key, json.dumps([shown[name] for name in _SHOWN]).encode(), sha256).hexdigest()


def _safe(text: str) -> str:
    """No cell begins like a formula."""
    return f"'{text}" if re.match(FORMULA_STARTS, text) else text
