"""Whose failing rows are held against whom: the register's answers beside a plain reckoning over the same batches."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import event, insert, update

from exchange.base.keyed import Hashes, Kind
from exchange.guard.rules import Counts, Failed
from exchange.guard.thresholds import THRESHOLDS
from exchange.register import Register
from exchange.register.evidence_sums import kept
from exchange.register.guard import GuardEvidenceRow, GuardHoldRow
from exchange.register.models import BatchRow
from tests.register.conftest import AT

HOUR = AT.replace(minute=0, second=0, microsecond=0)
PARTNERS = ("court", "school", "bank")


def as_it_is(hashes: Hashes, _: Kind, generation: int) -> Hashes:
    return hashes + np.uint64(generation)


@dataclass(frozen=True)
class Sent:
    """A batch, and what failed in it."""

    id: str
    partner: str
    at: datetime
    rows: int
    missed: int
    generation: int
    failed: list[int]
    released: bool
    refused: bool | None


def content(seed: int) -> list[Sent]:
    """Batches of three partners over the span and before it, some of them released by a leader."""
    draw = random.Random(seed)  # noqa: S311  (a test)
    days = [1, 2, 5, 29, 30, 31, 100, 209, 211]
    return [
        Sent(
            id=f"{seed}.{number}",
            partner=draw.choice(PARTNERS),
            at=draw.choice([HOUR, AT, AT]) - timedelta(days=draw.choice(days), hours=draw.choice([0, 0, 5, number])),
            rows=draw.randrange(50),
            missed=draw.randrange(5),
            generation=draw.choice([1, 2]),
            failed=[number * 10 + each for each in range(draw.choice([0, 0, 1, 3]))],
            released=draw.random() < 0.15,
            refused=draw.choice([True, None, False, False]),
        )
        for number in range(40)
    ]


def write(register: Register, batches: list[Sent]) -> None:
    with register.engine.begin() as connection:
        for each in batches:
            sound = {"manifest_sha256": "0", "state": "closed", "items": [], "due_provisional": False}
            batch = {"id": each.id, "partner": each.partner, "received_at": each.at}
            connection.execute(insert(BatchRow).values(**sound, **batch))
            failed = np.array(each.failed, np.uint64)
            packed = {name: (failed + np.uint64(place)).tobytes() for place, name in enumerate(_NAMES)}
            counts = {"rows": each.rows, "no_such_number": each.missed, "name_disagrees": 1}
            evidence = {"batch_id": each.id, "at": each.at, "generation": each.generation}
            connection.execute(insert(GuardEvidenceRow).values(**evidence, **counts, **packed))
            if each.released or each.refused is not False:
                decision = "released" if each.released else "refused" if each.refused else None
                hold = {"batch_id": each.id, "held_at": each.at, "tripped": [], "decision": decision}
                connection.execute(insert(GuardHoldRow).values(**hold, decided_at=each.at if decision else None))


_NAMES = ("numbers", "names", "groups")


@pytest.mark.parametrize("seed", range(5))
def test_whose_failing_rows_are_held_against_whom(register: Register, seed: int) -> None:
    batches = content(seed)
    write(register, batches)
    for partner in PARTNERS:
        usual = register.guard.usual(partner, AT)
        found = register.guard.failed_of_others(partner, usual.since, as_it_is)
        expected = reckoned(batches, partner)
        for place, name in enumerate(_NAMES):
            assert sorted(getattr(found, name)) == sorted(each + place for each in expected)
        assert one_order(found), "the hashes of one row stand in one place"


@pytest.mark.parametrize("seed", range(5))
def test_what_is_usual_is_what_was_counted_whenever_it_is_asked(register: Register, seed: int) -> None:
    """One process asks again and again, later and earlier; meanwhile batches come, and a leader decides."""
    batches, draw = content(seed), random.Random(seed)  # noqa: S311  (a test)
    parts = [batches[:20], batches[20:30], batches[30:]]
    known: list[Sent] = []
    for part in parts:
        known += part
        write(register, part)
        kept.cache_clear()  # what comes later is of no hour that is over: these are of hours long past
        moments = [0, 0, 1, 59, 60, 61, 700, 24 * 60, -1, 3 * 24 * 60, draw.randrange(9 * 24 * 60)]
        for minutes in moments:
            at = draw.choice([HOUR, AT]) + timedelta(minutes=minutes, seconds=draw.choice([0, 0, 0.5, 30]))
            for partner in PARTNERS:
                same_as_counted(register, known, partner, at)
    undecided = [each for each in known if each.refused is None and not each.released]
    with register.engine.begin() as connection:
        for each in undecided:
            connection.execute(update(GuardHoldRow).filter_by(batch_id=each.id).values(RELEASED))
    known = [replace(each, released=True) if each in undecided else each for each in known]
    for partner in PARTNERS:
        same_as_counted(register, known, partner, AT + timedelta(days=40))


def test_a_process_that_asks_all_day_reads_no_more_anew_than_the_last_minutes(register: Register) -> None:
    """However long ago it asked first; and what several spans share it reads once."""
    batches, anew = content(0), list[dict[str, list[datetime]]]()
    write(register, batches)

    def noted(*call: object) -> None:
        parameters = call[3]
        if isinstance(parameters, dict) and "begins_of_all" in parameters:
            anew.append(parameters)

    event.listen(register.engine, "before_cursor_execute", noted)
    try:
        for minutes in range(0, 3 * 60, 7):
            at = AT + timedelta(minutes=minutes)
            for partner in PARTNERS:
                same_as_counted(register, batches, partner, at)
                for whose in ("", "_of_all"):
                    edges = [*zip(anew[-1][f"begins{whose}"], anew[-1][f"ends{whose}"], strict=True)]
                    assert len(set(edges)) == len(edges)
                    assert all(
                        end - begin <= timedelta(minutes=25) or at - begin <= timedelta(minutes=25)
                        for begin, end in edges
                    )
    finally:
        event.remove(register.engine, "before_cursor_execute", noted)
    assert len(anew) == len(range(0, 3 * 60, 7)) * len(PARTNERS)


RELEASED = {"decision": "released", "decided_at": AT}


def same_as_counted(register: Register, batches: list[Sent], partner: str, at: datetime) -> None:
    usual = register.guard.usual(partner, at)
    end = at - timedelta(days=THRESHOLDS.span_days)
    begin = end - timedelta(days=THRESHOLDS.past_days)
    mine = [each for each in batches if each.partner == partner]
    span = [each for each in mine if each.at > max([end, *[other.at for other in mine if other.released]])]
    held = [each for each in batches if each.at > begin and (each.released or each.refused is False)]
    assert usual.span == counted(span)
    assert usual.fails == any(each.failed for each in span)
    assert sorted(register.guard.failed(partner, usual, as_it_is).numbers) == sorted(
        number + each.generation for each in span for number in each.failed
    )
    assert usual.past == counted([each for each in held if each.partner == partner and each.at <= end])
    assert usual.peers == counted([each for each in held if each.partner != partner])


def one_order(found: Failed) -> bool:
    return bool((found.names == found.numbers + 1).all() and (found.groups == found.numbers + 2).all())


def reckoned(batches: list[Sent], partner: str) -> list[int]:
    """What failed at others since both their last release and the partner's, within the span."""
    released = {each.partner: each.at for each in sorted(batches, key=lambda each: each.at) if each.released}
    long_ago = AT - timedelta(days=999)
    begin = max(AT - timedelta(days=THRESHOLDS.span_days), released.get(partner, long_ago))
    return [
        failed + each.generation
        for each in batches
        if each.partner != partner and each.at > begin and each.at > released.get(each.partner, long_ago)
        for failed in each.failed
    ]


def counted(batches: list[Sent]) -> Counts:
    return sum((Counts(each.rows, each.missed, 1) for each in batches), Counts())
