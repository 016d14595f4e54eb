"""What stands beside a run: from the manifest while the batch is not judged, from the register then; no person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.watch.run_note import run_note

ROWS = b"row_ref,id_number,name,sex\nR1,,,\n"


@pytest.mark.parametrize("judged", [False, True])
def test_a_batch_is_told_in_one_line(
    app: App, court: DemoPartner, ask: Callable[..., Request], *, judged: bool
) -> None:
    request = ask(ROWS, 1)
    court.drop(court.make_set(request))
    poll(app)
    if judged:
        assert pipeline.run(app, request.batch)
    note = run_note(app, request.batch) or ""
    assert [each.partition(" ")[0] for each in note.split(" · ")] == [
        "长春市中级人民法院（虚构）", "案件办理", "临时", "1", "时限",
    ]  # fmt: skip
    assert app.manifest(app.register.batch(request.batch)).handler not in note


@pytest.mark.parametrize("judged", [False, True])
def test_what_no_table_knows_is_not_told(
    app: App, court: DemoPartner, ask: Callable[..., Request], *, judged: bool
) -> None:
    """Whoever makes the manifest may write anything there before it is judged."""
    request = ask(ROWS, 1, purpose="planted")
    court.drop(court.make_set(request))
    poll(app)
    if judged:
        pipeline.run(app, request.batch)
    assert "planted" not in (run_note(app, request.batch) or "")


def test_no_batch_no_note(app: App) -> None:
    assert run_note(app, "no.such") is None
