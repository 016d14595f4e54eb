"""The tables in ``schemas/``, loaded once: answer codes, notes, refusals, items, sources and the exports' columns.

Rule: a code that appears in a result, a receipt or the register stands in one of these tables and nowhere else;
docs are generated from the same files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from exchange.base.errors import Halt
from exchange.base.paths import SCHEMAS

Group = Literal["final", "pending", "unanswered", "unreadable"]
SourceTable = Literal["population", "offences", "events"]


@dataclass(frozen=True)
class Answer:
    """An answer code (``schemas/answers.toml``)."""

    code: str
    group: Group
    zh: str
    en: str


@dataclass(frozen=True)
class Sentence:
    """A code with its sentence in Chinese and in English."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class RequestColumn:
    """A request column: its code (the English header) and the Chinese headers it may bear. An optional one may be left
    out of the file; its claims are then empty.
    """

    code: str
    zh: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class Item:
    """``forms``: for an item that is asked alone, the columns beside ``row_ref`` by the form in which it is asked."""

    code: str
    zh: str
    claims: tuple[RequestColumn, ...]
    forms: Mapping[str, tuple[RequestColumn, ...]]


@dataclass(frozen=True)
class Elsewhere:
    """What the police do not answer; ``refusal`` says who does."""

    code: str
    zh: str
    en: str
    refusal: str


@dataclass(frozen=True)
class Source:
    """A source's system (``schemas/exports.toml``). ``max_age_days``: how old its snapshot may be to answer."""

    code: str
    zh: str
    table: SourceTable
    max_age_days: int


@dataclass(frozen=True)
class OffenceKind:
    """A kind of offence record. ``counts``: only where a legal basis names the kind, or never. ``violation``: it is no
    crime but a violation of public-security administration, or kept like one, which only a national provision lets
    know.
    """

    code: str
    zh: str
    en: str
    counts: Literal["named", "never"]
    violation: bool = False


T = TypeVar("T", Answer, Sentence, Item, Elsewhere, Source, OffenceKind)


@cache
def _load(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        msg = f"schemas/{name}: not TOML: {error}"
        raise Halt(msg) from None


def _column(entry: dict[str, Any]) -> RequestColumn:
    return RequestColumn(entry["column"], tuple(entry["zh"]), entry.get("optional", False))


def _columns(entries: list[dict[str, Any]]) -> tuple[RequestColumn, ...]:
    return tuple(_column(entry) for entry in entries)


def _forms(entries: dict[str, list[dict[str, Any]]]) -> Mapping[str, tuple[RequestColumn, ...]]:
    return MappingProxyType({form: _columns(columns) for form, columns in entries.items()})


def _by_code(entries: list[T], file: str) -> MappingProxyType[str, T]:
    by_code = {entry.code: entry for entry in entries}
    if len(by_code) != len(entries):
        codes = [entry.code for entry in entries]
        msg = f"schemas/{file}: stands twice: {', '.join(sorted({code for code in codes if codes.count(code) > 1}))}"
        raise Halt(msg)
    return MappingProxyType(by_code)


def _entries(kind: type[T], file: str, table: str) -> MappingProxyType[str, T]:
    """Code → entry of ``[[table]]``; Halt, with the entry's number, where its fields are not those of its kind."""
    entries = []
    for number, entry in enumerate(_load(file)[table], 1):
        try:
            entries.append(kind(**entry))
        except TypeError as error:
            msg = f"schemas/{file}: [[{table}]] number {number}: {str(error).partition('() ')[2]}"
            raise Halt(msg) from None
    return _by_code(entries, file)


ANSWERS: Final = _entries(Answer, "answers.toml", "answer")
PENDING: Final = tuple(code for code, answer in ANSWERS.items() if answer.group == "pending")
"""Codes of rows that are not answered yet."""
NOTES: Final = _entries(Sentence, "answers.toml", "note")
TEST_NOTE: Final = "test_data"
"""The one note that is about no number: that the row is a test's."""
CAUSES: Final = _entries(Sentence, "reviews.toml", "cause")
REASONS: Final = _entries(Sentence, "reviews.toml", "reason")
RETURNS: Final = _entries(Sentence, "reviews.toml", "return")
ALERTS: Final = _entries(Sentence, "alerts.toml", "alert")
STOPS: Final = _entries(Sentence, "reviews.toml", "stop")
DECISIONS: Final = MappingProxyType({key: tuple(codes) for key, codes in _load("reviews.toml")["decisions"].items()})
GUARD_RULES: Final = _entries(Sentence, "guard.toml", "rule")
REFUSALS: Final = _entries(Sentence, "refusals.toml", "refusal")
NOTICES: Final = _entries(Sentence, "notices.toml", "notice")
REQUIRED_COLUMNS: Final = tuple(_column(entry) for entry in _load("items.toml")["required"])
OBJECTION_COLUMNS: Final = tuple(_column(entry) for entry in _load("items.toml")["objection"])
RESULT_COLUMNS: Final = tuple(_column(entry) for entry in _load("items.toml")["result"])
ITEMS: Final = _by_code(
    [
        Item(entry["code"], entry["zh"], _columns(entry["claim"]), _forms(entry.get("forms", {})))
        for entry in _load("items.toml")["item"]
    ],
    "items.toml",
)
ELSEWHERE: Final = _entries(Elsewhere, "items.toml", "elsewhere")
SOURCES: Final = _entries(Source, "exports.toml", "source")
OFFENCE_KINDS: Final = _entries(OffenceKind, "offences.toml", "kind")
OFFENCE_SOURCES: Final = tuple(source.code for source in SOURCES.values() if source.table == "offences")


@cache
def export_words() -> Mapping[str, str]:
    """What the exports' columns and the requests' columns are called in Chinese."""
    exports = (
        entry for table in ("population", "offences", "events") for entry in _load("exports.toml")[table]["columns"]
    )
    claims = (claim for item in ITEMS.values() for claim in item.claims)
    words = {claim.code: claim.zh[0] for claim in (*claims, *ITEMS["unregistered"].forms["mother"])}
    return MappingProxyType(words | {entry["name"]: entry["zh"] for entry in exports})


def export_columns(table: SourceTable) -> tuple[str, ...]:
    """The names of the columns that an export of this kind of source has, in order."""
    return tuple(entry["name"] for entry in _load("exports.toml")[table]["columns"])


def absent_columns(table: SourceTable) -> frozenset[str]:
    """The names of the columns that an export of this kind may lack."""
    return frozenset(entry["name"] for entry in _load("exports.toml")[table]["columns"] if entry.get("may_be_absent"))


def refused_words(code: str, row: int | None = None) -> Sentence:
    """A refusal as the partner is told it: why; the number of rows found, where that is what is wrong; and, as for
    every refusal, that a new batch id is needed.
    """
    words = REFUSALS[code]
    counted = ("", "") if code != "row_count" else (f"；文件实有 {row} 行", f"; the file has {row} rows")
    again = ("；重报时请换新批次号", "; use a new batch id when you send it again")
    if "新批次号" in words.zh:
        again = ("", "")
    return Sentence(code, words.zh + counted[0] + again[0], words.en + counted[1] + again[1])
