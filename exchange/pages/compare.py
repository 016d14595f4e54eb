"""A claim beside the register, column by column, with the characters that differ marked.

Rules
- A record of somebody else whom the claim names, the mother or the relative, says whose it is, and is compared with
  what the claim says of them alone.
- A character is never changed for the eye: where two look alike, the code point is in the mark. One of private use, for
  which hardly a screen has a glyph, stands with the character beside that it is in GB 18030 (``wire/gb18030.py``).
- A claim may be as long as a line of a file. What is too long to be compared letter by letter, which takes up to the
  cube of its length and the pages of all officers meanwhile, is compared from both ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, Final

from exchange.review.case import CaseView
from exchange.review.labels import in_words, labels
from exchange.supervision.labels import Words
from exchange.wire.gb18030 import private_use

_NUMBERS: Final = {"key": "id_number"}
"""Register column → the claim's column that says the same, where it has another name."""
_OF_OTHERS: Final = {
    "relative_id_number": {"key": "relative_id_number", "name": "relative_name"},
    "mother_id_number": {"key": "mother_id_number"},
}
"""Whose record it is → register column → the claim's column that says it of them."""
_DAY: Final = "birth_date"
_WHOSE: Final = {"relative_id_number": Words("对方", "the other"), "mother_id_number": Words("母亲", "mother")}


_MOST_PAIRS: Final = 20_000
"""Letters of one text times those of the other that are compared letter by letter; two addresses are some 2,500."""

_MOST_CODES: Final = 200
"""So many letters of a piece are told by their code points."""


@dataclass(frozen=True)
class Piece:
    """A part of a text; ``codes``: the code points of one that differs or is of private use; ``stands_for``: of private
    use, what it stands for, in words.
    """

    text: str
    differs: bool = False
    codes: str = ""
    stands_for: str = ""


@dataclass(frozen=True)
class ComparedLine:
    """One column: its label, the claim, and what each person of the register has."""

    label: str
    claim: list[Piece]
    people: list[list[Piece]]


def compared(case: CaseView) -> list[ComparedLine]:
    """The lines of the page: what is in both, then what is in one of them."""
    shown, people = case.people.columns, list(case.people.iter_rows(named=True))
    of_claim = {_NUMBERS.get(column, column) for column in shown}
    lines = [_line(case, column, people) for column in shown]
    rest = [column for column in case.claim if column not in of_claim]
    lines += [_line(case, column, [{}] * len(people), claimed=column) for column in rest]
    return [line for line in lines if any(piece.text for part in (line.claim, *line.people) for piece in part)]


def records(case: CaseView) -> list[Mapping[str, list[Piece]]]:
    """The sources' records in words."""
    lines = [in_words(row) for row in case.records.iter_rows(named=True)]
    return [{label: pieces(text) for label, text in line.items()} for line in lines]


def whose(case: CaseView) -> list[Words]:
    """Over each person of the register: whose record it is, where not that of the person asked about."""
    return [_WHOSE.get(other, Words("", "")) for other in case.others]


def _line(case: CaseView, column: str, people: Sequence[Mapping[str, Any]], claimed: str | None = None) -> ComparedLine:
    asked = claimed or _NUMBERS.get(column, column)
    claimed_text = _word(column, case.claim.get(asked))
    held = [_word(column, row.get(column)) for row in people]
    of_each = [_OF_OTHERS[other].get(column, "") if other else asked for other in case.others]
    said = [_word(column, case.claim.get(name)) for name in of_each]
    differs = _differing_days if column == _DAY else differing
    marked = [differs(text, word) if word and text else pieces(text) for text, word in zip(held, said, strict=True)]
    own = [text for text, other in zip(held, case.others, strict=True) if text and not other]
    return ComparedLine(
        labels().get(column, column),
        differs(claimed_text, own[0]) if claimed_text and own else pieces(claimed_text),
        marked,
    )


def _word(column: str, value: Any) -> str:
    """The value as the officer reads it: a code as its word, anything else as it stands."""
    return (
        "".join(in_words({column: value}).values()) if column != "key" or isinstance(value, int) else str(value or "")
    )


def differing(text: str, other: str) -> list[Piece]:
    """The text in pieces; those that the other does not have are marked by their code points."""
    parts = _letter_by_letter(text, other) if len(text) * len(other) <= _MOST_PAIRS else _from_both_ends(text, other)
    return [piece for part, differs in parts for piece in pieces(part, differs=differs)]


def _letter_by_letter(text: str, other: str) -> list[tuple[str, bool]]:
    matcher = SequenceMatcher(None, text, other, autojunk=False)
    return [(text[start:end], kind != "equal") for kind, start, end, _, _ in matcher.get_opcodes()]


def _from_both_ends(text: str, other: str) -> list[tuple[str, bool]]:
    before = _alike(text, other)
    behind = _alike(text[before:][::-1], other[before:][::-1])
    end = len(text) - behind
    return [part for part in ((text[:before], False), (text[before:end], True), (text[end:], False)) if part[0]]


def _alike(text: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = enumerate(zip(text, other, strict=False))
    return next((place for place, (one, its) in pairs if one != its), min(len(text), len(other)))


def _differing_days(text: str, other: str) -> list[Piece]:
    """The same of days: one that is written otherwise does not differ."""
    return pieces(text) if _numbers_of(text) == _numbers_of(other) else differing(text, other)


def _numbers_of(day: str) -> list[int]:
    """Year, month and day, where they are written with digits."""
    return [
        int(part) for part in re.findall(r"[0-9]+", re.sub(r"\b([0-9]{4})([0-9]{2})([0-9]{2})\b", r"\1-\2-\3", day))
    ]


def pieces(text: str, *, differs: bool = False) -> list[Piece]:
    """The text with each character of private use as a piece of its own."""
    split = []
    for private, run in groupby(text, _is_private):
        if private:
            split += [Piece(letter, differs, code_points(letter), _stands_for(letter)) for letter in run]
        else:
            part = "".join(run)
            told = code_points(part[:_MOST_CODES]) + " …" * (len(part) > _MOST_CODES)
            split.append(Piece(part, differs, told if differs else ""))
    return split


def code_points(text: Iterable[str]) -> str:
    """``U+5F20``…; characters of private use are named as such."""
    return " ".join(f"U+{ord(letter):04X}{' 私用区 private use' if _is_private(letter) else ''}" for letter in text)


def _stands_for(private: str) -> str:
    known = private_use().get(private)
    return f"即 {known}" if known else "私用区，字形不明"


def _is_private(character: str) -> bool:
    number = ord(character)
    return 0xE000 <= number <= 0xF8FF or 0xF0000 <= number <= 0x10FFFD
