"""Release: rows that had to wait leave in a supplementary result, once they are decided and approved.

    propose   which rows can leave now; the leader's approval is asked where it is due
    issue     an approved release: sealed, delivered, and with the last open row the batch is closed

Rules
- *No record* and confirmed hits leave only with the leader's approval; an approval given in advance covers *no record*
  in ad hoc batches, never a row that an officer had in hand. Other decided rows leave without.
- A release waits until no row of the batch is open with an officer; on the due day, what is decided goes.
- Rows that only wait for the leader do not wait for officers.
- Each verb may be killed and run again: the register says how far a release is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import polars as pl

from exchange.agreements import LETTER_ITEMS
from exchange.errors import Halt
from exchange.office import Office
from exchange.register import (
    FileRecord,
    Outcome,
    Release,
    ReleaseState,
    ReviewFilter,
    ReviewState,
    Role,
    State,
    numbered,
)
from exchange.register.releases import parse_id
from exchange.results import count_answers
from exchange.steps.answers import (
    AWAITING,
    PENDING,
    POPULATION,
    WAITING,
    Question,
    answer_columns,
    ask_again,
    has_code,
)
from exchange.steps.queue import new_reviews
from exchange.steps.seal import seal_data, sign_result
from exchange.working_days import office_day

log = logging.getLogger(__name__)
_HELD = frozenset(ReleaseState) - {ReleaseState.REOPENED}


@dataclass
class Proposals:
    """``releases``: all with which something is to be done; ``troubles``: batches that a person must look at first."""

    releases: list[Release] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def propose_all(office: Office) -> Proposals:
    """Proposes what can be proposed of every delivered batch; one batch in trouble does not hold up the others."""
    found = Proposals()
    for batch_id in office.register.with_open_rows():
        try:
            propose(office, batch_id)
        except Halt as problem:
            found.troubles.append(f"{batch_id}: {problem}")
    found.releases = office.register.releases.under_way()
    return found


def propose(office: Office, batch_id: str) -> Release | None:
    """A new release of the batch's rows that can leave now, None where there are none."""
    batch = office.register.batch(batch_id)
    in_queue = office.register.reviews.count(batch_id)
    held = {row for release in office.register.releases.of(batch_id) if release.state in _HELD for row in release.rows}
    done = sum(len(each.rows) for each in office.register.releases.of(batch_id) if each.state == "delivered")
    unsettled = (batch.rows_open or 0) - (len(held) - done) - in_queue[ReviewState.OPEN]
    if batch.state is not State.DELIVERED or unsettled <= 0:
        return None
    question = Question.of(office, batch)
    if not _sources_answer(question, unsettled - in_queue[ReviewState.DECIDED]):
        return None
    now = question.answers()
    waits = has_code(now, [code for code in PENDING if code != AWAITING])
    first = question.first_matched()
    ready = has_code(first, PENDING) & ~waits
    awaiting = has_code(now, (AWAITING,)) & ready
    rows = [row + 1 for row in ready.arg_true() if row + 1 not in held]
    chosen = [row - 1 for row in rows]
    if not rows or (in_queue[ReviewState.OPEN] and not awaiting.gather(chosen).any() and not _is_due(office, question)):
        return None
    reviews = office.register.reviews.find(ReviewFilter(batch=batch_id, state=None))
    decided = {review.row for review in reviews if review.answers}
    of_records = bool(LETTER_ITEMS & set(question.manifest.items)) and not decided.isdisjoint(rows)
    leaving = _approved(now[chosen])
    outcome = Outcome(
        counts=count_answers(leaving, question.manifest.items),
        settled=_settled(first[chosen], leaving),
        upheld=_upheld(question, leaving),
    )
    needs_approval = of_records or bool(awaiting.gather(chosen).any())
    release = office.register.releases.propose(batch_id, rows, outcome, needs_approval=needs_approval)
    if release is not None:
        log.info("%s: %d rows, %s", release.id, len(rows), "for approval" if needs_approval else "may leave")
    return release


def _is_due(office: Office, question: Question) -> bool:
    batch = question.batch
    return not batch.clock_stands and batch.due_on is not None and batch.due_on <= office_day(office.now())


def _sources_answer(question: Question, unsettled: int) -> bool:
    """Whether it is worth looking at the rows: more is there than rows whose source is still missing. Rows that a
    second asking of the sources leaves to an officer are put into the queue.
    """
    office, batch_id = question.office, question.batch.id
    waited = max((tally.get(WAITING, 0) for tally in office.register.answer_counts(batch_id).values()), default=0)
    if not waited or question.later_pins:
        return True
    if not ask_again(question):
        return unsettled > waited or office.register.reviews.count(batch_id)[ReviewState.DECIDED] > 0
    people = office.snapshots.version(POPULATION, question.pins[POPULATION][0]).open("people")
    found = new_reviews(question.matched(), question.agreement, people, office.settings.divisions)
    office.register.reviews.add(batch_id, found)
    return True


def _approved(answers: pl.DataFrame) -> pl.DataFrame:
    """What the answers are once the leader approved."""
    return answers.with_columns(pl.col(answer_columns(answers)).replace(AWAITING, "no_record"))


def _settled(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Of the columns that were open: how often each answer took the place of an open one."""
    counts = {}
    for column in answer_columns(now):
        tally = now[column].filter(before[column].is_in(list(PENDING))).value_counts().sort(column)
        counts[column.removeprefix("answer.")] = dict(tally.iter_rows())
    return {item: tally for item, tally in counts.items() if tally}


def _upheld(question: Question, now: pl.DataFrame) -> int | None:
    """Of an objection, the rows whose answer is another one than the earlier batch gave; None of other batches."""
    if question.manifest.objects_to is None:
        return None
    earlier = Question.of(question.office, question.office.register.batch(question.manifest.objects_to)).answers()
    before = now.select("row_ref").join(earlier, on="row_ref", how="left", maintain_order="left")
    changed = now.select(pl.any_horizontal(pl.col(name) != before[name] for name in answer_columns(now)))
    return int(changed.to_series().sum())


def issue(office: Office, release_id: str) -> None:
    """From approved to delivered; nothing to do where the release is further or was rejected."""
    batch_id, number = parse_id(release_id)
    release = office.register.releases.get(batch_id, number)
    if release.state is ReleaseState.APPROVED:
        office.register.releases.sealed(batch_id, number, _seal(office, release))
        release = office.register.releases.get(batch_id, number)
    if release.state is ReleaseState.SEALED:
        _deliver(office, release)
        office.register.releases.delivered(batch_id, number)
        log.info("%s: %d rows lie in the partner's folder", release_id, len(release.rows))


def _seal(office: Office, release: Release) -> list[FileRecord]:
    batch = office.register.batch(release.batch)
    question = Question.of(office, batch)
    chosen = [row - 1 for row in release.rows]
    rows_open = (batch.rows_open or 0) - len(chosen)
    answers = _approved(question.answers()[chosen])
    data = seal_data(question, [(question.table[chosen], answers)], supplement=release.number)
    return sign_result(question, data, supplement=release.number, rows_open=rows_open)


def _deliver(office: Office, release: Release) -> None:
    """Data and signature first, the manifest last, as with the first result."""
    with office.folder(office.agreement(office.register.batch(release.batch).partner)) as folder:
        for role in (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT):
            kept = office.register.file(release.batch, numbered(role, release.number + 1))
            folder.deliver(kept.name, office.archive.verified_path(kept.sha256))
