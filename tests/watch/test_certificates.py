"""The end of a certificate: told three times, once each, to partner and office; a trouble in the last week."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner
from exchange.watch.certificates import watch_certificates
from exchange.wire.certificates import ends, read_certificates
from tests.wire.test_certificates import KEYS, made

DAY = timedelta(days=1)


@pytest.fixture
def pin(app: App, court: DemoPartner) -> Iterator[Callable[..., datetime]]:
    """Pins encryption certificates of these many days in place of the court's own; when the last ends."""
    place = app.agreement(court.id).certificates.encryption
    before = place.read_bytes()

    def put(*days: float) -> datetime:
        certificates = [made(KEYS["rsa"], app.now() - 800 * DAY, app.now() + each * DAY) for each in days]
        place.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
        return ends(read_certificates(place))

    yield put
    place.write_bytes(before)


def notices(court: DemoPartner) -> list[str]:
    return sorted(name for name in court.answers() if ".certificate." in name and name.endswith(".json"))


def about(app: App, court: DemoPartner, left: int, end: datetime) -> list[tuple[str, int]]:
    """What is told when so many days are left."""
    moment = end - left * DAY
    seen = watch_certificates(App(app.settings, app.register, lambda: moment))
    return [(each.code, each.days) for each in seen.alerts if each.partner == court.id]


def test_partner_and_office_are_told_once_at_each_step(
    app: App, court: DemoPartner, pin: Callable[..., datetime]
) -> None:
    end = pin(90)
    told = {left: about(app, court, left, end) for left in (61, 60, 45, 30, 29, 7, 3, 0, -1, -2)}
    assert {left: kinds for left, kinds in told.items() if kinds} == {
        60: [("certificate_ends", 60)],
        30: [("certificate_ends", 30)],
        7: [("certificate_ends", 7)],
        -1: [("certificate_ended", 0)],
    }
    names = notices(court)
    assert len(names) == 4
    for name in names:
        notice = court.verified(name)
        assert notice["ends_on"] == str(office_day(end))
        assert notice["code"] == ("certificate_ended" if ".0.notice" in name else "certificate_ends")


def test_after_a_standstill_the_nearest_alone(app: App, court: DemoPartner, pin: Callable[..., datetime]) -> None:
    assert about(app, court, 5, pin(91)) == [("certificate_ends", 7)]
    assert len(notices(court)) == 1


def test_a_change_that_is_made_ready_is_not_told_of(app: App, court: DemoPartner, pin: Callable[..., datetime]) -> None:
    pin(5, 700)
    seen = watch_certificates(app)
    assert [each for each in seen.alerts if each.partner == court.id] == []
    assert seen.troubles == []


@pytest.mark.parametrize(("days", "words"), [(5, "ends on"), (-1, "has ended")])
def test_the_last_week_is_a_trouble(
    app: App, court: DemoPartner, pin: Callable[..., datetime], days: int, words: str
) -> None:
    pin(days)
    (trouble,) = watch_certificates(app).troubles
    assert trouble.startswith(f"{court.id}: the encryption certificate {words}")


def test_the_offices_own_are_told_to_the_office(app: App) -> None:
    end = ends(read_certificates(app.settings.keys.signing_certificate))
    moment = end - 20 * DAY
    office = App(app.settings, app.register, lambda: moment)
    told = {each.subject for each in watch_certificates(office).alerts if each.partner == "office"}
    assert told == {"office.certificate.signing", "office.certificate.decryption"}


def test_a_certificate_that_cannot_be_read_is_named_and_the_others_are_looked_at(
    app: App, court: DemoPartner, pin: Callable[..., datetime], education: DemoPartner
) -> None:
    pin(90)
    place: Path = app.agreement(court.id).certificates.encryption
    place.write_bytes(b"no certificate")
    (trouble,) = watch_certificates(app).troubles
    assert trouble.startswith(f"{court.id}: ")
    assert x509.load_pem_x509_certificate(app.agreement(education.id).certificates.signing.read_bytes())
