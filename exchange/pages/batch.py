"""A batch's page: everything that the register knows of it, as ``exchange register show`` prints it.

Rules
- Each table is shown a page at a time; the address says of which another page than its first is wanted.
- Answers about offence records are told by code to leaders and supervisors alone; an operator reads how many rows there
  are. Of a batch of one row, beside the letter of introduction, a count is somebody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.tables import ALERTS, SOURCES, STOPS
from exchange.pages import words
from exchange.pages.access import Group
from exchange.pages.asked import PageRequest
from exchange.pages.paging import page_of
from exchange.pages.told import lines
from exchange.pages.troubles import agreements
from exchange.register import Batch, State, Step
from exchange.register.clock import Proposal, missed_days
from exchange.register.extensions import ExtensionProposal
from exchange.register.guard import GuardHold
from exchange.supervision import labels
from exchange.supervision.labels import Words, span
from exchange.supervision.states import PICKUPS, arrived

Table = tuple[Words, tuple[Words, ...], Sequence[tuple[str, ...]]]
"""Title, heads and rows."""

_TOLD_OF_RECORDS: Final = frozenset({Group.LEADER, Group.SUPERVISOR})
_NOT_SHOWN: Final = Words("不在此列明", "not shown here")
_WHO: Final = Words("经办", "by")
_STATE: Final = Words("状态", "state")
_ROWS: Final = Words("行数", "rows")


def batch(asked: PageRequest) -> Response:
    """The page of one batch; 404 where there is none."""
    shown = asked.app.register.find_batch(asked.request.path_params["batch_id"])
    if shown is None:
        raise HTTPException(404)
    steps, query = asked.app.register.steps(shown.id), asked.request.query_params
    every_answer = not _TOLD_OF_RECORDS.isdisjoint(asked.visitor.groups)
    return asked.page(
        "batch.html",
        batch=shown,
        facts=list(_facts(asked.app, shown, steps)),
        way=_way(steps),
        tables=[
            (title, heads, page_of(rows, query.get("page") if query.get("of") == title.en else None))
            for title, heads, rows in _tables(asked.app, shown, steps, every_answer=every_answer)
            if rows
        ],
        failure=asked.context.failures_of([shown]).get(shown.id),
    )


def _facts(app: App, batch: Batch, steps: list[Step]) -> Iterator[tuple[Words, str]]:
    partner, _, purposes = agreements(app).get(batch.partner, (batch.partner, None, {}))
    yield Words("部门", "partner"), partner
    yield _STATE, str(words.STATES[batch.state])
    for hold in (*app.register.guard.holds(), *app.register.guard.unfinished()):
        if hold.batch == batch.id:
            yield Words("扣留", "held"), _held(hold)
    yield Words("周期", "cycle"), str(labels.cycle(batch.cycle)) + (f" {batch.period}" if batch.period else "")
    yield Words("用途", "purpose"), purposes.get(batch.purpose or "", batch.purpose or "")
    yield Words("依据", "legal basis"), batch.legal_basis or ""
    yield Words("文号", "letter"), batch.letter or ""
    yield Words("经办人", "handler"), batch.handler or ""
    yield Words("事项", "items"), "，".join(str(labels.item(item)) for item in batch.items)
    yield _ROWS, "" if batch.rows_in is None else f"{batch.rows_in:,}"
    yield Words("待答复", "still open"), "" if batch.rows_open is None else f"{batch.rows_open:,}"
    if batch.is_test:
        yield Words("阶段", "stage"), "测试，虚构数据 TEST, invented people"
    yield Words("报送", "came"), arrived(batch.arrival)
    yield Words("时限", "due"), str(words.due_words(batch))
    late = missed_days(batch, steps, app.register.clock.stops(batch.id))
    if late is not None:
        closed = next(step.at for step in steps if step.to_state == State.CLOSED)
        yield Words("办结", "done"), f"{words.moment(closed)} {'逾期 late' if late else '按时 on time'}"
    if batch.refusal_code:
        why = labels.refused_for(batch.refusal_code, batch.refusal_row, batch.refusal_column)
        yield Words("不予受理", "refused for"), why
    if batch.objects_to:
        yield Words("异议所对批次", "objects to"), batch.objects_to


def _held(hold: GuardHold) -> str:
    """What holds the batch, since when, and what is to be done, in Chinese and English."""
    why = "；".join(str(labels.trip(limit)) for limit in hold.tripped)
    if hold.decision is None:
        next_step = Words("请领导在“审批”页放行或不予答复", "a leader lets it go or refuses it on the page Approval")
    else:
        next_step = Words(
            "领导已决定，尚未告知部门；请领导在“审批”页再次提交",
            "decided, the partner is not told yet: same word again",
        )
    return f"防探测规则自 {words.moment(hold.held_at)} 扣留结果：{why}。{next_step}"


def _way(steps: list[Step]) -> list[tuple[Words, str, str]]:
    """The states that it went through: words, when, and how long after the one before."""
    way, before = [], None
    for step in steps:
        if step.from_state != step.to_state:
            after = span((step.at - before).total_seconds()) if before else ""
            way.append((words.STATES[State(step.to_state)], words.moment(step.at), after))
            before = step.at
    return way


def _tables(app: App, batch: Batch, steps: list[Step], *, every_answer: bool) -> Iterator[Table]:
    yield from _answers(app, batch, every_answer=every_answer)
    yield from _releases(app, batch)
    yield from _clock(app, batch)
    yield from _files_and_snapshots(app, batch)
    step_lines = [(line.when, words.who(app.settings, line.actor), line.text) for line in lines(steps)]
    yield Words("登记簿", "ledger"), (Words("时间", "when"), _WHO, Words("事项", "told")), step_lines


def _answers(app: App, batch: Batch, *, every_answer: bool) -> Iterator[Table]:
    lines = []
    for item, tally in app.register.answer_counts(batch.id).items():
        of_codes = [(str(labels.answer(code)), rows) for code, rows in sorted(tally.items())]
        if item in LETTER_ITEMS and not every_answer:
            of_codes = [(str(_NOT_SHOWN), sum(tally.values()))]
        lines += [(str(labels.item(item)), answer, f"{rows:,}") for answer, rows in of_codes]
    yield Words("各项答复", "answers"), (Words("事项", "item"), Words("答复", "answer"), _ROWS), lines
    queue = app.register.reviews.count(batch.id)
    rows = [(str(words.REVIEWS[state]), f"{count:,}") for state, count in queue.items() if count]
    yield Words("人工核实", "review"), (_STATE, _ROWS), rows


def _releases(app: App, batch: Batch) -> Iterator[Table]:
    heads = (Words("放行", "release"), _STATE, _ROWS, Words("送审", "proposed"), Words("审批", "judged"), _WHO)
    lines = [
        (
            str(release.number),
            str(words.RELEASES[release.state]),
            f"{len(release.rows):,}",
            words.moment(release.proposed_at),
            words.moment(release.judged_at),
            words.who(app.settings, release.judged_by) or ("" if release.needs_approval else "无需审批 not needed"),
        )
        for release in app.register.releases.of(batch.id)
    ]
    yield Words("放行", "releases"), heads, lines
    taken = [
        (str(pickup.number), words.moment(pickup.noticed_at), str(PICKUPS[pickup.how]))
        for pickup in app.register.pickups.of(batch.id)
    ]
    yield Words("部门取走", "taken"), (Words("结果", "result"), Words("时间", "when"), Words("凭据", "how")), taken


def _clock(app: App, batch: Batch) -> Iterator[Table]:
    heads = (Words("停", "paused"), _WHO, Words("原因", "reason"), Words("续", "resumed"), _WHO)
    stops = [
        (
            words.moment(stop.stopped_at),
            words.who(app.settings, stop.stopped_by),
            STOPS[stop.reason].zh,
            words.moment(stop.started_at) or str(words.not_resumed(batch.state)),
            words.who(app.settings, stop.started_by),
        )
        for stop in app.register.clock.stops(batch.id)
    ]
    yield Words("停止计时", "clock"), heads, stops
    asked = [*_proposal_lines(app, "停止计时 a pause", app.register.clock.proposals(batch.id))]
    asked += _proposal_lines(app, "延期 more time", app.register.extensions.proposals(batch.id))
    when = (Words("时间", "when"), _WHO, Words("审批", "judged"), _WHO, Words("结果", "outcome"))
    yield Words("报请", "asked for"), (Words("事项", "what"), *when), asked
    alerts = [
        (
            ALERTS[alert.code].zh,
            str(alert.days or ""),
            str(alert.due_on),
            str(alert.true_on),
            words.moment(alert.noticed_at),
        )
        for alert in app.register.alerts.find(partner=batch.partner, subject=batch.id)
    ]
    days = (Words("余", "days"), Words("时限", "due"), Words("应于", "true on"), Words("发现", "noticed"))
    yield Words("提醒", "alerts"), (Words("提醒", "alert"), *days), alerts


def _proposal_lines(
    app: App, what: str, proposals: Iterable[Proposal | ExtensionProposal]
) -> Iterator[tuple[str, ...]]:
    """What officers asked a leader for, without what they typed."""
    outcomes = {None: "待审批 waits", True: "批准 approved", False: "不予批准 not approved"}
    for proposal in proposals:
        asked = what, words.moment(proposal.proposed_at), words.who(app.settings, proposal.proposed_by)
        yield (
            *asked,
            words.moment(proposal.decided_at),
            words.who(app.settings, proposal.decided_by),
            outcomes[proposal.approved],
        )


def _files_and_snapshots(app: App, batch: Batch) -> Iterator[Table]:
    gone = app.register.retention.destroyed(batch.id)
    files = [
        (labels.role(file.role), file.name, f"{file.size:,}", file.sha256, words.moment(gone.get(file.role)))
        for file in app.register.files(batch.id)
    ]
    heads = (Words("种类", "role"), Words("文件", "name"), Words("字节", "bytes"), Words("SHA-256", ""))
    yield Words("文件", "files"), (*heads, Words("销毁", "destroyed")), files
    uses = [
        (SOURCES[source].zh if source in SOURCES else source, str(as_of), version)
        for later in (False, True)
        for source, (version, as_of) in sorted(app.register.snapshots.of(batch.id, later=later).items())
    ]
    yield Words("快照", "snapshots"), (Words("来源", "source"), Words("截至", "as of"), Words("版本", "version")), uses


PAGES: Final = {"batch": batch}
