"""Approval (审批): what waits for a leader, one release with all that it is judged by, and the leader's word.

Rules
- The approval is the register's: given here, in the name of the person who is logged in, for the hash of the answers
  that this page showed. Airflow takes no answer and stores nothing of it, a leader's note to the officer included.
- A release is shown as the ledger's signed line tells it; one whose tables say otherwise is not shown at all.
- Counts, codes and reasons from a table: nobody who was asked about is on these pages; a sample of rows is one of its
  own (``sample.py``).
- Four eyes, by person: who decided a row does not approve its release, who proposed a pause does not decide it.
- Whatever waits is listed from the register, whether or not anything runs in Airflow.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.errors import Halt, without_values
from exchange.base.legal_bases import LegalBasis
from exchange.base.tables import RETURNS, STOPS
from exchange.calendar.working_days import office_day
from exchange.pages import words
from exchange.pages.answering import number_of
from exchange.pages.asked import PageRequest
from exchange.pages.extensions import DAYS, extendable
from exchange.pages.paging import page_of
from exchange.pages.suspicions import held
from exchange.pages.troubles import Agreements, agreements, named
from exchange.register import Batch, Release, ReleaseState
from exchange.register.board import disputed_lines, releases_under_way
from exchange.register.clock import Proposal
from exchange.register.releases import parse_id
from exchange.review import second_eyes
from exchange.review.decisions import check_note
from exchange.review.people import check_leader
from exchange.settings_sections import PersonRole
from exchange.steps.answers import BatchContext
from exchange.steps.release import is_stuck
from exchange.supervision import labels
from exchange.supervision.labels import Words

_DONE: Final = {
    "approved": Words(
        "已批准，补充答复将在数分钟内发出。", "Approved; the supplementary result leaves within minutes."
    ),
    "returned": Words("已退回民警。", "Returned to the officer."),
    "stopped": Words("已批准停止计时。", "The clock is paused."),
    "runs": Words("不予停止，计时照常。", "Not paused; the clock runs on."),
    "let_go": Words("已放行，结果已送达部门。", "Released; the partner has the result."),
    "refused": Words("不予答复，部门已收到回执。", "Refused; the partner has a receipt that says so."),
    "settled": Words("已裁定。", "Decided."),
    "extended": Words("已延期，部门随后收到新回执。", "Extended; the partner gets another receipt."),
    "not_extended": Words("不予延期，时限不变。", "Not extended; its due day stays."),
}


def approvals(asked: PageRequest) -> Response:
    """All that waits for a leader, what is due first before the rest; and what was approved and has not left yet."""
    app, today = asked.app, office_day(asked.app.now())
    known = agreements(app)
    releases = [(release, batch, *named(known, batch)) for release, batch in releases_under_way(app.register.engine)]
    waiting = [proposed for proposed in releases if proposed[0].state is ReleaseState.PROPOSED]
    page = page_of(waiting, asked.request.query_params.get("page"))
    return asked.page(
        "approvals.html",
        page=page,
        waiting=[_line(*row, today) for row in page.rows],
        leaving=[
            (release, partner, words.RELEASES[release.state], words.moment(since), is_stuck(release, app.now()))
            for release, _, partner, _ in releases
            if (since := release.may_leave_since) is not None
        ],
        stops=[_stop(app, known, proposal) for proposal in app.register.clock.proposals()],
        held=held(app, known),
        disputed=[(line, known.get(line.partner, (line.partner,))[0]) for line in disputed_lines(app.register.engine)],
        extendable=extendable(app, known),
        extension_days=DAYS,
        leaders=[leader.zh for leader in app.settings.with_role(PersonRole.LEADER)],
        done=_DONE.get(asked.request.query_params.get("done", "")),
    )


def _line(release: Release, batch: Batch, partner: str, purpose: str, today: date) -> dict[str, object]:
    return {
        "id": release.id,
        "partner": partner,
        "purpose": purpose,
        "rows": len(release.rows),
        "hits": _count_of(release, "record_found"),
        "clean": _count_of(release, "no_record"),
        "due": words.due_words(batch),
        "late": _presses(batch, today),
        "since": words.moment(release.proposed_at),
    }


def _presses(batch: Batch, today: date) -> bool:
    """Whether what is open is due today or was before; not while the clock is paused."""
    return not batch.clock_stands and batch.due_open is not None and batch.due_open <= today


def _stop(app: App, known: Agreements, asked: Proposal) -> dict[str, object]:
    batch = app.register.batch(asked.batch)
    partner, purpose = named(known, batch)
    return {
        "batch": batch.id,
        "number": asked.number,
        "partner": partner,
        "purpose": purpose,
        "due": words.due_words(batch),
        "reason": Words(STOPS[asked.reason].zh, STOPS[asked.reason].en),
        "note": asked.note or "",
        "by": words.who(app.settings, asked.proposed_by),
        "since": words.moment(asked.proposed_at),
        "mine": asked.proposed_by == app.register.actor,
    }


def approval(asked: PageRequest) -> Response:
    """One release: first the two counts that matter, then why, whose and when, and the buttons beside it."""
    app = asked.app
    try:
        batch_id, number = parse_id(asked.request.path_params["release_id"])
        app.register.releases.get(batch_id, number)
    except Halt:
        raise HTTPException(404) from None
    attested = app.register.attested(batch_id)
    release, batch = attested.release(number), attested.batch
    deciders = app.register.reviews.deciders(batch_id, release.rows)
    before = second_eyes.before(app, batch, release.rows)
    partner, purpose = named(agreements(app), batch)
    earlier = [sent_back for sent_back in attested.releases.values() if sent_back.number < number and sent_back.reason]
    return asked.page(
        "approval.html",
        release=release,
        batch=batch,
        waits=release.state is ReleaseState.PROPOSED,
        state=words.RELEASES[release.state],
        judged=f"{words.who(app.settings, release.judged_by)} {words.moment(release.judged_at)}".strip(),
        hits=_count_of(release, "record_found"),
        clean=_count_of(release, "no_record"),
        partner=partner,
        purpose=purpose,
        bases=_bases(BatchContext.of(app, batch).bases, office_day(app.now())),
        due=words.due_words(batch),
        late=_presses(batch, office_day(app.now())),
        since=words.moment(release.proposed_at),
        deciders=[words.who(app.settings, decider) for decider in sorted(deciders)],
        before=[words.who(app.settings, person) for person in sorted(before)],
        mine=app.register.actor in deciders | before,
        earlier=[(sent_back.number, words.RELEASES[sent_back.state], sent_back.reason) for sent_back in earlier],
        counts=[
            (labels.item(item), labels.answer(code), rows)
            for item, tally in release.counts.items()
            for code, rows in tally.items()
        ],
        returns=RETURNS,
    )


def _count_of(release: Release, code: str) -> int:
    """How often an item of offence records is answered so."""
    return sum(release.counts.get(item, {}).get(code, 0) for item in LETTER_ITEMS)


def _bases(bases: Iterable[LegalBasis], today: date) -> list[tuple[str, str]]:
    """Law with article, and until when where that is over."""
    return [
        (f"{basis.law}{basis.article}", "" if basis.in_force(today) else str(basis.in_force_until)) for basis in bases
    ]


def approve_release(asked: PageRequest) -> Response:
    """Lets the rows go whose hash was shown."""
    batch_id, number = _release(asked)
    check_leader(asked.app.settings, asked.app.register.actor)
    second_eyes.approve(asked.app, batch_id, number, asked.form.get("shown", ""))
    return _back(asked, "approved")


def return_release(asked: PageRequest) -> Response:
    """Sends the rows back to the officer, with a reason of the table and, if the leader likes, a note."""
    batch_id, number = _release(asked)
    check_leader(asked.app.settings, asked.app.register.actor)
    reason, note = RETURNS.get(asked.form.get("reason", "")), asked.form.get("note", "").strip()
    if reason is None:
        raise HTTPException(400)
    with without_values():
        check_note(note)
    asked.app.register.releases.reject(batch_id, number, f"{reason.zh}：{note}" if note else reason.zh)
    return _back(asked, "returned")


def decide_stop(asked: PageRequest) -> Response:
    """Pauses a clock as was proposed, or lets it run on, with why."""
    app, batch_id, number = asked.app, asked.form.get("batch", ""), number_of(asked.form.get("number", ""))
    if app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    check_leader(app.settings, app.register.actor)
    if asked.form.get("word") == "approve":
        app.register.clock.approve(batch_id, app.now(), number)
        return _back(asked, "stopped")
    if asked.form.get("word") != "reject":
        raise HTTPException(400)
    why = asked.form.get("why", "").strip()
    with without_values():
        check_note(why, needed=True)
    app.register.clock.reject(batch_id, app.now(), why, number)
    return _back(asked, "runs")


def _release(asked: PageRequest) -> tuple[str, int]:
    """The release that was posted; HTTP 404 where there is none."""
    try:
        batch_id, number = parse_id(asked.form.get("release", ""))
        asked.app.register.releases.get(batch_id, number)
    except Halt:
        raise HTTPException(404) from None
    return batch_id, number


def _back(asked: PageRequest, done: str) -> Response:
    return asked.see(f"/approval?done={done}")


PAGES: Final = {
    "approvals": approvals,
    "approval": approval,
    "approve_release": approve_release,
    "return_release": return_release,
    "decide_stop": decide_stop,
}
