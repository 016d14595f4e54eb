"""The agreement stands still for a batch: what was agreed when it was accepted holds to its last supplement."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.envelope import load_certificate
from exchange.errors import Halt
from exchange.files import sha256
from exchange.office import Office
from exchange.register import Role
from exchange.steps.agreed import agreed

Ask = Callable[..., Request]
Change = Callable[[str, str], None]
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def change(office: Office, court: DemoPartner) -> Iterator[Change]:
    """Changes the court's agreement by a pattern and what takes its place; the file is as it was afterwards."""
    path = office.agreement_file(court.id)
    before = path.read_bytes()

    def edit(pattern: str, text: str) -> None:
        changed, count = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count, pattern
        path.write_text(changed, encoding="utf-8")

    yield edit
    path.write_bytes(before)


def received(office: Office, court: DemoPartner, request: Request) -> str:
    """A batch that is accepted, and no further."""
    court.drop(court.make_set(request))
    sweep(office)
    assert pipeline.receive(office, request.batch)
    return request.batch


@pytest.fixture
def data(people: pl.DataFrame) -> bytes:
    """A request's row about one person."""
    person = people.filter(pl.col("oddity") == "").select("id_number", "name", "sex").head(1)
    return person.insert_column(0, pl.Series("row_ref", ["R1"])).write_csv().encode()


@pytest.fixture
def accepted(office: Office, court: DemoPartner, ask: Ask, data: bytes) -> str:
    return received(office, court, ask(data))


def answered(office: Office, court: DemoPartner, batch: str) -> bytes:
    pipeline.process(office, batch)
    pipeline.deliver(office, batch)
    return court.result(batch).data


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ('"sex", ', ""),
        (r"\Z", '\n[masking]\nid_number = "hide"\nname = "hide"\n'),
        ("^language = .*$", 'language = "zh"'),
        ('^(encoding) = ".*"$', r'\1 = "gb18030"'),
        ("^(in_force_until) = .*$", rf"\1 = {YESTERDAY}"),
    ],
    ids=["an item removed", "all masked", "in words", "another encoding", "ended"],
)
def test_what_is_changed_after_acceptance_changes_no_answer(
    office: Office, court: DemoPartner, ask: Ask, data: bytes, change: Change, pattern: str, text: str
) -> None:
    """Twins: the same rows, answered before the change and after it."""
    before, after = (received(office, court, ask(data)) for _ in range(2))
    expected = answered(office, court, before)
    then = agreed(office, office.register.batch(after))
    change(pattern, text)
    assert agreed(office, office.register.batch(after)) == then
    assert answered(office, court, after) == expected


def test_the_version_stands_in_the_ledger(office: Office, court: DemoPartner, accepted: str) -> None:
    path = office.agreement_file(court.id)
    facts = json.loads(office.register.steps(accepted)[-1].facts)
    assert facts["agreement"] == sha256(path.read_bytes())
    certificates = office.agreement(court.id).certificates
    assert facts["agreed_signing"] == sha256(certificates.signing.read_bytes())
    assert facts["agreed_encryption"] == sha256(certificates.encryption.read_bytes())
    assert office.archive.read(facts["agreement"]) == path.read_bytes()
    office.register.verify()


def test_a_moved_server_and_another_certificate_hold_at_once(
    office: Office, court: DemoPartner, accepted: str, change: Change
) -> None:
    change(r'^encryption = ".*"$', f'encryption = "{office.agreement(court.id).certificates.signing}"')
    change(r'^host = ".*"$', 'host = "sftp.moved.example"')
    now = agreed(office, office.register.batch(accepted))
    assert now.sftp.host == "sftp.moved.example"
    assert load_certificate(now.certificates.encryption) == load_certificate(now.certificates.signing)


def test_a_version_that_was_altered_in_the_archive_stops_the_batch(office: Office, accepted: str) -> None:
    kept = office.archive.path(office.register.file(accepted, Role.AGREEMENT).sha256)
    content = kept.read_bytes()
    kept.write_bytes(content + b"# altered\n")
    try:
        with pytest.raises(Halt, match="altered"):
            pipeline.process(office, accepted)
    finally:
        kept.write_bytes(content)
