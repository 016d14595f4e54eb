"""The report's words (``schemas/report.toml``): each in Chinese and in English, and the tables with their columns."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from exchange.base.paths import SCHEMAS
from exchange.base.tables import ANSWERS, GUARD_RULES, ITEMS, REFUSALS, STOPS

Kind = Literal["word", "files", "people", "share", "span"]


@dataclass(frozen=True)
class Words:
    """The same in Chinese and in English; one of them is enough where both are equal."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if self.zh == self.en or not self.en else f"{self.zh} {self.en}"


@dataclass(frozen=True)
class ReportColumn:
    """A column of a table of the report. ``kind``: how its values are written."""

    name: str
    words: Words
    kind: Kind


@dataclass(frozen=True)
class Head:
    """A table's title, note and columns. ``grouped``: so many first columns are not repeated from row to row; a folded
    table is long, and shown when it is asked for.
    """

    code: str
    title: Words
    note: Words
    columns: tuple[ReportColumn, ...]
    grouped: int
    folded: bool


IDENTITY_LABEL: Final = Words("号码与姓名", "number and name")
NONE: Final = "none"
ROLES: Final = {
    "manifest": Words("清单", "manifest"),
    "signature": Words("清单签名", "signature"),
    "data": Words("数据文件", "data"),
    "agreement": Words("协议", "agreement"),
    "agreed_signing": Words("部门签名证书", "signing certificate"),
    "agreed_encryption": Words("部门加密证书", "encryption certificate"),
    "receipt": Words("回执", "receipt"),
    "receipt_signature": Words("回执签名", "its signature"),
    "result_data": Words("结果数据", "result data"),
    "result": Words("结果清单", "result"),
    "result_signature": Words("结果签名", "its signature"),
}
"""What kind of file a batch has; a result's own number stands behind it."""


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((SCHEMAS / "report.toml").read_text(encoding="utf-8"))


@cache
def heads() -> dict[str, Head]:
    """Code → table, in the order of the report."""
    return {entry["code"]: _head(entry) for entry in _file()["table"]}


def _head(entry: dict[str, Any]) -> Head:
    columns = tuple(
        ReportColumn(column["name"], Words(column["zh"], column["en"]), column["kind"]) for column in entry["columns"]
    )
    note = Words(entry.get("note_zh", ""), entry.get("note_en", ""))
    title, grouped, folded = Words(entry["zh"], entry["en"]), entry.get("grouped", 0), entry.get("folded", False)
    return Head(entry["code"], title, note, columns, grouped, folded)


def notes(kind: str) -> list[Words]:
    """How to read the report: of every one, a running month's, or one for outside."""
    return [Words(note["zh"], note["en"]) for note in _file()["note"] if note["for"] == kind]


def cycles() -> list[str]:
    """Their codes, in order."""
    return list(_file()["cycles"])


def cycle(code: str | None) -> Words:
    """The words for a cycle; of None those for *none*."""
    return Words(*_file()["cycles"][code or NONE])


def level(code: str | None) -> Words:
    """The words for a partner's level; of None those for *none*."""
    return Words(*_file()["levels"][code or NONE])


def stage(code: str) -> Words:
    """The words for a step of a batch; KeyError for an unknown one."""
    return Words(*_file()["stages"][code])


def item(code: str) -> Words:
    """The words for an item, or for the identity."""
    return Words(ITEMS[code].zh, code.replace("_", " ")) if code in ITEMS else IDENTITY_LABEL


def answer(code: str) -> Words:
    """The words for an answer code; KeyError for an unknown one."""
    return Words(ANSWERS[code].zh, code.replace("_", " "))


def refusal(code: str) -> Words:
    """The words for the reason of a refusal; KeyError for an unknown one."""
    return Words(REFUSALS[code].zh, code.replace("_", " "))


def refused_for(code: str, row: int | None, column: str | None) -> str:
    """The reason of a refusal with its code, which the partner is told, and where in the set; KeyError for an unknown
    one.
    """
    places = [f"第 {row} 行 row {row}"] if row is not None else []
    places += [column] if column is not None else []
    where = f"（{'，'.join(places)}）" if places else ""
    return f"{REFUSALS[code].zh} {code}{where}"


def stop(code: str) -> Words:
    """The words for the reason of a pause; KeyError for an unknown one."""
    return Words(STOPS[code].zh, STOPS[code].en)


def trip(tripped: str) -> Words:
    """``sequence 12 >= 10`` as people read it; a rule of an earlier version by its code."""
    rule, _, compared = tripped.partition(" ")
    measured, _, limit = compared.partition(" >= ")
    entry = GUARD_RULES.get(rule)
    zh, en = (rule, "") if entry is None else (entry.zh, entry.en)
    return Words(f"{zh}：{measured}（限 {limit}）" if limit else zh, en)


def role(code: str) -> str:
    """The words for the role of a batch's file, with its number."""
    kind, _, number = code.partition("-")
    return f"{ROLES.get(kind, kind)} {number}".strip()


def span(seconds: float) -> str:
    """A time in the unit that fits."""
    for unit, size, greatest in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < greatest:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.1f} d"
