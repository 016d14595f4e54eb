"""The status file for people: what is to be done stands first, and a test is nowhere shown as a live batch."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pytest

from exchange.calendar.working_days import OFFICE_ZONE
from exchange.status.page import write_page
from exchange.wire.manifest import Refusal
from exchange.wire.status import BatchStatus, CertificateEnd, ExpectedSet, Status, WaitingResult

NOW = datetime(2026, 11, 28, 10, tzinfo=OFFICE_ZONE)
REFUSAL = Refusal(code="no_rows", zh="只有表头", en="a header alone")


def batch(number: int, **given: Any) -> BatchStatus:
    said = {"batch": f"p.{number}", "stage": "answered", "received_at": NOW - timedelta(days=number)}
    return BatchStatus.model_validate(said | given)


def page(*batches: BatchStatus, stage: Literal["test"] | None = None, **given: Any) -> str:
    empty: dict[str, Any] = {name: [] for name in ("results", "incomplete", "expected", "certificates", "maintenance")}
    said = {"office": "o", "partner": "p1", "zh": "某部门", "made_at": NOW, "day": NOW.date(), "formats": []}
    status = Status.model_validate(empty | said | {"stage": stage, "batches": list(batches)} | given)
    return write_page(status).decode()


REFUSED = {"stage": "refused", "refusal": REFUSAL}


@pytest.mark.parametrize(
    ("batches", "to_mend"),
    [
        ([batch(1)], 0),
        ([batch(1, **REFUSED), batch(2)], 1),
        ([batch(1, **REFUSED), batch(2, **REFUSED)], 2),
        ([batch(1), batch(2, **REFUSED)], 0),
        ([batch(1, stage="received"), batch(2, **REFUSED)], 0),
    ],
)
def test_a_refused_set_is_to_be_mended_until_another_comes(batches: list[BatchStatus], to_mend: int) -> None:
    said = page(*batches)
    assert re.findall(r"最近 (\d+) 份请求不予受理", said) == ([str(to_mend)] if to_mend else [])
    assert ("目前没有需要贵单位处理的事项" in said) is (to_mend == 0)


@pytest.mark.parametrize("stage", [None, "test"])
@pytest.mark.parametrize("is_test", [None, True])
def test_each_line_about_a_batch_says_its_stage_where_it_is_not_plain(
    stage: Literal["test"] | None, is_test: Literal[True] | None
) -> None:
    """Of a partner that is live a test is said to be one; of one that is in its tests again, a live batch."""
    open_, refused = batch(1, stage="in_work", test=is_test), batch(2, test=is_test, **REFUSED)
    result = WaitingResult(batch="p.3", test=is_test, name="p.3.result.csv", since=date(2026, 11, 1))
    said = page(open_, refused, stage=stage, results=[result])
    lines = re.findall(r'<td class="id">p\.\d</td>|<td class="id">p\.\d <strong>(\S+)', said)
    mark = "测试" if is_test else "正式" if stage else ""
    assert lines == [mark] * 3


@pytest.mark.parametrize(
    ("days", "soon", "says"), [(400, False, ""), (30, True, "即将到期"), (0, True, "即将到期"), (-1, True, "已到期")]
)
def test_a_certificate_that_has_ended_does_not_end_soon(days: int, soon: bool, says: str) -> None:
    end = CertificateEnd(whose="partner", use="signing", ends_on=NOW.date() + timedelta(days=days), soon=soon)
    (cell,) = re.findall(r'<td class="day[^"]*">\d{4}-\d\d-\d\d ([^<]*)', page(batch(1), certificates=[end]))
    assert cell.strip() == says


@pytest.mark.parametrize(("stage", "says"), [(None, "没有应报的请求"), ("test", "测试阶段不催报")])
def test_why_nothing_is_expected(stage: Literal["test"] | None, says: str) -> None:
    assert says in page(stage=stage)


@pytest.mark.parametrize(
    ("purpose", "zh", "says"), [("pension", "养老金资格核对", "养老金资格核对"), (None, None, "不限")]
)
def test_an_expected_set_is_told_by_its_purposes_name(purpose: str | None, zh: str | None, says: str) -> None:
    due = {"cycle": "monthly", "period": "2026-12", "expected_by": NOW.date(), "overdue": False}
    said = page(expected=[ExpectedSet.model_validate(due | {"purpose": purpose, "purpose_zh": zh})])
    assert re.search(rf"<td>{says} <", said)
