"""Thirty days of the demo's ordinary traffic, with its usual dirt, of several partners: nothing trips."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from exchange.base.keyed import Hashes, Kind, with_new_key
from exchange.demo.province.claims import make_claims
from exchange.demo.province.people import make_people
from exchange.demo.province.unregistered_claims import by_mother
from exchange.demo.world import SEED
from exchange.guard.rules import Counts, Failed, Span, tripped
from exchange.matching import unregistered
from exchange.steps.asked import number_keys
from exchange.steps.guarding import most_partners, seen

DAY = date(2026, 11, 27)
ITEMS = ("id_number", "name", "sex", "birth_date")
PARTNERS = 5
RING = with_new_key(None, DAY)


def test_newborns_asked_about_by_their_mothers_trip_nothing() -> None:
    people = pl.concat(make_people(SEED, 20_000))
    claims = by_mother(people, 3_000, seed=1)
    expected = claims.expected.rename({unregistered.CODE: f"answer.{unregistered.CODE}"})
    counts, failed = seen(claims.rows, expected, number_keys(claims.rows, DAY), RING)
    assert counts.no_such_number > 100, "the dirt is there"
    assert tripped(Span(counts, failed)) == []


def test_a_month_of_ordinary_traffic_trips_nothing() -> None:
    people = pl.concat(make_people(SEED, 20_000))
    counts, failed = [Counts()] * PARTNERS, [Failed()] * PARTNERS
    small: list[list[Hashes]] = [[] for _ in range(PARTNERS)]
    for day in range(30):
        for partner in range(PARTNERS):
            rows = 4_000 if day == partner else 40  # a monthly set, and an ad hoc one each day
            claims = make_claims(people, pl.Series([], dtype=pl.String), ITEMS, rows, seed=1000 * day + partner)
            keys = number_keys(claims.rows, DAY)
            found = seen(claims.rows, claims.expected, keys, RING)
            numbers = [RING.hashed(read.drop_nulls().to_numpy(), Kind.NUMBER) for read in keys.values()]
            others = [np.concatenate(each) for place, each in enumerate(small) if each and place != partner]
            most = most_partners(numbers[0], others)
            counts[partner], failed[partner] = counts[partner] + found[0], Failed.together([failed[partner], found[1]])
            peers = sum((each for place, each in enumerate(counts) if place != partner), Counts())
            rest = Failed.together([each for place, each in enumerate(failed) if place != partner])
            span = Span(counts[partner], failed[partner], found[1], rest, peers=peers, partners=most)
            assert tripped(span) == []
            small[partner] += numbers
    assert sum((each.no_such_number for each in counts), 0) > 200, "the dirt is there"
