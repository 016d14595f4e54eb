"""The ledger in words on a batch's page: what an officer said of a row is not there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from exchange.pages.told import lines
from exchange.register import Step

AT = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def step(number: int, actor: str, facts: dict[str, object], moved: str = "delivered") -> Step:
    at = AT + timedelta(minutes=number)
    return Step(number, "delivered", moved, at, actor, json.dumps(facts), "0f")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"receipt": "0f" * 32, "receipt_signature": "0f" * 32}, "回执 receipt；回执签名 its signature"),
        ({"result-2": "0f" * 32}, "结果清单 result 2"),
        ({"release.1": "sealed 2", "release.1.answers": "0f"}, "放行 release 1 已制作 prepared；放行 release 1"),
        ({"release.2": "rejected 2", "release.2.note": "planted"}, "放行 release 2 已退回 returned；放行 release 2"),
        ({"pinned.population": "v"}, "固定快照 snapshot pinned 全省人口信息管理系统"),
        ({"rows_open": 59}, "待答复（行） rows still open 59"),
        ({"stop_proposed.1": "2026 record_unclear planted"}, "报请停止计时 a pause is proposed 1"),
        ({"extended": "planted"}, "延期 extended"),
        ({"destroyed.result_data-2": "x"}, "已销毁 destroyed 结果数据 result data"),
        ({"of_tomorrow": "planted"}, "of_tomorrow"),
    ],
)
def test_a_fact_in_words(facts: dict[str, object], told: str) -> None:
    (line,) = lines([step(0, "p-1", facts)])
    assert line.text.startswith(told.split(" 全省")[0])
    assert "planted" not in line.text


def test_what_officers_did_between_two_lines_is_counted_by_person() -> None:
    said = json.dumps({"criminal_record": "record_found"})
    steps = [
        step(0, "p-1", {"opened": "1,2"}),
        step(1, "p-1", {"review.1": f"{said} case_file"}),
        step(2, "p-2", {"opened": "3"}),
        step(3, "p-1", {"review.2": "word 1"}),
        step(4, "p-1", {"review.1": "undone"}),
        step(5, "p-2", {"left": "3"}),
        step(6, "x", {"rows_open": 2}),
        step(7, "p-2", {"left": "4"}),
        step(8, "x", {"rows_open": 2}),
        step(9, "p-2", {"opened": "5"}),
        step(10, "p-2", {"handed.5": "p-1"}),
    ]
    found = [(line.actor, line.text) for line in lines(steps)]
    assert found == [
        ("p-1", "查看 2 行 opened，登记结论 2 行 decided，撤回 1 行 undone"),
        ("p-2", "查看 1 行 opened"),
        ("x", "待答复（行） rows still open 2"),
        ("p-2", "放回 left"),
        ("x", "待答复（行） rows still open 2"),
        ("p-2", "查看 1 行 opened，移交 1 行 handed over"),
    ]
    assert "record_found" not in str(found)
