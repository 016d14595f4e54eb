"""The end of a certificate: told three times, once each, to partner and office; a trouble in the last week."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner
from exchange.pages.troubles import troubles
from exchange.watch.certificates import watch_certificates
from exchange.wire.certificates import ends, read_certificates, valid
from tests.examples import one_in
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
        return ends(read_certificates(place), app.now())

    yield put
    place.write_bytes(before)


def notices(court: DemoPartner) -> list[str]:
    return sorted(name for name in court.answers() if ".certificate." in name and name.endswith(".json"))


def office_at(app: App, moment: datetime) -> App:
    return App(app.settings, app.register, lambda: moment)


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


def test_a_new_certificate_that_leaves_a_gap_is_no_change_made_ready(
    app: App, court: DemoPartner, pin: Callable[..., datetime]
) -> None:
    """And while the gap lasts the trouble says so; the board as well."""
    pin(5)
    place, now = app.agreement(court.id).certificates.encryption, app.now()
    new = made(KEYS["rsa"], now + 6 * DAY, now + 700 * DAY)
    place.write_bytes(place.read_bytes() + new.public_bytes(Encoding.PEM))
    assert about(app, court, 5, ends(read_certificates(place), now)) == [("certificate_ends", 7)]
    for days, words in ((0.0, ["ends on"]), (5.5, ["has ended"]), (7.0, [])):
        moment = now + days * DAY
        office = office_at(app, moment)
        said = [each for each in watch_certificates(office).troubles if each.startswith(court.id)]
        assert [word for word in ("ends on", "has ended") for each in said if word in each] == words
        shown = [each for each in troubles(office) if each.about == court.id and "证书" in each.words.zh]
        assert len(shown) == len(said)


def test_one_that_is_not_valid_yet_is_a_trouble(app: App, court: DemoPartner, pin: Callable[..., datetime]) -> None:
    pin(90)
    place = app.agreement(court.id).certificates.encryption
    new = made(KEYS["rsa"], app.now() + DAY, app.now() + 700 * DAY)
    place.write_bytes(new.public_bytes(Encoding.PEM))
    (trouble,) = watch_certificates(app).troubles
    assert "is not valid before" in trouble


@one_in(3)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 60)), min_size=1, max_size=2))
def test_until_its_end_one_is_valid_each_day_and_behind_it_none(spans: list[tuple[int, int]]) -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    certificates = [made(KEYS["p256"], now + begin * DAY, now + (begin + length) * DAY) for begin, length in spans]
    end = ends(certificates, now)
    if valid(certificates, now):
        assert all(valid(certificates, now + day * DAY) for day in range((end - now).days + 1))
        assert not valid(certificates, end + timedelta(seconds=1))


@pytest.mark.parametrize(("days", "words"), [(5, "ends on"), (-1, "has ended")])
def test_the_last_week_is_a_trouble(
    app: App, court: DemoPartner, pin: Callable[..., datetime], days: int, words: str
) -> None:
    pin(days)
    (trouble,) = watch_certificates(app).troubles
    assert trouble.startswith(f"{court.id}: the encryption certificate {words}")


def test_the_offices_own_are_told_to_the_office(app: App) -> None:
    end = ends(read_certificates(app.settings.keys.signing_certificate), app.now())
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
