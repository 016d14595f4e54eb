"""The guard's rules: each threshold from both sides, guesses found, and ordinary traffic left alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from exchange.base.keyed import Hashes
from exchange.base.paths import SCHEMAS
from exchange.guard.rules import Counts, Failed, Span, most_failing, most_of_one, tripped, usual_share
from exchange.guard.thresholds import THRESHOLDS

GOOD = Counts(100_000, 1_000, 1_000)


def hashes(*values: int) -> Hashes:
    return np.array(values, np.uint64)


def many(n: int) -> Hashes:
    return np.arange(n, dtype=np.uint64)


def same(n: int) -> Hashes:
    return np.zeros(n, np.uint64)


def of(rows: int, failed: Failed) -> Span:
    return Span(Counts(rows), failed)


def shared(failed: Failed) -> Span:
    """The first of these rows is the new batch's, the others are other partners'."""
    own, others = (Failed(*[each[part] for each in _columns(failed)]) for part in (slice(1), slice(1, None)))
    return replace(of(1000, own), new=own, others=others)


def _columns(failed: Failed) -> list[Hashes]:
    return [failed.numbers, failed.names, failed.groups]


GUESSING = {
    "sequence": lambda n: of(1000, Failed(many(n), many(n), same(n))),
    "name": lambda n: of(1000, Failed(many(n), same(n), many(n))),
    "number": lambda n: of(1000, Failed(same(n), many(n), same(n))),
    "sequence_by_many": lambda n: shared(Failed(many(n), many(n), same(n))),
    "name_by_many": lambda n: shared(Failed(many(n), same(n), many(n))),
    "number_by_many": lambda n: shared(Failed(same(n), many(n), same(n))),
    "person": lambda n: replace(of(1000, Failed()), partners=n),
}
TRIPS_AT = {
    "sequence": THRESHOLDS.sequence_numbers,
    "name": THRESHOLDS.name_numbers,
    "number": THRESHOLDS.number_names,
    "sequence_by_many": THRESHOLDS.sequence_numbers,
    "name_by_many": THRESHOLDS.name_numbers,
    "number_by_many": THRESHOLDS.number_names,
    "person": THRESHOLDS.person_partners,
}


@pytest.mark.parametrize("rule", GUESSING)
def test_a_rule_trips_at_its_threshold_and_not_one_below(rule: str) -> None:
    assert [trip.rule for trip in tripped(GUESSING[rule](TRIPS_AT[rule]))] == [rule]
    assert tripped(GUESSING[rule](TRIPS_AT[rule] - 1)) == []


@pytest.mark.parametrize("rule", ["no_such_number", "name_disagrees"])
@pytest.mark.parametrize("rows", [1, 50, 2_000, 1_000_000])
def test_shares_trip_at_their_threshold_and_not_one_below(rule: str, rows: int) -> None:
    threshold = most_failing(THRESHOLDS.share_least, rows)
    for failing, rules in ((threshold, [rule]), (threshold - 1, [])):
        span = Span(Counts(rows, **{rule: failing}), Failed(), past=GOOD)
        assert [trip.rule for trip in tripped(span)] == rules


def test_the_volume_agreed_is_not_beyond_the_agreement() -> None:
    span = replace(of(1000, Failed()), agreed_rows=1000)
    assert tripped(span) == []
    assert [str(trip) for trip in tripped(replace(span, agreed_rows=999))] == ["volume 1000 >= 1000"]


@pytest.mark.parametrize(
    ("past", "peers", "share"),
    [
        (Counts(2_000, 120), Counts(90_000, 900), 0.06),  # its own past
        (Counts(1_999, 120), Counts(90_000, 3_600), 0.04),  # too short: its peers'
        (Counts(1_999, 120), Counts(1_999, 999), THRESHOLDS.share_unknown),
        (Counts(2_000, 2), Counts(), THRESHOLDS.share_least),
        (Counts(2_000, 1_000), Counts(), THRESHOLDS.share_most),
    ],
)
def test_what_is_usual_is_the_past_else_the_peers(past: Counts, peers: Counts, share: float) -> None:
    assert usual_share("no_such_number", Span(Counts(), Failed(), past=past, peers=peers)) == share


def test_the_same_mistake_each_month_is_one_mistake() -> None:
    assert most_of_one((same(50), same(50))) == [1]
    pairs = (hashes(1, 1, 1, 2, 2), hashes(7, 8, 7, 9, 9))
    assert most_of_one(pairs, (hashes(), hashes()), pairs[::-1]) == [2, 0, 1]


def test_every_threshold_says_why() -> None:
    table = tomllib.loads((SCHEMAS / "guard.toml").read_text(encoding="utf-8"))["threshold"]
    assert [entry["code"] for entry in table] == list(THRESHOLDS.__dataclass_fields__)
    assert all(entry["reason_zh"] and entry["reason_en"] and entry["value"] > 0 for entry in table)


# ── a million guesses hidden in ordinary traffic ─────────────────────────────────────────────────────────

PLACES, BIRTHS = 60, 365 * 70
"""Counties and birth dates of a province: groups of some 17 people."""


def ordinary(random: np.random.Generator, rows: int, share: float = 0.02) -> tuple[Counts, Failed]:
    """Faults of ordinary rows: anybody's, with names as unequal as surnames and given names are."""
    wrong = random.binomial(rows, 2 * share)
    people = random.integers(0, 27_000_000, wrong).astype(np.uint64)
    names = (random.zipf(1.3, wrong) + random.integers(0, 3_000, wrong) * 10_000).astype(np.uint64)
    no_such = random.binomial(wrong, 0.5)
    return Counts(rows, no_such, wrong - no_such), Failed(people, names, people // np.uint64(17))


def guesses(kind: str, n: int) -> tuple[Counts, Failed]:
    """The first ``n`` of a million, all of which fail but one in 500."""
    far, tried = np.uint64(1 << 60), many(n - n // 500)
    numbers = far + (same(len(tried)) if kind == "names of one number" else tried)
    targets = tried // np.uint64(900)  # who tries sequence digits goes from one person to the next
    names = far + (tried if kind == "names of one number" else targets)
    groups = {"sequences": targets, "birth dates": tried, "names of one number": same(len(tried))}[kind]
    missed = 0 if kind == "names of one number" else len(tried) * 9 // 10
    return Counts(n, missed, len(tried) - missed), Failed(numbers, names, far + groups)


def spans(kind: str, dilution: int, random: np.random.Generator) -> Iterator[tuple[int, Span]]:
    """After each batch of some guesses among ordinary rows: the guesses so far, and the partner's span."""
    counts, failed = Counts(), Failed()
    for sent in range(100, 1_001, 100):
        more = ordinary(random, 100 * dilution)
        counts = counts + more[0]
        failed = Failed.together([failed, more[1]])
        guessed = guesses(kind, sent)
        yield sent, Span(counts + guessed[0], Failed.together([failed, guessed[1]]), past=GOOD + GOOD, peers=GOOD)


@pytest.mark.parametrize("kind", ["sequences", "birth dates", "names of one number"])
@pytest.mark.parametrize("dilution", [0, 1, 10, 100, 1000])
def test_a_million_hidden_guesses_are_found_within_the_first_thousand(kind: str, dilution: int) -> None:
    random = np.random.default_rng([dilution, len(kind)])
    assert any(tripped(span) for _, span in spans(kind, dilution, random))


def test_what_others_do_is_not_held_against_who_has_no_part_in_it() -> None:
    guessed = Failed(*[each + np.uint64(9) for each in _columns(Failed(many(500), same(500), same(500)))])
    own = Failed(hashes(1), hashes(2), hashes(3))
    assert tripped(replace(of(1000, own), new=own, others=guessed)) == []


@pytest.mark.parametrize("kind", ["sequences", "birth dates", "names of one number"])
@pytest.mark.parametrize("partners", [2, 10, 100])
def test_a_million_guesses_that_partners_share_are_found_within_the_first_thousand(kind: str, partners: int) -> None:
    """Each in its turn, ten ordinary rows to a guess."""
    random = np.random.default_rng([partners, len(kind)])
    found = []
    for sent in range(100, 1_001, 100):
        columns = _columns(guesses(kind, sent)[1])
        whose = np.arange(len(columns[0])) % partners
        own, others = (Failed(*[each[part] for each in columns]) for part in (whose == 0, whose != 0))
        plain = ordinary(random, 10 * sent)
        span = Span(plain[0], Failed.together([own, plain[1]]), own, others, GOOD, GOOD)
        found += [trip.rule for trip in tripped(span)]
    assert found


@pytest.mark.parametrize("dilution", [1, 10])
def test_guesses_about_people_who_have_nothing_in_common_are_found_by_their_share(dilution: int) -> None:
    counts, failed = ordinary(np.random.default_rng(dilution), 1000 * dilution)
    far = np.uint64(1 << 60) + many(1000)
    guessed = Span(
        counts + Counts(1000, 900, 100), Failed.together([failed, Failed(far, far, far)]), past=GOOD, peers=GOOD
    )
    assert "no_such_number" in {trip.rule for trip in tripped(guessed)}


@pytest.mark.parametrize("rows", [1, 10, 100, 1_000, 10_000, 100_000, 2_000_000])
@pytest.mark.parametrize("seed", range(5))
def test_ordinary_traffic_trips_nothing(rows: int, seed: int) -> None:
    counts, failed = ordinary(np.random.default_rng([seed, rows]), rows)
    for past, peers in ((GOOD, GOOD), (Counts(), GOOD), (Counts(), Counts())):
        assert tripped(Span(counts, failed, past=past, peers=peers)) == []
        others = ordinary(np.random.default_rng([seed, rows, 1]), rows)[1]
        assert tripped(Span(counts, failed, failed, others, past, peers + Counts(rows))) == []
