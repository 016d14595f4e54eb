"""Release: rows that had to wait leave in a supplementary result, once they are decided and approved.

    propose   which rows can leave now; the leader's approval is asked where it is due
    issue     an approved release: prepared, delivered, and with the last open row the batch is closed

Rules
- *No record* and confirmed hits leave only with the leader's approval; an approval given in advance covers *no record*
  in ad hoc batches, never a row that an officer had in hand. Other decided rows leave without.
- A release waits until no row of the batch is open with an officer; on the due day, what is decided goes.
- Rows that only wait for the leader wait for the batch's hits and spot checks, also beyond the due day
  (``steps/disclosure.py``), and for no other work of officers.
- A release leaves because a signed line of the ledger says that it was approved (``App.attested``), and with the
  answers whose hash was approved. They are worked out anew before they leave; where they are others, the release is
  withdrawn, nothing leaves, and what stands now is proposed.
- A legal basis that ended while rows waited: what leaves is looked at again (``bases.py``), and the leader approves.
- What objections have corrected since leaves corrected (``corrections.py``).
- A row that the leader returned is open: what was decided before does not leave until an officer decides it again.
- Each verb may be killed and run again: the register says how far a release is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.duty import RELEASES, Duties
from exchange.base.errors import Halt, Refused, without_values
from exchange.base.tables import PENDING
from exchange.calendar.working_days import office_day
from exchange.output.results import ECHOED, count_answers
from exchange.output.results import answer_columns as result_columns
from exchange.register import (
    Attested,
    FileRecord,
    Release,
    ReleaseState,
    ReleaseSummary,
    State,
)
from exchange.register.releases import parse_id
from exchange.register.waiting import open_rows
from exchange.steps.answers import BatchContext, answer_columns, has_code
from exchange.steps.bases import has_ended, looked_at_again
from exchange.steps.candidates import leaving, may_leave
from exchange.steps.corrections import approved, corrected
from exchange.steps.deliver import put_result
from exchange.steps.disclosure import AWAITING
from exchange.steps.prepare import encrypt_data, sign_result

log = logging.getLogger(__name__)

SENT_WITHIN: Final = timedelta(minutes=30)
"""How long an approved release may take until it lies in the partner's folder."""

CHANGED = "答复自送审后有变，重新送审 the answers are others than those proposed; proposed anew"
UNNAMED = "由旧版本送审，重新送审 proposed by an earlier version; proposed anew"
"""Why a release was withdrawn."""


@dataclass
class Proposals:
    """``releases``: all that are under way; ``troubles``: a sentence for each batch that a person must look at
    first.
    """

    releases: list[Release] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def propose_all(app: App) -> Proposals:
    """Proposes what can be proposed of every delivered batch; one batch in trouble does not hold up the others. Batches
    whose counts show that nothing can leave are not looked into.
    """
    proposals = Proposals()
    for release in app.register.releases.under_way():
        if release.answers_sha256 is None and release.state in (ReleaseState.PROPOSED, ReleaseState.APPROVED):
            _withdraw_unnamed(app, release, proposals)
    counts, pins = open_rows(app.register.engine), app.register.snapshots.of_delivered()
    for batch in app.register.with_open_rows():
        try:
            with without_values():
                if batch.id in counts and may_leave(app, batch, counts[batch.id], pins.get(batch.id, {})):
                    propose(app, batch.id)
        except (Halt, Refused) as problem:  # Refused: what was accepted once and is read otherwise by now
            proposals.troubles.append(f"{batch.id}: {problem}")
    proposals.releases = app.register.releases.under_way()
    Duties.of_home(app.settings.home).done(RELEASES, f"{len(proposals.troubles)}")
    return proposals


def propose(app: App, batch_id: str) -> Release | None:
    """A new release of the batch's rows that can leave now, None where there are none. Only these rows are decided."""
    batch = app.register.batch(batch_id)
    if batch.state is not State.DELIVERED or not batch.rows_open:
        return None
    context = BatchContext.of(app, batch)
    rows = leaving(context)
    if not rows:
        return None
    first, now = context.first_and_now(rows)
    ready = has_code(first, PENDING) & ~has_code(now, [code for code in PENDING if code != AWAITING])
    rows, first, now = [rows[position] for position in ready.arg_true()], first.filter(ready), now.filter(ready)
    if not rows:
        return None
    today = office_day(app.now())
    leaving_answers = _as_they_leave(context, now, rows)
    outcome = ReleaseSummary(
        counts=count_answers(leaving_answers, context.manifest.items),
        settled=_settled(first, leaving_answers),
        upheld=_upheld(context, leaving_answers),
        answers_sha256=answers_sha256(context.manifest.items, rows, leaving_answers),
    )
    of_records = LETTER_ITEMS & set(context.manifest.items) and app.register.reviews.decided(batch_id, rows)
    needs_approval = bool(of_records) or bool(has_code(now, (AWAITING,)).any()) or has_ended(context, today)
    release = app.register.releases.propose(batch_id, rows, outcome, needs_approval=needs_approval)
    if release is not None:
        log.info("%s: %d rows, %s", release.id, len(rows), "for approval" if needs_approval else "may leave")
    return release


