"""Review (人工核实): an officer's rows by due day, one of them opened, and the decision.

Rules
- A row is the officer's where it is of their offices or below, and of nobody else, whatever was posted.
- Opening is a POST, because it is written into the register, once for each opening, before anything is shown; deciding
  opens nothing.
- What is decided is what the officer saw: it was opened by this person, by nobody since, and the row's version travels
  with the form.
- Where two officers are needed, neither sees the other's word; where they differ, a third or a leader sees both.
- A row that somebody has open says so, and opens for nobody else meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.app import App
from exchange.base.errors import Halt, without_values
from exchange.base.tables import ANSWERS, CAUSES, ITEMS, REASONS
from exchange.calendar.working_days import office_day
from exchange.pages import words
from exchange.pages.answering import number_of
from exchange.pages.asked import Asked
from exchange.pages.compare import compared, records
from exchange.pages.troubles import agreements, named
from exchange.register import Decision, Review, ReviewState
from exchange.register.board import QueueLine, own_lines, queue_counts, queue_lines
from exchange.register.returned import Returned, returned_releases
from exchange.review.case import CaseView, load_cases, open_columns
from exchange.review.decisions import allowed, check_reason, complete
from exchange.review.labels import why
from exchange.review.people import is_leader, may_review, offices_of
from exchange.review.second_eyes import decide, needs_two, undo
from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.supervision.report import office_name

LIST_ROWS: Final = 200
OWN_ROWS: Final = 20
ANSWER: Final = "answer."
_DONE: Final = {
    "decided": Words("已登记核实结论。", "The decision is registered."),
    "another": Words("已登记，须另一位民警核实。", "Your word is registered; another officer must look."),
    "undone": Words("已撤回。", "Taken back."),
    "proposed": Words(
        "已重新送审，一分钟内列入领导的审批页。", "Proposed again; it is before the leader within a minute."
    ),
}
_FOLLOWS_IDENTITY: Final = ("id_number", "name")


def review(asked: Asked) -> Response:
    """My rows, what is due first before the rest."""
    app, divisions = asked.app, offices_of(asked.app.settings, asked.app.register.actor)
    names = agreements(app)
    lines = queue_lines(app.register.engine, divisions, app.register.actor, LIST_ROWS)
    return asked.page(
        "review.html",
        lines=[(line, names.get(line.partner, (line.partner,))[0], _causes(line), _held(app, line)) for line in lines],
        own=own_lines(app.register.engine, app.register.actor, OWN_ROWS),
        counts=queue_counts(app.register.engine, divisions),
        states=words.REVIEWS,
        office=lambda division: office_name(app.settings, division),
        today=office_day(app.now()),
        late=_late,
        returned=[(each, *named(names, each.batch), words.due_words(each.batch)) for each in _returned(asked)],
        done=_DONE.get(next(iter(asked.request.query_params), "")),
    )


def _returned(asked: Asked) -> list[Returned]:
    app = asked.app
    return returned_releases(app.register.engine, offices_of(app.settings, app.register.actor))


def open_row(asked: Asked) -> Response:
    """One row with its people; the register has been told before this is rendered."""
    review = _mine(asked)
    may_decide = _decidable(asked.app, review)
    with without_values():
        case = load_cases(asked.app, review.batch, [review], hold=may_decide)[0]
        lines, held = compared(case), records(case)
    register = asked.app.register
    batch = register.batch(review.batch)
    partner, purpose = named(agreements(asked.app), batch)
    return asked.page(
        "row.html",
        review=review,
        batch=batch,
        partner=partner,
        purpose=purpose,
        why=why(review),
        lines=lines,
        people=case.people.height,
        records=held,
        columns=_columns(case),
        returned_for=review.returned_for if review.state is ReviewState.OPEN else None,
        before=review.answers,
        before_reason=review.reason,
        reasons=REASONS,
        due=words.due_words(batch),
        moment=words.moment(asked.app.now()),
        decidable=may_decide,
        two=needs_two(asked.app, review.batch),
        disputed=[(words.who(asked.app.settings, each.by), _in_words(each.answers)) for each in review.words]
        if review.is_disputed
        else [],
    )


def decide_row(asked: Asked) -> Response:
    """Takes the decision, all of it or nothing, and leads back to the list."""
    review, form = _mine(asked), asked.form
    version = number_of(form.get("version", ""))
    if review.held_by != asked.app.register.actor:
        msg = f"{review.batch} row {review.row} is not open with you; open it, then decide"
        raise Halt(msg)
    answers = {name.removeprefix(ANSWER): code for name, code in form.items() if name.startswith(ANSWER) and code}
    note = form.get("note", "").strip() or None
    with without_values():
        check_reason(form.get("reason", ""), note)
        said = complete(open_columns(asked.app, review.batch, [review.row])[0], answers)
        settled = decide(asked.app, review.batch, [Decision(review.row, version, said, form["reason"], note)])
    if not may_review(asked.app.settings, asked.app.register.actor, review.division):
        return asked.see("/approval?done=settled")
    return asked.see("/review?decided=1" if settled else "/review?another=1")


def undo_row(asked: Asked) -> Response:
    """Takes back what this officer said."""
    review = _mine(asked)
    undo(asked.app, review.batch, review.row)
    return asked.see("/review?undone=1")


def _decidable(app: App, review: Review) -> bool:
    """Whether this person may give a word on it now."""
    if review.waits_without(app.register.actor):
        return False
    two = needs_two(app, review.batch)
    return review.state is ReviewState.OPEN or (review.state is ReviewState.DECIDED and not two)


def _in_words(answers: Mapping[str, str]) -> str:
    return "；".join(f"{labels.item(column).zh} {labels.answer(code).zh}" for column, code in answers.items())


def _held(app: App, line: QueueLine) -> str:
    """Who else has the row open."""
    return words.who(app.settings, line.held(app.register.actor, app.now()))


def _mine(asked: Asked) -> Review:
    """The row that was posted, where it is this officer's, or this leader's since two officers differ; what is not is
    as if it were not there.
    """
    batch_id, row = asked.form.get("batch", ""), number_of(asked.form.get("row", ""))
    try:
        review = asked.app.register.reviews.get(batch_id, row)
    except Halt:
        raise HTTPException(404) from None
    settings, person = asked.app.settings, asked.app.register.actor
    if not may_review(settings, person, review.division) and not (review.is_disputed and is_leader(settings, person)):
        raise HTTPException(404)
    return review


def _columns(case: CaseView) -> list[tuple[str, str, str, str, list[tuple[str, str, str]]]]:
    """Of each column to be decided: code, label, the answer now, the proposal, and (code, Chinese, English) of what may
    be decided. Number and name follow the identity, where that is to be decided.
    """
    columns = []
    for column, now in case.open.items():
        if "identity" in case.open and column in _FOLLOWS_IDENTITY:
            continue
        may = [(code, ANSWERS[code].zh, ANSWERS[code].en) for code in allowed(column)]
        proposal = case.proposal.get(column, "")
        taken = proposal if proposal in allowed(column) else ""
        columns.append((column, str(labels.item(column)), ANSWERS[now].zh, taken, may))
    return columns


def _causes(line: QueueLine) -> str:
    parts = [CAUSES[cause].zh if cause in CAUSES else ITEMS[cause].zh for cause in line.causes]
    return "；".join([*parts, f"退回：{line.returned_for}"] if line.returned_for else parts)


def _late(due: date | None, today: date) -> str:
    if due is None or due > today:
        return ""
    return "late" if due < today else "today"


PAGES: Final = {"review": review, "open_row": open_row, "decide_row": decide_row, "undo_row": undo_row}
