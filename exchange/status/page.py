"""The status file for people: one page of HTML, style inside, no script, nothing fetched from anywhere.

Rule: it says what ``status.json`` says and nothing else; the same status gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exchange.calendar.working_days import OFFICE_ZONE
from exchange.supervision.labels import Words, cycle
from exchange.wire.manifest import Refusal
from exchange.wire.status import BatchStatus, CertificateEnd, Status

_TEMPLATES: Final = Environment(
    loader=PackageLoader("exchange.status", "."),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)

STAGES: Final = MappingProxyType(
    {
        "received": Words("已收件，待判定", "received, not judged yet"),
        "in_work": Words("已受理，办理中", "accepted, in work"),
        "answered_in_part": Words("已答复，余下补发", "answered, the rest follows"),
        "answered": Words("已答复", "answered"),
        "refused": Words("不予受理", "refused"),
    }
)
"""How far a batch is, as the partner was told."""

_WHOSE: Final = MappingProxyType({"partner": Words("贵单位", "yours"), "office": Words("户政部门", "the office's")})
_USES: Final = MappingProxyType({"signing": Words("签名", "signing"), "encryption": Words("加密", "encryption")})


def write_page(status: Status) -> bytes:
    """The page's bytes, by ``page.html``."""
    made = _TEMPLATES.get_template("page.html").render(
        status=status,
        open=[batch for batch in status.batches if batch.stage not in ("answered", "refused")],
        refused=[batch for batch in status.batches if batch.refusal is not None],
        todo=list(_to_do(status)),
        cycle=cycle,
        stage=STAGES.__getitem__,
        whose=_WHOSE.__getitem__,
        use=_USES.__getitem__,
        due=_due,
        end=lambda batch: _end(batch, status.day),
        mark=lambda batch: _stage_of(status, is_test=bool(batch.test)),
        moment=_moment,
        number=lambda count: "—" if count is None else f"{count:,}",
        position=_position,
    )
    return made.encode()


def _to_do(status: Status) -> Iterator[Words]:
    """What waits for the partner, a sentence each."""
    if count := len(status.results):
        yield Words(f"有 {count} 份结果未取", f"{count} results to fetch")
    if count := len(_not_mended(status)):
        yield Words(
            f"最近 {count} 份请求不予受理，请按下列原因改正，换新批次号重报",
            f"your last {count} sets were refused: put right what is said below, and send anew under a new batch id",
        )
    if count := len(status.incomplete):
        yield Words(f"有 {count} 处文件不齐全，未作为请求读取", f"{count} sets are not complete and not read")
    if count := sum(expected.overdue for expected in status.expected):
        yield Words(f"有 {count} 份应报请求已过期限", f"{count} expected sets are overdue")
    if any(certificate.soon and certificate.whose == "partner" for certificate in status.certificates):
        yield Words("贵单位的证书即将到期或已到期，请更换", "a certificate of yours ends or has ended: change it")
    if any(certificate.soon and certificate.whose == "office" for certificate in status.certificates):
        yield Words("户政部门的证书即将更换，请留意新证书", "a certificate of the office ends: the new one will follow")


def _not_mended(status: Status) -> list[BatchStatus]:
    """The refused sets behind which no other came: the newest batches, as far as they are refused."""
    return list(takewhile(lambda batch: batch.refusal is not None, status.batches))


def _end(end: CertificateEnd, day: date) -> Words:
    """Whether a certificate ends soon, or has ended."""
    if end.ends_on < day:
        return Words("已到期", "has ended")
    return Words("即将到期", "ends soon") if end.soon else Words("", "")


def _stage_of(status: Status, *, is_test: bool) -> Words:
    """What a batch is where it has to be said: a test's, or a live one of a partner that is in its tests again."""
    if is_test:
        return Words("测试", "TEST")
    return Words("正式", "live") if status.stage else Words("", "")


def _due(batch: BatchStatus) -> Words:
    """The due day as the last receipt says, with what is later."""
    due = batch.due
    if due is None:
        return Words("—", "")
    if due.clock_stands:
        return Words("停止计时", "the clock is paused")
    zh, en = f"{due.day}", ""
    if due.provisional:
        zh, en = f"{zh}（暂定）", "provisional"
    if due.items:
        last = max(due.items.values())
        zh, en = f"{zh}，部分事项 {last}", " ".join(filter(None, (en, f"some items {last}")))
    return Words(zh, en)


def _position(refusal: Refusal) -> str:
    """Where in the set, by row and column or field; of a wrong count, what was found."""
    if refusal.code == "row_count":
        return f"实有 {refusal.row} 行 {refusal.row} rows found"
    row = (
        None if refusal.row is None else "表头 header" if refusal.row == 0 else f"第 {refusal.row} 行 row {refusal.row}"
    )
    return "，".join(filter(None, (row, refusal.column))) or "—"


def _moment(at: datetime) -> str:
    return at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
