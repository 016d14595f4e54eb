"""Review (人工核实): an officer's rows by due day, one of them opened, and the decision.

Rules
- A row is the officer's where it is of their offices or below, and of nobody else, whatever was posted.
- Opening is a POST, because it is written into the register, once for each opening, before anything is shown; deciding
  opens nothing.
- What is decided is what the officer saw: it was opened by this person, by nobody since, and the row's version travels
  with the form.
- Where two officers are needed, neither sees the other's word; where they differ, a third or a leader sees both.
- A row that somebody has open says so, and opens for nobody else meanwhile; whoever leaves it undecided frees it, or
  hands it to a colleague who may decide it.
- The next row is opened by a POST as any is. What is gone through (all, a batch, a heap) travels with the forms, and so
  does the last reason, which the officer sees before it is registered again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.app import App
from exchange.base.errors import Halt, without_values
from exchange.base.tables import ANSWERS, CAUSES, ITEMS, REASONS, STOPS
from exchange.calendar.working_days import office_day
from exchange.pages import words
from exchange.pages.answering import number_of
from exchange.pages.asked import PageRequest
from exchange.pages.compare import compared, records, whose
from exchange.pages.troubles import agreements, named
from exchange.register import Decision, Review, ReviewState
from exchange.register.board import QueueLine, handed_lines, own_lines, queue_counts, queue_lines
from exchange.register.heaps import Chosen, Heap, count, heaps, next_row
from exchange.register.returned import Returned, returned_releases
from exchange.review.alike import AT_LEAST, may_be_alike
from exchange.review.case import CaseView, load_cases, open_columns
from exchange.review.decisions import allowed, check_reason, complete
from exchange.review.labels import why
from exchange.review.people import colleagues, is_leader, may_review, offices_of
from exchange.review.reads import will_read
from exchange.review.second_eyes import before, decide, needs_two, undo
from exchange.settings_sections import Person
from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.supervision.report import office_name

LIST_ROWS: Final = 200
OWN_ROWS: Final = 20
HEAPS: Final = 50
ANSWER: Final = "answer."
_DONE: Final = {
    "decided": Words("已登记核实结论。", "The decision is registered."),
    "another": Words("已登记，须另一位民警核实。", "Your word is registered; another officer must look."),
    "undone": Words("已撤回。", "Taken back."),
    "handed": Words("已移交同事。", "Handed to your colleague."),
    "left": Words("已放回，同事可以办理。", "Left; a colleague may open it."),
    "none": Words("没有下一行了。", "There is no next row."),
    "alike": Words("已一并登记核实结论。", "All of them are decided."),
    "asked": Words("已报请停止计时，待领导审批；计时照常。", "A leader is asked; the clock runs until then."),
    "waits": Words("已有报请，或计时已停止。", "It was asked already, or the clock is paused."),
    "more": Words("已报请延期，待领导审批；时限暂不变。", "A leader is asked; its due day stays until then."),
    "few": Words("没有足够的同类行，请逐行办理。", "There are not enough rows alike; decide them one by one."),
    "proposed": Words(
        "已重新送审，一分钟内列入领导的审批页。", "Proposed again; it is before the leader within a minute."
    ),
}
_OPEN: Final = Words("正在查看", "has it open")
_HANDED: Final = Words("已接移交", "was handed it")
_FOLLOWS_IDENTITY: Final = ("id_number", "name")


def review(asked: PageRequest) -> Response:
    """My rows, what is due first before the rest."""
    app, divisions = asked.app, offices_of(asked.app.settings, asked.app.register.actor)
    names, own_heaps = agreements(app), heaps(app.register.engine, divisions, app.register.actor, HEAPS)
    lines = queue_lines(app.register.engine, divisions, app.register.actor, LIST_ROWS)
    own = own_lines(app.register.engine, app.register.actor, OWN_ROWS + 1)
    return asked.page(
        "review.html",
        heaps=[
            (heap, names.get(heap.partner, (heap.partner,))[0], causes_in_words(heap.causes), _may_be_many(app, heap))
            for heap in own_heaps
        ],
        batches=list(dict.fromkeys(heap.batch for heap in own_heaps)),
        why={heap.causes: causes_in_words(heap.causes) for heap in own_heaps},
        lines=[(line, names.get(line.partner, (line.partner,))[0], _causes(line), _held(app, line)) for line in lines],
        handed=handed_lines(app.register.engine, app.register.actor, app.now()),
        own=own[:OWN_ROWS],
        more_own=len(own) > OWN_ROWS,
        counts=queue_counts(app.register.engine, divisions),
        states=words.REVIEWS,
        office=lambda division: office_name(app.settings, division),
        today=office_day(app.now()),
        late=_late,
        returned=[
            (release, *named(names, release.batch), words.due_words(release.batch)) for release in _returned(asked)
        ],
        done=_DONE.get(next(iter(asked.request.query_params), "")),
    )


def _returned(asked: PageRequest) -> list[Returned]:
    app = asked.app
    return returned_releases(app.register.engine, offices_of(app.settings, app.register.actor))


def _may_be_many(app: App, heap: Heap) -> bool:
    return heap.rows >= AT_LEAST and may_be_alike(app, heap.batch)


_BEHIND_ALL: Final = 2**31 - 1
"""No batch has a row of a larger number."""


def open_row(asked: PageRequest) -> Response:
    """The row that was posted."""
    return _opened(asked, own_row(asked))


def open_next(asked: PageRequest) -> Response:
    """The row that comes after the one that was posted, or first, of what the officer goes through. A batch that cannot
    be shown, as one whose file was lost, is passed over; where nothing else is left it is told.
    """
    app, form = asked.app, asked.form
    divisions, person = offices_of(app.settings, app.register.actor), app.register.actor
    after = None
    if form.get("row"):
        last = own_row(asked)
        after = last.batch, last.row
        if last.held_by == person:  # a row that was decided is free already
            app.register.reviews.left(*after)
    passed: dict[str, Halt] = {}
    while (upcoming := next_row(app.register.engine, divisions, person, app.now(), chosen(form), after)) is not None:
        if upcoming[0] in passed:
            break
        try:
            return _opened(asked, app.register.reviews.get(*upcoming))
        except Halt as trouble:
            if not _was_taken(app, *upcoming):
                passed[upcoming[0]], after = trouble, (upcoming[0], _BEHIND_ALL)
                with suppress(Halt):
                    app.register.reviews.left(*upcoming)
    if passed:
        raise next(iter(passed.values()))
    return asked.see("/review?none=1")


def _was_taken(app: App, batch_id: str, row: int) -> bool:
    """Whether somebody else opened the row between the look and the step."""
    review = app.register.reviews.get(batch_id, row)
    return review.held_by not in (None, app.register.actor)


def chosen(form: Mapping[str, str]) -> Chosen:
    """What the officer goes through, as the forms carry it."""
    return Chosen(form.get("only") or None, tuple(filter(None, form.get("causes", "").split(";"))))


def _opened(asked: PageRequest, review: Review) -> Response:
    """One row with its people; the register has been told before this is rendered."""
    register = asked.app.register
    batch = register.batch(review.batch)
    two = needs_two(batch)
    may_decide = _decidable(asked.app, review, two=two)
    with without_values():
        case = load_cases(asked.app, review.batch, [review], hold=may_decide)[0]
        lines, held = compared(case), records(case)
    partner, purpose = named(agreements(asked.app), batch)
    return asked.page(
        "row.html",
        review=review,
        batch=batch,
        partner=partner,
        purpose=purpose,
        why=why(review),
        lines=lines,
        people=whose(case),
        records=held,
        columns=_columns(case),
        returned_for=review.returned_for if review.state is ReviewState.OPEN else None,
        before=review.answers,
        before_reason=review.reason,
        reasons=REASONS,
        stops=STOPS if batch.due_on is not None and not batch.clock_stands else {},
        due=words.due_words(batch),
        moment=words.moment(asked.app.now()),
        decidable=may_decide,
        through=chosen(asked.form),
        left=_left(asked),
        last_reason=asked.form.get("reason", ""),
        colleagues=_colleagues(asked, review) if may_decide and review.state is ReviewState.OPEN else [],
        two=two,
        disputed=[(words.who(asked.app.settings, word.by), _in_words(word.answers)) for word in review.words]
        if review.is_disputed
        else [],
    )


def decide_row(asked: PageRequest) -> Response:
    """Takes the decision, all of it or nothing, and leads back to the list."""
    review, form = own_row(asked), asked.form
    version = number_of(form.get("version", ""))
    if not review.was_opened_by(asked.app.register.actor, asked.app.now()):
        msg = f"{review.batch} row {review.row} is not open with you; open it, then decide"
        raise Halt(msg, zh=f"{review.batch} 第 {review.row} 行不在您手中，请先打开再核实")
    answers = {name.removeprefix(ANSWER): code for name, code in form.items() if name.startswith(ANSWER) and code}
    note = form.get("note", "").strip() or None
    with without_values():
        check_reason(form.get("reason", ""), note)
        every_answer = complete(open_columns(asked.app, review.batch, [review.row])[0], answers)
        settled = decide(asked.app, review.batch, [Decision(review.row, version, every_answer, form["reason"], note)])
    if not may_review(asked.app.settings, asked.app.register.actor, review.division):
        return asked.see("/approval?done=settled")
    return asked.see("/review?decided=1" if settled else "/review?another=1")


def leave_row(asked: PageRequest) -> Response:
    """Leaves a row undecided, so that a colleague may open it at once."""
    review = own_row(asked)
    asked.app.register.reviews.left(review.batch, review.row)
    mine = may_review(asked.app.settings, asked.app.register.actor, review.division)
    return asked.see("/review?left=1" if mine else "/approval")


def hand_row(asked: PageRequest) -> Response:
    """Hands a row that this officer has open to a colleague."""
    review, to = own_row(asked), asked.form.get("to", "")
    if to not in [colleague.id for colleague in _colleagues(asked, review)]:
        msg = f"{review.batch} row {review.row}: choose an officer who may decide it and gave no word on it"
        raise Halt(msg, zh=f"{review.batch} 第 {review.row} 行：请选择有权核实且尚未核实此行的民警")
    asked.app.register.reviews.hand(review.batch, review.row, to)
    return asked.see("/review?handed=1")


def _colleagues(asked: PageRequest, review: Review) -> list[Person]:
    """To whom the row may be handed."""
    others = colleagues(asked.app.settings, asked.app.register.actor, review.division)
    decided = before(asked.app, asked.app.register.batch(review.batch), [review.row])
    return [other for other in others if other.id not in decided and not review.waits_without(other.id)]


def _left(asked: PageRequest) -> int | None:
    """How many rows of what the officer goes through are left, this one with them; None for a leader."""
    app, person = asked.app, asked.visitor.person
    if person is None or not person.offices:
        return None
    return count(app.register.engine, person.offices, person.id, chosen(asked.form))


def undo_row(asked: PageRequest) -> Response:
    """Takes back what this officer said."""
    review = own_row(asked)
    undo(asked.app, review.batch, review.row)
    return asked.see("/review?undone=1")


def _decidable(app: App, review: Review, *, two: bool) -> bool:
    """Whether this person may give a word on it now."""
    if review.waits_without(app.register.actor):
        return False
    return review.state is ReviewState.OPEN or (review.state is ReviewState.DECIDED and not two)


def _in_words(answers: Mapping[str, str]) -> str:
    return "；".join(f"{labels.item(column).zh} {labels.answer(code).zh}" for column, code in answers.items())


def _held(app: App, line: QueueLine) -> str:
    """Who else has the row open, or is to open it."""
    now = app.now()
    who = words.who(app.settings, line.held(app.register.actor, now))
    whose_turn = _HANDED if line.was_handed(now) else _OPEN
    return f"{who} {whose_turn}" if who else ""


def own_row(asked: PageRequest) -> Review:
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


def _columns(case: CaseView) -> list[tuple[str, str, str, str, list[tuple[str, str, str, str]]]]:
    """Of each column to be decided: code, label, the answer now, the proposal, and (code, Chinese, English, what the
    partner will read) of what may be decided. Number and name follow the identity, where that is to be decided.
    """
    columns = []
    for column, now in case.open.items():
        if "identity" in case.open and column in _FOLLOWS_IDENTITY:
            continue
        may = [(c, ANSWERS[c].zh, ANSWERS[c].en, will_read(case.open, column, c)) for c in allowed(column)]
        proposal = case.proposal.get(column, "")
        taken = proposal if proposal in allowed(column) else ""
        columns.append((column, str(labels.item(column)), ANSWERS[now].zh, taken, may))
    return columns


def _causes(line: QueueLine) -> str:
    causes = causes_in_words(line.causes)
    return f"{causes}；退回：{line.returned_for}" if line.returned_for else causes


def causes_in_words(causes: Iterable[str]) -> str:
    """Why a row is in the queue, in Chinese."""
    return "；".join(CAUSES[cause].zh if cause in CAUSES else ITEMS[cause].zh for cause in causes)


def _late(due: date | None, today: date) -> str:
    if due is None or due > today:
        return ""
    return "late" if due < today else "today"


PAGES: Final = {
    "review": review,
    "open_row": open_row,
    "open_next": open_next,
    "leave_row": leave_row,
    "hand_row": hand_row,
    "decide_row": decide_row,
    "undo_row": undo_row,
}
