"""Agreements that were kept with a batch before legal bases were a catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.agreements.agreement import Agreement, parse_agreement
from exchange.agreements.older_form import parse_kept
from exchange.base.errors import Halt
from exchange.demo.agreement import agreement_toml
from exchange.demo.world import PARTNERS, World

PATH = Path(f"{PARTNERS[1].id}.toml")
OLDER = {
    'legal_bases = ["minors_protection_62"]': 'legal_basis = "教师法第十四条"',
    'legal_bases = ["preschool_44"]': 'legal_basis = "学前教育法"\noffence_kinds = ["judgment", "drug"]',
    'kind = "education"\n': "",
}


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> str:
    world = World(tmp_path_factory.mktemp("world"))  # it makes a host key
    return agreement_toml(PARTNERS[1], world.sftp(PARTNERS[1].id), datetime.now(UTC).date())


@pytest.fixture(scope="module")
def today(now: str) -> Agreement:
    return parse_agreement(now.encode(), PATH)


@pytest.fixture(scope="module")
def older(now: str) -> bytes:
    for new, old in OLDER.items():
        assert new in now
        now = now.replace(new, old)
    return now.replace("虚构", "虚构旧").encode()


def test_of_today_it_is_read_as_it_stands(now: str, today: Agreement) -> None:
    assert parse_kept(now.encode(), PATH, "hiring_teachers", today) == today


@pytest.mark.parametrize("purpose", ["hiring_teachers", "founding_kindergartens"])
def test_the_bases_of_today_take_the_place_of_words(older: bytes, today: Agreement, purpose: str) -> None:
    found, then = parse_kept(older, PATH, purpose, today).purpose(purpose), today.purpose(purpose)
    assert found is not None
    assert then is not None
    assert found.legal_bases == then.legal_bases


def test_register_facts_keep_their_words(older: bytes, today: Agreement) -> None:
    found = parse_kept(older, PATH, "enrolment", today)
    assert found.zh == "吉林省教育厅（虚构旧）"
    purpose = found.purpose("enrolment")
    assert purpose is not None
    assert purpose.cited == "义务教育法第十二条"


def test_without_a_basis_of_today_nothing_is_answered(older: bytes, today: Agreement) -> None:
    facts = tuple(each for each in today.purposes if each.code == "enrolment")
    with pytest.raises(Halt, match="name those of purpose hiring_teachers"):
        parse_kept(older, PATH, "hiring_teachers", today.model_copy(update={"purposes": facts}))
