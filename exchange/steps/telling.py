"""Who was told about a person: asked by one, confirmed by another, read from the index of keyed hashes.

Rules
- The person's other numbers are found through the population snapshot: who bears the number, or bore it, and all
  numbers that these people bear or bore. A number that nobody bears is looked for as it is.
- What left is worked out anew for the rows found, as a partner was told it; where the originals or the snapshots are
  past their time only the batch is named. Nothing left of a batch that was not delivered.
- A question is answered once: a batch that is not what the ledger says, whose index or kept files were altered, or from
  which nothing can be worked out, be it for now alone, is named with what is wrong, and holds up no other.

Source: 个人信息保护法 art. 44, 45; exceptions of art. 18, 35.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.app import App
from exchange.base.errors import ExchangeError, Halt, without_values
from exchange.base.files import clear_half_written, locked
from exchange.base.keyed import KeyRing, Kind, with_new_key, write_keys
from exchange.calendar.working_days import office_day
from exchange.matching.id_numbers import standardise
from exchange.matching.identity import Population
from exchange.matching.lookup import Keys
from exchange.register import Batch, Release, ReleaseState, Role, State
from exchange.snapshots.integrity import Past
from exchange.steps.answers import POPULATION, BatchContext, answer_columns
from exchange.steps.bases import looked_at_again
from exchange.steps.corrections import approved, corrected, left_at
from exchange.steps.disclosure import as_disclosed

DAYS_OF_A_KEY: Final = 365
UNREAD: Final = "告知索引无法读取 its index of who was told cannot be read"

Codes = Mapping[int, Mapping[str, str]]
"""Row → item → code."""


@dataclass(frozen=True)
class Disclosure:
    """A batch that asked about the person, and in which ``rows``. ``left``: row → item → the code that the partner was
    told; None where the originals or the snapshots are past their time, empty where nothing was told.
    """

    batch: Batch
    rows: Sequence[int]
    left: Codes | None


@dataclass(frozen=True)
class Disclosures:
    """``withheld``: how many batches more there are that a decision does not let the person know; ``unsound``: batches
    that a person must look at, each with what is wrong; what they told is not known before.
    """

    disclosures: list[Disclosure] = field(default_factory=list)
    withheld: int = 0
    unsound: Mapping[str, str] = field(default_factory=dict)


def ask(app: App, number: str, reason: str, letter: str) -> int:
    """Records a question about the bearer of ``number``, for another account to confirm; the question's number. Halt
    where ``number`` is no identity number, or the keys are not those of the index.
    """
    ring = _ring(app)
    keys = _all_numbers(app, _key(number, office_day(app.now())))
    return app.register.told_uses.ask(ring.hashed(keys, Kind.NUMBER, 1), reason, letter, app.now())


def confirm(app: App, question_number: int) -> Disclosures:
    """Confirms a question; whom the person's data was disclosed to, oldest batch first. It is recorded before it is
    returned. Halt as the register's, and where it lost commits: nobody would be told of what it does not know any more.
    """
    app.register.check_newest(app.checkpoints)
    ring, uses = _ring(app), app.register.told_uses
    question = uses.question(question_number, app.now())
    found = app.register.told.find(lambda generation: ring.renewed(question.hashes, Kind.NUMBER, 1, generation))
    named, altered = uses.confirm(question, found.rows, app.now())
    unsound = dict.fromkeys(found.unread, UNREAD) | {batch: error.in_both for batch, error in altered.items()}
    disclosures = []
    for batch in named:
        try:
            with without_values():
                disclosures.append(_disclosure(app, batch, found.rows[batch]))
        except ExchangeError as error:  # also what would pass by itself: the question is answered, and cannot be again
            unsound[batch] = error.in_both
    return Disclosures(
        sorted(disclosures, key=lambda disclosure: (disclosure.batch.received_at, disclosure.batch.id)),
        withheld=len(found.rows) - len(named) - len(altered),
        unsound=unsound,
    )


def withhold(app: App, batch_id: str, reason: str) -> bool:
    """Nobody learns of this batch from now on; False where it was withheld already. Kept beside the archive at once:
    nobody would say again what a lost commit said.
    """
    new = app.register.told_uses.withhold(batch_id, reason, app.now())
    app.keep_checkpoint()
    return new


def rekey(app: App) -> tuple[int, int]:
    """Rehashes the whole index with the newest key, or with a new one where that is a year old; (the generation of the
    key, how many batches were rehashed). May be killed and run again. One run at a time: two new keys of one generation
    would overwrite each other, and what was hashed with the first would be lost. What a killed one left half written
    goes.
    """
    with locked(keys := app.settings.keys.told_keys.parent):
        clear_half_written(keys)
        ring, today = _ring(app), office_day(app.now())
        moved = _bring_on(app, ring)
        if (today - ring.keys[-1].made).days >= DAYS_OF_A_KEY:
            ring = with_new_key(ring, today)
            write_keys(app.settings.keys.told_keys, ring)
            moved |= _bring_on(app, ring)
        return ring.generation, len(moved)


def _bring_on(app: App, ring: KeyRing) -> set[str]:
    behind = app.register.told.behind(ring.generation)
    for batch in behind:
        app.register.told.renew(batch, ring)
    return set(behind)


def _ring(app: App) -> KeyRing:
    """The keys of the index; Halt where they are not those that it was made with."""
    ring = app.told_keys
    app.register.told.check(ring)
    return ring


def _key(number: str, today: date) -> int:
    read = standardise(pl.DataFrame({"id_number": [number]}), today)["key"]
    if read[0] is None:
        msg = "this is no identity number"
        raise Halt(msg, zh="这不是公民身份号码")
    return int(read[0])


def _all_numbers(app: App, key: int) -> Keys:
    version = app.snapshots.current(POPULATION)
    wanted = np.array([key], np.int64)
    if version is None:
        msg = "no population snapshot is published; former numbers cannot be found"
        raise Halt(msg, zh="还没有人口快照，查不出曾用号码")
    population = Population(*[version.open(table) for table in ("people", "former")])
    now, before = population.people.find(wanted), population.former.find(wanted)
    persons = np.unique(np.concatenate([now.row, population.bearers(before.row)]))
    return np.unique(np.concatenate([wanted, population.numbers_of(persons)[1]]))


def _disclosure(app: App, batch_id: str, rows: list[int]) -> Disclosure:
    attested = app.attested(batch_id)
    batch = attested.batch
    if batch.state not in (State.DELIVERED, State.CLOSED):
        return Disclosure(batch, rows, {})
    if Role.DATA in app.register.retention.destroyed(batch_id):
        return Disclosure(batch, rows, None)
    if batch.objects_to is not None and _is_silent(app, batch_id):
        return Disclosure(batch, rows, {})
    context = BatchContext.of(app, batch)
    try:
        first, now = context.first_and_now(rows)
    except Past:  # the snapshots that answered it are gone
        return Disclosure(batch, rows, None)
    at_first = as_disclosed(first, context.waits_for)
    left: dict[int, Mapping[str, str]] = {row: _codes(at_first, index) for index, row in enumerate(rows)}
    stand, lines = approved(now), left_at(app, batch_id)
    for release in attested.releases.values():
        if release.state is ReleaseState.DELIVERED and (sent := [row for row in rows if row in release.rows]):
            said = stand[[rows.index(row) for row in sent]]
            if batch.objects_to is None:
                with_corrections = corrected(app, batch, said, before=lines[release.number])
                if with_corrections.unknown:
                    return Disclosure(batch, rows, None)
                said = with_corrections.answers
            left |= _left_in(context, release, said, sent)
    return Disclosure(batch, rows, left)


def _left_in(
    context: BatchContext, release: Release, answers: pl.DataFrame, rows: Sequence[int]
) -> dict[int, Mapping[str, str]]:
    """What left of these rows in a supplementary result: as the legal bases let it be that held when it was proposed;
    where another one had ended before it left, it was withdrawn and proposed anew.
    """
    leaving = as_disclosed(looked_at_again(context, answers, rows, office_day(release.proposed_at)), context.waits_for)
    return {row: _codes(leaving, position) for position, row in enumerate(rows)}


def _is_silent(app: App, batch_id: str) -> bool:
    """Whether it is a second look in the person's stead of which the partner has heard nothing."""
    attested = app.attested(batch_id)
    left = [
        release for release in attested.releases.values() if release.state is ReleaseState.DELIVERED and release.upheld
    ]
    return attested.opened_here and not left


def _codes(answers: pl.DataFrame, position: int) -> dict[str, str]:
    return {name.removeprefix("answer."): answers[name][position] for name in answer_columns(answers)}
