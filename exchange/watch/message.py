"""What a message to the office about alerts says: counts, batch ids, partners, periods and days; nobody who was asked
about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.base.tables import ALERTS
from exchange.register import Alert

MAX_MESSAGE_LINES: Final = 50
"""The most alerts in one message; the register has them all."""


@dataclass(frozen=True)
class Message:
    """A message to the office, Chinese with English beside. ``alerts``: the numbers of those that it is about: sent
    again after it was cut off, it may come a second time, among others, and whoever reads it drops what it has.
    """

    subject: str
    text: str
    alerts: tuple[int, ...] = ()


def compose(alerts: Sequence[Alert]) -> Message:
    """One message about all of these, what is worse first."""
    severity = {code: position for position, code in enumerate(ALERTS)}
    ordered = sorted(alerts, key=lambda alert: (severity[alert.code], alert.due_on, alert.subject, alert.days))
    counts = Counter(alert.code for alert in ordered)
    parts = [f"{words(code, None)[0]} {counts[code]}" for code in ALERTS if counts[code]]
    lines = [_line(alert) for alert in ordered[:MAX_MESSAGE_LINES]]
    if len(ordered) > MAX_MESSAGE_LINES:
        lines.append(f"另有 {len(ordered) - MAX_MESSAGE_LINES} 条 more: exchange deadline list")
    subject = f"户籍核查时限提醒：{'，'.join(parts)}"
    return Message(subject, "\n".join(lines) + "\n", tuple(alert.id for alert in ordered))


def words(code: str, days: int | None) -> tuple[str, str]:
    """The alert's sentence in Chinese and in English; without ``days``, of any number of days."""
    sentence = ALERTS[code]
    number = "" if days is None else str(days)
    return sentence.zh.format(days=number), sentence.en.format(days=number)


def _line(alert: Alert) -> str:
    zh, en = words(alert.code, alert.days)
    return f"{alert.subject}  {zh} {en}  时限 due {alert.due_on}  起 since {alert.true_on}  №{alert.id}"
