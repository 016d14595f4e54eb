"""The names of releases, and what of them a partner was told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert

from exchange.base.errors import Halt
from exchange.register import Register, ReleaseState, Role
from exchange.register.models import BatchRow, FileRow, ReleaseRow
from exchange.register.releases import parse_id
from tests.register.conftest import AT

NONE = ["", "b", "b.release-", "b.release-x", "b.release-²", "b.release--1", "b.release-" + "9" * 10]


def test_a_releases_name_is_its_batch_and_its_number() -> None:
    assert parse_id("court.release-1.release-2") == ("court.release-1", 2)
    assert parse_id("b.release-" + "9" * 9) == ("b", 999_999_999)


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_releases_name(name: str) -> None:
    with pytest.raises(Halt, match="not the name of a release"):
        parse_id(name)


@pytest.mark.parametrize(
    ("state", "stage", "partner", "days_ago", "counted"),
    [
        (ReleaseState.DELIVERED, None, "court", 1, True),
        (ReleaseState.PREPARED, None, "court", 1, False),  # what has not left may not show in what waits
        (ReleaseState.APPROVED, None, "court", 1, False),
        (ReleaseState.REJECTED, None, "court", 1, False),
        (ReleaseState.DELIVERED, "test", "court", 1, False),
        (ReleaseState.DELIVERED, None, "school", 1, False),
        (ReleaseState.DELIVERED, None, "court", 90, False),
    ],
)
def test_only_what_a_partner_was_told_is_counted(
    register: Register, state: ReleaseState, stage: str | None, partner: str, days_ago: int, counted: bool
) -> None:
    name, at = "-".join(map(str, (state, stage, partner, days_ago))), AT - timedelta(days=days_ago)
    told = {"criminal_record": {"record_found": 3, "no_record": 4}, "sex": {"consistent": 9}}
    sound = {"manifest_sha256": "0", "state": "closed", "due_provisional": False, "rows_in": 50}
    release = {"number": 1, "rows": [1], "counts": "{}", "needs_approval": True, "proposed_at": AT}
    with register.engine.begin() as connection:
        for batch, of in ((name, told), (f"{name}-none", {"sex": {"consistent": 9}})):
            whose = {"id": batch, "partner": partner, "stage": stage, "received_at": at}
            connection.execute(insert(BatchRow).values(**sound, **whose, items=["name", "criminal_record"]))
            settled = {"batch_id": batch, "state": state, "settled": json.dumps(of)}
            connection.execute(insert(ReleaseRow).values(**release, **settled))
    since = AT - timedelta(days=90)
    found = register.releases.share_told("court", ["criminal_record"], "record_found", since)
    rows = 100 if partner == "court" and stage is None and days_ago < 90 else 0
    assert found == (3 if counted else 0, rows)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("upheld", [0, 1])
def test_what_a_second_look_left_as_it_was_told_the_partner_nothing(
    register: Register, signed: bool, upheld: int
) -> None:
    """Else a look of which it never hears would change how many clean rows wait for a spot check."""
    sound = {"manifest_sha256": "0", "state": "closed", "due_provisional": False, "partner": "court"}
    told = json.dumps({"criminal_record": {"record_found": 1}})
    with register.engine.begin() as connection:
        for batch, rows, objects_to in (("first", 50, None), ("look", 1, "first")):
            items = {"items": ["criminal_record"], "rows_in": rows, "objects_to": objects_to, "received_at": AT}
            connection.execute(insert(BatchRow).values(**sound | {"id": batch} | items))
        release = {"number": 1, "rows": [1], "counts": "{}", "needs_approval": True, "proposed_at": AT}
        left = {"batch_id": "look", "state": ReleaseState.DELIVERED, "settled": told, "upheld": upheld}
        connection.execute(insert(ReleaseRow).values(**release | left))
        if signed:
            file = {"batch_id": "look", "role": Role.SIGNATURE, "name": "s", "sha256": "0", "size": 1}
            connection.execute(insert(FileRow).values(**file, recorded_at=AT))
    found = register.releases.share_told("court", ["criminal_record"], "record_found", AT - timedelta(days=1))
    assert found == (int(signed or upheld > 0), 50 + signed)
