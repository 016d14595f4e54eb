"""Days that documents and pages state in words of their own are those of the tables: whoever changes a table is told
which sentences say otherwise.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exchange.base.paths import ROOT
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS
from exchange.wire.certificates import TOLD_DAYS

MONTHLY: Final = (WORKING_DAYS["monthly"],)
OBJECTIONS: Final = (WORKING_DAYS[OBJECTION], EXTENDED_OBJECTION)
STATED: Final = {
    r"到期前 (\d+)(?:、(\d+)、(\d+))? 天": TOLD_DAYS,
    r"(?:told|From) (\d+)(?:, (\d+)(?:,| and) (\d+))? days before": TOLD_DAYS,
    r"partner check` 在 (\d+) 天内提示": TOLD_DAYS,
    r"(\d+) 个工作日内答复，经批准可延长一次至 (\d+) 个工作日": OBJECTIONS,
    r"按异议办理：(\d+) 个工作日": OBJECTIONS,
    r"(\d+)\s+working days, once extended to (\d+)": OBJECTIONS,
    r"an objection: (\d+) working days": OBJECTIONS,
    r"延长至 (\d+) 个工作日": OBJECTIONS[1:],
    r"exchange due monthly \S+ +# \S+ +(\d+) 个工作日": MONTHLY,
}
"""How the days are stated, and what they are, in their order; a sentence may leave out the last ones."""

WRITTEN: Final = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for pattern in ("README.md", "docs/*.md", "desk/src/ui/*.js", "dags/*.py", "exchange/pages/**/*.html")
    for path in sorted(ROOT.glob(pattern))
}


def found(pattern: str) -> list[tuple[Path, tuple[int, ...]]]:
    return [
        (path, tuple(int(day) for day in match.groups() if day is not None))
        for path, text in WRITTEN.items()
        for match in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize(("pattern", "days"), STATED.items())
def test_days_that_are_stated_are_those_of_the_table(pattern: str, days: tuple[int, ...]) -> None:
    stated = found(pattern)
    assert stated, "nobody writes so any more"
    assert [(path, said) for path, said in stated if said != tuple(days[: len(said)])] == []
