"""Tables about the people who were asked about: counts of rows, never a row."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from exchange.base.tables import ANSWERS, ITEMS
from exchange.matching.divisions import division_name
from exchange.supervision import labels
from exchange.supervision.aggregates import IDENTITY_COLUMN, Aggregates
from exchange.supervision.shares import share_of
from exchange.supervision.table import TOTAL, Line, People, add, people, with_people


def answers(aggregates: Aggregates) -> list[Line]:
    """For each item how often each answer was given, and its share of the item's answers."""
    sums = aggregates.answers.group_by("item", "code").agg(add("people"))
    fields = [pl.col("people").struct.field("n").sum(), pl.col("people").struct.field("hidden").any()]
    whole = {item: (n, hidden) for item, n, hidden in sums.group_by("item").agg(fields).iter_rows()}
    rows = []
    for row in sorted(sums.iter_rows(named=True), key=_order_of_answer):
        n = people(row["people"])
        all_shown, hidden = whole[row["item"]]
        share = share_of(n.n, all_shown, hidden=hidden) if all_shown else None
        rows.append(_answer_words(row) | {"people": n, "share": share if n.n or not n.hidden else None})
    return rows


def by_partner(aggregates: Aggregates) -> list[Line]:
    """For each partner, cycle and item how often each answer was given."""
    groups: dict[str, list[Line]] = {}
    for row in aggregates.answers.iter_rows(named=True):
        groups.setdefault(row["partner"] + " " + (row["cycle"] or ""), []).append(row)
    return [
        _answer_words(row)
        | {"partner": row["zh"], "level": str(labels.level(row["level"])), "cycle": str(labels.cycle(row["cycle"]))}
        | {"people": People(row["people"] or 0, row["people"] is None)}
        for _, rows in sorted(groups.items())
        for row in sorted(rows, key=_order_of_answer)
    ]


def _order_of_answer(row: Line) -> tuple[int, int]:
    """The identity first, then items and answers as their tables have them."""
    items, answers = [IDENTITY_COLUMN, *ITEMS], list(ANSWERS)
    return items.index(row["item"]), answers.index(row["code"])


def _answer_words(row: Line) -> Line:
    return {"item": str(labels.item(row["item"])), "answer": str(labels.answer(row["code"]))}


def reviews(aggregates: Aggregates, office_name: Callable[[str], str]) -> tuple[list[Line], Line | None]:
    """Rows that officers decided and rows still open, by office; and the total, None where there are none."""
    sums = aggregates.reviews.select(add("decided"), add("open")).row(0, named=True)
    total = {"office": TOTAL} | {name: people(value) for name, value in sums.items()}
    rows = aggregates.reviews.with_columns(office=pl.col("division").map_elements(office_name, return_dtype=pl.String))
    return with_people(rows, "decided", "open"), total if rows.height else None


def doubtful(aggregates: Aggregates) -> tuple[list[Line], Line | None]:
    """People of doubtful identity: each county under its city, a city's sum before its counties; and the total, None
    where there is nobody.
    """
    rows: list[Line] = []
    by_city = aggregates.doubtful.with_columns(city=pl.col("division").str.slice(0, 4) + "00").sort("division")
    for (code,), counties in by_city.group_by("city", maintain_order=True):
        city = division_name(str(code))
        if city == code:  # a municipality's districts stand right below it
            city = division_name(f"{city[:2]}0000")
        rows.append({"city": city, "county": TOTAL, "people": people(counties.select(add("people")).item())})
        for county in with_people(counties, "people"):
            name = division_name(county["division"]).removeprefix(city)
            rows.append({"city": city, "county": name or city, "people": county["people"]})
    total = people(aggregates.doubtful.select(add("people")).item())
    return rows, {"city": TOTAL, "county": "", "people": total} if rows else None


def approvals(aggregates: Aggregates) -> list[Line]:
    """Rows that a leader approved, by partner."""
    return with_people(aggregates.approvals.with_columns(partner="zh"), "people")


def objections(aggregates: Aggregates) -> list[Line]:
    """Answered objections by partner, and in how many rows the answer changed."""
    return with_people(aggregates.objections.with_columns(partner="zh"), "answered", "upheld")
