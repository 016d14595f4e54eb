"""What holds when a set comes decides, however much later it is judged: behind midnight, behind an outage."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
AFTER = timedelta(days=2)
REFUSALS = {"agreement": "agreement_not_in_force", "certificate": "certificate_expired"}


@pytest.fixture
def ends(app: App, court: DemoPartner) -> Iterator[Callable[[str], None]]:
    """Has the court's agreement end today, or its signing certificate tomorrow."""
    path, certificate = app.agreement_file(court.id), app.agreement(court.id).certificates.signing
    kept = {place: place.read_bytes() for place in (path, certificate)}

    def end(what: str) -> None:
        if what == "agreement":
            until = f"in_force_until = {office_day(app.now())}"
            path.write_text(re.sub("in_force_until = .*", until, kept[path].decode()), encoding="utf-8")
            return
        anew = ["-in", str(certificate), "-signkey", str(court.keys / "sign.key"), "-days", "1"]
        certificate.write_bytes(subprocess.run(["openssl", "x509", *anew], capture_output=True, check=True).stdout)

    yield end
    for place, content in kept.items():
        place.write_bytes(content)


@pytest.mark.parametrize("what", REFUSALS)
def test_what_came_in_time_is_accepted_after_it_and_what_came_after_it_is_not(
    app: App, later: Later, court: DemoPartner, ask: Ask, ends: Callable[[str], None], what: str
) -> None:
    ends(what)
    in_time, too_late = ask(period=f"{office_day(app.now())}"), ask(period=f"{office_day(app.now())}")
    court.drop(court.make_set(in_time))
    assert in_time.batch in poll(app).waiting
    court.drop(court.make_set(too_late))
    assert too_late.batch in poll(later(AFTER)).waiting
    assert pipeline.receive(later(AFTER), in_time.batch)
    assert not pipeline.receive(later(AFTER), too_late.batch)
    assert app.register.batch(too_late.batch).refusal_code == REFUSALS[what]
