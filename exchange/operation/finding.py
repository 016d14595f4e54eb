"""What a check of the installation finds.

Rule: a finding holds codes, counts, days and places of the office's own; never a person, a batch or a partner's file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """The worst last. ``WARNING``: work goes on, somebody should look; ``FAILING``: work has stopped or is not to be
    trusted.
    """

    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return list(Condition).index(self)


@dataclass(frozen=True)
class HealthFinding:
    """``about``: what of several a check looked at, a source or a place; the same in Chinese and in English."""

    condition: Condition
    zh: str
    en: str
    about: str = ""


def ok(zh: str, en: str, about: str = "") -> HealthFinding:
    """A finding that all is well."""
    return HealthFinding(Condition.OK, zh, en, about)


def warning(zh: str, en: str, about: str = "") -> HealthFinding:
    """A finding that somebody should look at."""
    return HealthFinding(Condition.WARNING, zh, en, about)


def failing(zh: str, en: str, about: str = "") -> HealthFinding:
    """A finding that something does not work."""
    return HealthFinding(Condition.FAILING, zh, en, about)
