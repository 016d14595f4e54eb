"""An update that reads snapshots of another layout: open batches are not left behind without a word."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.operation import office
from exchange.operation.other_layout import check_none_left_behind, left_behind
from exchange.register import State
from exchange.snapshots import versions

Ask = Callable[..., Request]


@pytest.fixture
def updated(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What an update does to the layout."""
    return lambda: monkeypatch.setattr(versions, "LAYOUT", versions.LAYOUT + 1)


def found(app: App) -> list[str]:
    return left_behind(app.register.engine, (app.snapshots, app.invented))


def test_open_batches_are_named_before_anything_is_changed(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, offenders: pl.Series, updated: Callable[[], None]
) -> None:
    offender = people.filter(pl.col("id_number").is_in(offenders.implode())).head(1)  # whom an officer looks at
    rows = offender.select(pl.lit("A1").alias("row_ref"), "id_number", "name", "sex")
    waits = ask(rows.write_csv().encode(), items=("id_number", "name", "sex", "criminal_record"))
    ended, claimed = ask(), ask()
    for request in (waits, ended):
        court.drop(court.make_set(request))
    poll(app)
    for request in (waits, ended):
        pipeline.run(app, request.batch)
    court.drop(court.make_set(claimed))
    poll(app)
    states = [app.register.batch(request.batch).state for request in (waits, ended, claimed)]
    assert states == [State.DELIVERED, State.CLOSED, State.CLAIMED]
    before = found(app)
    assert waits.batch not in before
    assert office.PINNED not in {each.about for each in office.snapshots(app)}
    check_none_left_behind(app.register.engine, app.settings)

    updated()
    assert waits.batch in found(app)
    assert not {ended.batch, claimed.batch} & set(found(app)), "who ended needs none, who was claimed gets today's"
    assert office.PINNED in {each.about for each in office.snapshots(app)}
    with pytest.raises(Halt, match=r"open batches are answered from snapshots that this version does not read"):
        check_none_left_behind(app.register.engine, app.settings)
