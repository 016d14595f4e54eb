"""What stands at the head of the report, in sentences; made from its tables, so that it says no more than they do."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.supervision.month import Month
from exchange.supervision.protect import BASE, LEAST_SHOWN
from exchange.supervision.shares import percent
from exchange.supervision.table import Table, Value


def sentences(tables: Mapping[str, Table]) -> list[Words]:
    """How much, how fast, what is late, what waits."""
    total = _total(tables["batches"])
    rate = total["rate"]
    share = percent(rate if isinstance(rate, float) else None)
    late = len(tables["late"].rows)
    parts = [
        Words(
            f"收到核查请求 {total['came']} 批，上期结转 {total['carried']} 批；办结 {total['done']} 批，"
            f"不予受理 {total['refused']} 批，期末在办 {total['open']} 批；答复 {total['people']} 人次。",
            f"{total['came']} batches came, {total['carried']} were carried over; {total['done']} done, "
            f"{total['refused']} refused, {total['open']} open at the end; {total['people']} rows answered.",
        ),
        Words(
            f"按时办结率 {share}。逾期办结 {total['late']} 批，期末逾期未结 {total['overdue']} 批"
            + ("，见“逾期批次”。" if late else "。"),
            f"{share} on time; {total['late']} done late, {total['overdue']} overdue at the end.",
        ),
    ]
    waiting = _waiting(tables)
    return [*parts, waiting] if waiting else parts


def _waiting(tables: Mapping[str, Table]) -> Words | None:
    reviews, approvals = _total(tables["reviews"]), _column(tables["approvals"], "waiting")
    missing = sum(1 for arrived in _column(tables["missing"], "arrived") if not arrived)
    uncollected = sum(n for n in _column(tables["pickups"], "uncollected") if isinstance(n, int))
    parts = [
        (reviews.get("open"), "待人工核实 {} 人次", "{} rows wait for an officer"),
        (sum(n for n in approvals if isinstance(n, int)), "待领导审批 {} 次", "{} releases for a leader"),
        (missing, "应报未报 {} 份", "{} expected sets have not come"),
        (uncollected, "结果未取走 {} 份", "{} results not taken yet"),
    ]
    clauses = [(zh.format(n), en.format(n)) for n, zh, en in parts if n is not None and str(n) != "0"]
    if not clauses:
        return None
    return Words(
        "期末：" + "，".join(zh for zh, _ in clauses) + "。", "At the end: " + ", ".join(en for _, en in clauses) + "."
    )


def _total(table: Table) -> dict[str, Value]:
    names = [column.name for column in table.head.columns]
    return dict(zip(names, table.total, strict=True)) if table.total else {}


def _column(table: Table, name: str) -> list[Value]:
    position = [column.name for column in table.head.columns].index(name)
    return [row[position] for row in table.rows]


def notes(month: Month, *, outside: bool) -> list[Words]:
    """How to read the report."""
    kinds = ["every"] + ["running"] * (not month.whole) + ["outside"] * outside
    values = {"below": LEAST_SHOWN - 1, "base": BASE}
    chosen = [note for kind in kinds for note in labels.notes(kind)]
    return [Words(sentence.zh.format(**values), sentence.en.format(**values)) for sentence in chosen]
