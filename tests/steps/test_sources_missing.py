"""Rows that wait for a source are asked again, and each row is decided when it may leave, no sooner."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.matching.decide import decide as decide_rows
from exchange.snapshots.versions import Snapshots

from .releases import decide, proposed, rows, school, sent, supplement

Ask = Callable[..., Request]


def test_rows_that_waited_for_a_source_are_asked_again(
    app: App,
    court: DemoPartner,
    ask: Ask,
    clean: pl.DataFrame,
    hit: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, count = rows(clean.head(40), hit.head(1))
    current = Snapshots.current
    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        batch = sent(app, court, ask(data, count, items=("name", "criminal_record")))  # due at once, by the name
        told = court.result(batch).manifest["answers"]["criminal_record"]
        assert told == {"source_not_ready": 41}, "a hit is not told from those that wait for a source"
        assert proposed(app, batch) == []
    (release,) = proposed(app, batch)
    drawn = app.register.reviews.rows_with(batch, "spot_check")
    assert set(release.rows) == set(range(1, 41)) - drawn
    assert not release.needs_approval, "by the standing approval"
    pipeline.issue(app, release.id)
    assert {row["criminal_record_answer"] for row in supplement(court, batch, 2).values()} == {"no_record"}


@pytest.mark.parametrize("hurried", [False, True])
def test_an_officer_does_not_say_no_record_before_every_source_was_asked(
    app: App,
    leader: App,
    education: DemoPartner,
    people: pl.DataFrame,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    hurried: bool,
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    current = Snapshots.current
    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        others = [clean.head(1)] if hurried else []
        batch = sent(app, education, school(education, f"unasked{hurried:d}", *rows(doubtful, *others)))
        with pytest.raises(Halt, match="source is missing"):
            decide(leader, batch, 1, identity="consistent", criminal_record="no_record")
        assert proposed(app, batch) == []
    proposed(app, batch)  # the sources are asked, though nobody waits for them but the officer's row
    decide(leader, batch, 1, identity="consistent", criminal_record="no_record")
    released = {row for release in proposed(app, batch) for row in release.rows}
    assert released == {1, 2} if hurried else {1}


@pytest.fixture
def decided_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each decision was about, as they are made."""
    found: list[int] = []

    def counted(table: pl.DataFrame, *arguments: object, **named: object) -> pl.DataFrame:
        found.append(table.height)
        return decide_rows(table, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("exchange.steps.answers.decide", counted)
    return found


def test_only_what_may_leave_is_decided_and_nothing_where_nothing_changed(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    decided_rows: list[int],
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(2)
    data, count = rows(clean.head(20), doubtful)
    current = Snapshots.current

    def minute() -> list[int]:
        decided_rows.clear()
        proposed(app, batch)
        return list(decided_rows)

    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        asked = ask(data, count, items=("criminal_record",), cycle="monthly", period="2026-11")
        batch = sent(app, court, asked)
        minute()
        assert minute() == [], "rows wait for a source and for officers"
        decide(app, batch, 21, identity="name_disagrees")
        assert minute() == [], "one is decided, and waits for the others"
    waited = app.register.answer_counts(batch)["criminal_record"]["source_not_ready"]
    again = [waited, waited]
    assert minute() == [*again, waited + 1, waited], "those that waited; then all that leave for approval"
    assert minute() == [], "the last row is with an officer"
    decide(app, batch, 22, identity="name_disagrees")
    assert minute() == [1]
    assert minute() == []
    assert [len(release.rows) for release in app.register.releases.of(batch)] == [waited + 1, 1]


def test_what_was_lost_from_the_cache_is_found_again(
    app: App, education: DemoPartner, clean: pl.DataFrame, hit: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "lost", *rows(clean.head(3), hit.head(1))))
    decide(app, batch, 4, criminal_record="no_record")
    for path in app.cache.folder.glob("*"):
        path.unlink()
    (release,) = proposed(app, batch)
    assert release.rows == (1, 2, 3, 4)
