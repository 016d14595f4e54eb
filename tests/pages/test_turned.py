"""What somebody typed turns no line of a page: a number in a partner's manifest, a note of an officer to the leader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from tests.pages.conftest import Pages

TURNING = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CODE_POINTS = "".join(f"‹U+{ord(each):04X}›" for each in TURNING)


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Callable[..., Request]) -> str:
    request = ask(letter="介字〔虚构〕\u202e<b>\u20281号")
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.receive(app, request.batch)
    return request.batch


def test_a_letters_number_stands_there_in_its_order(pages: Pages, batch: str) -> None:
    for text in (pages.post("op", "/search", batch=batch)[1], pages.get("op", f"/batch/{batch}")[1]):
        assert "介字〔虚构〕&lt;b&gt;‹U+2028›1号" in text
        assert not set(TURNING) & set(text)


def test_a_note_to_the_leader_reads_as_it_was_typed(pages: Pages, officer: App, batch: str) -> None:
    officer.register.clock.propose(batch, officer.now(), "record_unclear", f"已{TURNING}发函<i>")
    text = pages.get("leader", "/approval")[1]
    assert f"已{CODE_POINTS}发函&lt;i&gt;" in text
    assert not set(TURNING) & set(text)
