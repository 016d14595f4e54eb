"""What stands at the head of the report, in sentences; made from its tables, so that it says no more than they do."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.supervision.month import Month
from exchange.supervision.protect import BASE, THRESHOLD
from exchange.supervision.table import Table, Value
from exchange.supervision.words import Words


def sentences(tables: Mapping[str, Table]) -> list[Words]:
    """How much, how fast, what is late, what waits."""
    total = _total(tables["batches"])
    rate = total["rate"]
    share = f"{rate:.1%}" if isinstance(rate, float) else "—"
    late = len(tables["late"].rows)
    found = [
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
    return [*found, waiting] if waiting else found


def _waiting(tables: Mapping[str, Table]) -> Words | None:
    reviews, approvals = _total(tables["reviews"]), _column(tables["approvals"], "waiting")
    missing = sum(1 for arrived in _column(tables["missing"], "arrived") if not arrived)
    lying = sum(n for n in _column(tables["pickups"], "lying") if isinstance(n, int))
    parts = [
        (reviews.get("open"), "待人工核实 {} 人次", "{} rows wait for an officer"),
        (sum(n for n in approvals if isinstance(n, int)), "待领导审批 {} 次", "{} releases for a leader"),
        (missing, "应报未报 {} 份", "{} expected sets have not come"),
        (lying, "结果未取走 {} 份", "{} results not taken yet"),
    ]
    said = [(zh.format(n), en.format(n)) for n, zh, en in parts if n is not None and str(n) != "0"]
    if not said:
        return None
    return Words(
        "期末：" + "，".join(zh for zh, _ in said) + "。", "At the end: " + ", ".join(en for _, en in said) + "."
    )


def _total(table: Table) -> dict[str, Value]:
    names = [column.name for column in table.head.columns]
    return dict(zip(names, table.total, strict=True)) if table.total else {}


def _column(table: Table, name: str) -> list[Value]:
    place = [column.name for column in table.head.columns].index(name)
    return [row[place] for row in table.rows]


def notes(month: Month, *, outside: bool) -> list[Words]:
    """How to read the report."""
    said = [
        Words(
            "上期结转 + 本期收件 = 不予受理 + 办结 + 期末在办。数字取自登记簿，为统计期末的状况（北京时间）；"
            "同一时期的报表任何时候重做，内容相同。",
            "Carried over + came = refused + done + open. The figures are the register's, as of the end of the time that is "
            "reported on (Beijing time); the report of the same time reads the same whenever it is made.",
        ),
        Words(
            "人次按行计，同一人多次核查计多次。本表不含任何个人信息。",
            "Rows are counted: who was asked about twice counts twice. There is nobody's data in this report.",
        ),
    ]
    if not month.whole:
        said.append(Words("本月未满，数字截至制表时。", "The month is not over; these are the figures up to now."))
    if outside:
        said.append(
            Words(
                f"对外发布：人次、人数 1 至 {THRESHOLD - 1} 的不公布（＊），其余取整到 {BASE} 的倍数；合计按公布的数字相加，"
                "数字后的＋表示另含未公布的数。批次是文件数，如实列出。",
                f"For outside: counts of people from 1 to {THRESHOLD - 1} are not shown (＊), all others are rounded to a "
                f"multiple of {BASE}; sums are those of what is shown, ＋ says that a count that is not shown would be part "
                "of it. Batches are files and are counted as they are.",
            )
        )
    return said
