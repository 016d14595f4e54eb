"""What stands in a cell, as the text that a CSV file would hold.

Rules
- A text is itself; a number is its digits, without the ``.0`` that programs keep inside; a date is ``YYYY-MM-DD``.
- A spreadsheet keeps 15 significant digits. A number of more digits has lost some: it is given in scientific notation,
  as the spreadsheet shows it, so that an 18-digit identity number kept as a number is recognised as
  one that has lost digits, which are never guessed.
- A cell is a date by its number format: the built-in ones, those of Chinese programs among them, and every custom one
  that shows a year or a day (ECMA-376, 18.8.30). Serial days count from 1900 or 1904, as the workbook says.
- A program that is given a month or a year makes its first day of it, and one that is given a day puts this year to it.
  So the first day behind a format that shows no day is the month (``2015-03``), or the year, and a day behind one that
  shows no year is without one (``03-20``): nobody claimed it.
- Errors and truth values are what the sheet shows (``#N/A``, ``TRUE``).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from exchange.base.invisible import INVISIBLE, is_invisible

EXACT_BELOW: Final = 10**15
"""Numbers of up to 15 digits are exact."""

BUILT_IN_DATES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("14", "15", "22", "30", "31"), "ymd")
    | dict.fromkeys(("17", "27", "36", "50", "52", "57"), "ym")
    | dict.fromkeys(("16", "28", "29", "51", "53", "54", "58"), "md")
)
"""Number of a format → what it shows, as ``date_shown`` says it."""

FORMULA: Final = r'^="([^"]*)"$'
"""A text that is written as a formula, so that a spreadsheet keeps its digits."""

QUOTED: Final = '^[\\s\ufeff\u200b]+"([^"]*)"[\\s\ufeff\u200b]*$'
"""A text in quotation marks behind a blank or a mark: they are text to CSV, and not to whoever wrote ``a, "b"``."""

SEEN: Final = rf"[^\s\p{{Cc}}{INVISIBLE}]"
"""The pattern of a cell with text in it, as ``has_text`` judges, for Polars."""

_NOT_SHOWN: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]?')
"""A bracket that is never closed hides the rest: looking for its end anew from each of them takes the square of the
time."""
_UNSEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cc"})
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MAX_DATE_SERIAL: Final = 2_958_465  # 9999-12-31
_LEAP_BUG: Final = 60  # the day 1900-02-29, which spreadsheets count and the calendar does not
_DAYS_1904: Final = 1462
_ZERO: Final = datetime(1899, 12, 30)
_NUMBER: Final = re.compile(r"\s*+[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?\s*+")
"""A number as XML has it (XML Schema part 2, double). No digit is tried twice: where two parts of it may be digits,
looking for what follows takes the square of the time."""


def date_shown(code: str) -> str:
    """Which of ``y``, ``m`` and ``d`` a custom number format shows, in this order; empty where it shows no date."""
    shown = _NOT_SHOWN.sub("", code.partition(";")[0]).lower()
    if "general" in shown or not ("y" in shown or "d" in shown):
        return ""
    return "".join(part for part in "ymd" if part in shown)


def number_text(raw: str, *, shown: str, from_1904: bool) -> str:
    """The text of a number cell from the digits in the file; ``shown`` is what its format shows of a date."""
    if not _NUMBER.fullmatch(raw):  # float() would take digits of other scripts and underscores, too
        return raw
    number = float(raw)
    if not math.isfinite(number):
        return raw
    if shown and 1 <= number + _DAYS_1904 * from_1904 < _MAX_DATE_SERIAL + 1:
        with suppress(OverflowError):  # rounded up to the second it may lie behind the calendar's last one
            return _date_text(number + _DAYS_1904 * from_1904, shown)
    if abs(number) >= EXACT_BELOW:
        return f"{number:.5E}"
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def _date_text(serial: float, shown: str) -> str:
    days = serial + 1 if serial < _LEAP_BUG else serial
    day = _ZERO + timedelta(seconds=round(days * 86_400))
    at_midnight = day.time() == datetime.min.time()
    text = day.date().isoformat() if at_midnight else day.isoformat(" ")
    if "y" not in shown:
        return text[len("yyyy-") :]
    if "d" in shown or day.day > 1 or not at_midnight:
        return text
    return text[: len("yyyy-mm")] if "m" in shown or day.month > 1 else text[: len("yyyy")]


def has_text(value: str) -> bool:
    """Whether a cell holds anything that can be seen: one of blanks, invisible characters and controls is empty."""
    return any(map(_is_seen, value))


def seen(value: str) -> str:
    """The text without its blanks, invisible characters and controls."""
    return "".join(filter(_is_seen, value))


def _is_seen(letter: str) -> bool:
    return unicodedata.category(letter) not in _UNSEEN and not is_invisible(letter)


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written ``_x000D_``, those beyond 16 bits as the two halves that UTF-16 has;
    a half without the other is the mark of a lost character.
    """
    if "_x" not in text:
        return text
    halves = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
