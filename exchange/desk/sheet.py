"""The sheet to print (一页纸): what a partner's clerk needs to have on the wall, on one page of A4; for everybody, with
lines to fill in, or with the values of an agreement.

Rules
- Its numbers and names are those of the tables and of the code (``schemas/deadlines.toml``, ``wire/manifest.py``); what
  its sentences name of the desk and of the guide, the tests look up there.
- One page however long an agreement's values are; no script, nothing fetched from anywhere.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import Expected
from exchange.base.paths import SCHEMAS
from exchange.base.tables import ITEMS
from exchange.calendar.deadlines import DEADLINES, OBJECTION, Deadline
from exchange.desk.page import host_key_fingerprint
from exchange.settings_sections import Policy
from exchange.wire.certificates import TOLD_DAYS
from exchange.wire.manifest import ENVELOPE_SUFFIX, REQUEST_SUFFIX, SIGNATURE_SUFFIX

_TEMPLATES: Final = Environment(
    loader=PackageLoader("exchange.desk", "."), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
)


@dataclass(frozen=True)
class Both:
    """The same text in Chinese and in English."""

    zh: str
    en: str


def sheet_page(agreement: Agreement | None = None, telephone: str | None = None) -> str:
    """The page in HTML; without an agreement its values are lines to fill in."""
    sftp = None if agreement is None else agreement.sftp.of_partner
    cycles = tuple(DEADLINES) if agreement is None else tuple(cycle for cycle in DEADLINES if _asks(agreement, cycle))
    return _TEMPLATES.get_template("sheet.html").render(
        agreement=agreement,
        sftp=sftp,
        telephone=telephone,
        fingerprint=None if sftp is None else host_key_fingerprint(sftp.host_key),
        to_office="to-office" if sftp is None else sftp.requests,
        from_office="from-office" if sftp is None else sftp.results,
        due=[(_cycle(code), _due(DEADLINES[code])) for code in cycles],
        expected=[]
        if agreement is None or agreement.is_test
        else [_expected(expectation) for expectation in agreement.expected],
        warn_days=TOLD_DAYS[0],
        patience=Policy().incomplete_after_minutes,
        request=REQUEST_SUFFIX,
        signature=SIGNATURE_SUFFIX,
        envelope=ENVELOPE_SUFFIX,
        form="csv" if agreement is None else agreement.result.format,
    )


def _asks(agreement: Agreement, cycle: str) -> bool:
    return cycle == OBJECTION or cycle in agreement.cycles


def _cycle(code: str) -> Both:
    """The cycle's words, as the monthly report has them."""
    words = tomllib.loads((SCHEMAS / "report.toml").read_text(encoding="utf-8"))["cycles"][code]
    return Both(*words)


def _due(deadline: Deadline) -> Both:
    """How long it takes, as the sheet says it."""
    days = deadline.working_days
    zh, en = [f"{days} 个工作日" if days else "当日"], [f"{days} working days" if days else "the same day"]
    for item, own in deadline.items.items():
        zh.append(f"{ITEMS[item].zh} {own} 个工作日")
        en.append(f"{item} {own} working days")
    if deadline.extended:
        zh.append(f"经批准可延长至 {deadline.extended} 个")
        en.append(f"with approval {deadline.extended}")
    return Both("，".join(zh), ", ".join(en))


def _expected(expected: Expected) -> Both:
    """By when a set is expected of each period."""
    cycle = _cycle(expected.cycle)
    working = expected.counting == "working_days"
    begins = expected.counted_from == "begin"
    zh = f"每{cycle.zh}{'期内' if begins else '结束后'}第 {expected.day} 个{'工作日' if working else '自然日'}前"
    days = "working day" if working else "day"
    en = f"{cycle.en}: by {days} {expected.day} {'of the period' if begins else 'after its end'}"
    about = "" if expected.purpose is None else f"（{expected.purpose}）"
    return Both(zh + about, en + about)
