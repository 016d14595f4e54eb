"""Several lookouts: each partner has one, and another where that one says nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.base.duty import Sign
from exchange.demo.partner import DemoPartner, Request
from exchange.intake import shares
from exchange.intake.lookout import monitor
from exchange.intake.shares import SILENT_SECONDS, Share, Silence

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@given(st.text(min_size=1), st.integers(1, 9))
def test_each_partner_has_one_share_and_all_lookouts_know_which(partner: str, of: int) -> None:
    numbers = {Share(mine, of).number_of(partner) for mine in range(of)}
    assert len(numbers) == 1
    assert numbers < set(range(of)) or of == 1


@given(
    st.lists(st.floats(0.1, 2 * SILENT_SECONDS), min_size=1, max_size=12),
    st.timedeltas(timedelta(days=-1), timedelta(days=1)),
)
def test_a_share_is_taken_over_while_its_sign_does_not_move_and_given_back(
    pauses: list[float], skew: timedelta
) -> None:
    """``skew``: what the clock of the other machine is off by."""
    me, other = Share(0, 2), Share(1, 2)
    silence, now, sign = Silence(me, 0.0), 0.0, Sign(LONG_AGO + skew, "")
    assert silence.silent({other: None}, now) == set()
    for pause in pauses:
        now += pause
        sign = Sign(sign.at + timedelta(seconds=1), "")
        assert silence.silent({other: sign}, now) == set()
        assert silence.silent({other: sign}, now + SILENT_SECONDS * 0.99) == set()
        now += SILENT_SECONDS * 1.01
        assert silence.silent({other: sign}, now) == {1}


def test_one_lookout_has_nobody_to_take_over() -> None:
    assert Silence(Share(), 0.0).silent({}, 1e9) == set()


def test_what_a_silent_lookout_should_watch_is_watched(
    app: App, court: DemoPartner, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "SILENT_SECONDS", 2.0)
    request, theirs = ask(), Share(0, 2).number_of(court.id)
    for name, content in court.make_set(request).items():
        (court.server.home / "to-office" / name).write_bytes(content)
    seen = monitor(app, 60, share=Share(1 - theirs, 2))
    assert next(seen)[0] == request.batch
    seen.close()