def answers_sha256(items: Sequence[str], rows: Sequence[int], answers: pl.DataFrame) -> str:
    """SHA-256, in hex, of what leaves: the rows' numbers with all columns of a result about these items that hold
    codes. ``answers``: a row for each of ``rows``, in their order.
    """
    codes = [column for column in result_columns(items) if column not in ECHOED]
    table = answers.select(pl.Series("row", rows, dtype=pl.Int64), *codes)
    return sha256(table.write_csv().encode()).hexdigest()


def _withdraw_unnamed(app: App, release: Release, proposals: Proposals) -> None:
    """Withdraws a release of before answers were hashed: what was approved of it cannot be shown."""
    try:
        app.register.releases.withdraw(release.batch, release.number, UNNAMED)
    except Halt as problem:
        proposals.troubles.append(f"{release.batch}: {problem}")


def answers_leaving(context: BatchContext, rows: Sequence[int]) -> pl.DataFrame:
    """The answers to these rows as they leave today, once the leader has approved; columns of ``matching.decide``."""
    return _as_they_leave(context, context.answers(rows), rows)


def _as_they_leave(context: BatchContext, now: pl.DataFrame, rows: Sequence[int]) -> pl.DataFrame:
    """The answers as they stand, approved, with what objections to the batch have corrected meanwhile."""
    answers = approved(now)
    if context.earlier is None:
        answers = corrected(context.app, context.batch, answers).answers
    return looked_at_again(context, answers, rows, office_day(context.app.now()))


def _settled(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Item → answer → in how many rows it took the place of an open answer."""
    counts = {}
    for column in answer_columns(now):
        tally = now[column].filter(before[column].is_in(list(PENDING))).value_counts().sort(column)
        counts[column.removeprefix("answer.")] = dict(tally.iter_rows())
    return {item: tally for item, tally in counts.items() if tally}


def _upheld(context: BatchContext, now: pl.DataFrame) -> int | None:
    """Of an objection, in how many rows an answer is now another one than the partner was last told; None of other
    batches. Where that cannot be known any more it is another one.
    """
    first = context.earlier
    if first is None:
        return None
    answered = approved(first.answers(first.rows_of(now["row_ref"])))
    told = corrected(context.app, first.batch, answered, but=context.batch.id)
    if told.unknown:
        return now.height
    before = now.select("row_ref").join(told.answers, on="row_ref", how="left", maintain_order="left")
    changed = now.select(pl.any_horizontal(pl.col(name) != before[name] for name in answer_columns(now)))
    return int(changed.to_series().sum())


def is_stuck(release: Release, now: datetime) -> bool:
    """Whether a release has been free to leave for longer than ``SENT_WITHIN`` and was not delivered; one from as far
    ahead is of a clock that was put back since.
    """
    since = release.may_leave_since
    return since is not None and abs(now - since) > SENT_WITHIN


def stuck(app: App) -> list[Release]:
    """The releases that are stuck, as the register says now, those proposed first first."""
    now = app.now()
    return [release for release in app.register.releases.may_leave() if is_stuck(release, now)]


def unsent(app: App) -> list[str]:
    """A sentence for each release that is stuck."""
    return [
        f"{release.id}: may leave since {release.may_leave_since:%Y-%m-%d %H:%M %Z} and was not delivered"
        for release in stuck(app)
    ]


def issue(app: App, release_id: str) -> None:
    """From approved to delivered; nothing to do where the release is further, was returned, or waits for a leader."""
    batch_id, number = parse_id(release_id)
    attested = app.attested(batch_id)
    if attested.release(number).state is ReleaseState.APPROVED:
        rows_open = (attested.batch.rows_open or 0) - len(attested.release(number).rows)
        files = _prepare(app, attested, attested.release(number), rows_open)
        if files is None:
            log.warning("%s: %s", release_id, CHANGED)
            app.register.releases.withdraw(batch_id, number, CHANGED)
            return
        app.register.releases.prepared(batch_id, number, files, rows_open)
        attested = app.attested(batch_id)
    release = attested.release(number)
    if release.state is ReleaseState.PREPARED:
        _deliver(app, attested, number)
        app.register.releases.delivered(batch_id, number)
        log.info("%s: %d rows have left", release_id, len(release.rows))
    else:
        log.info("%s is %s: nothing to send", release_id, release.state)


def _prepare(app: App, attested: Attested, release: Release, rows_open: int) -> list[FileRecord] | None:
    """The files of the result; None where the answers are not those that were proposed, or whether the partner hears
    of them.
    """
    context = BatchContext.of(app, attested.batch)
    answers = answers_leaving(context, release.rows)
    if answers_sha256(context.manifest.items, release.rows, answers) != release.answers_sha256:
        return None
    if attested.opened_here and bool(_upheld(context, answers)) != bool(release.upheld):
        return None  # the partner was told something else meanwhile, and hears of it now, or not any more
    data = encrypt_data(context, [(context.claims(release.rows), answers)], supplement=release.number)
    return sign_result(context, data, supplement=release.number, rows_open=rows_open)


def _deliver(app: App, attested: Attested, number: int) -> None:
    if attested.opened_here and not attested.release(number).upheld:
        return  # the answers are those that the partner has already
    with app.folder(app.agreement(attested.batch.partner)) as folder:
        put_result(app, folder, attested, number + 1)
