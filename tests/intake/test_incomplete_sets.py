"""Thousands of sets that are not complete: what each minute's look asks the register does not grow with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.intake.collect import poll

PATIENCE = timedelta(minutes=31)
LACKING = {
    "manifest_unfinished": {".request.json": b"{", ".request.json.p7s": b""},
    "signature_missing": {".request.json": b"{}"},
    "manifest_missing": {".csv": b"row_ref\n"},
}


@pytest.mark.parametrize("code", LACKING)
def test_incomplete_sets_cost_a_sweep_no_question_each(
    app: App, court: DemoPartner, later: Callable[[timedelta], App], code: str
) -> None:
    """While they are new, while they wait, and once the partner was told of each."""
    asked, offices = list[str](), [app, app, later(PATIENCE), later(PATIENCE + timedelta(minutes=1))]
    event.listen(app.register.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    counts = dict[int, list[int]]()
    for number in (1, 12):
        for count in range(number):
            for ending, content in LACKING[code].items():
                (court.server.home / "to-office" / f"set-{number}-{count}{ending}").write_bytes(content)
        counts[number] = list[int]()
        for office in offices:
            asked.clear()
            assert poll(office).troubles == []
            counts[number].append(len(asked))
        mine = [left for left in app.register.unfinished.all(court.id) if left.stem.startswith(f"set-{number}-")]
        assert [(left.reason, left.noticed_at is not None) for left in mine] == [(code, True)] * number
        assert court.id in app.register.unfinished.partners()
    few, many = counts[1], counts[12]
    assert (many[1], many[3]) == (few[1], few[3])
    assert many[0] <= few[0], "the first sweep of all reads the office's own, too"
