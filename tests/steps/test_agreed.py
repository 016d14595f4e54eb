"""The agreement stands still for a batch: what was agreed when it was accepted holds to its last supplement."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.base.files import sha256
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Role
from exchange.steps import receive
from exchange.steps.agreed import agreed
from exchange.steps.trust import trusted_manifest
from exchange.wire.envelope import load_certificate
from exchange.wire.manifest import RequestManifest

Ask = Callable[..., Request]
Change = Callable[[str, str], None]
ASIDE = ".taken-away"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def change(app: App, court: DemoPartner) -> Iterator[Change]:
    """Changes the court's agreement by a pattern and what takes its place; the file is as it was afterwards."""
    path = app.agreement_file(court.id)
    before = path.read_bytes()

    def edit(pattern: str, text: str) -> None:
        changed, count = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count, pattern
        path.write_text(changed, encoding="utf-8")

    yield edit
    path.write_bytes(before)


def received(app: App, court: DemoPartner, request: Request) -> str:
    """A batch that is accepted, and no further."""
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.receive(app, request.batch)
    return request.batch


@pytest.fixture
def data(people: pl.DataFrame) -> bytes:
    """A request's row about one person."""
    person = people.filter(pl.col("oddity") == "").select("id_number", "name", "sex").head(1)
    return person.insert_column(0, pl.Series("row_ref", ["R1"])).write_csv().encode()


@pytest.fixture
def accepted(app: App, court: DemoPartner, ask: Ask, data: bytes) -> str:
    return received(app, court, ask(data))


def test_a_certificate_that_is_changed_while_a_set_is_judged_is_not_taken_for_the_one_that_judged_it(
    app: App, court: DemoPartner, ask: Ask, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = app.agreement(court.id).certificates
    before, trusted = pinned.signing.read_bytes(), trusted_manifest

    def changed_then(*given: Any) -> RequestManifest:
        manifest = trusted(*given)
        pinned.signing.write_bytes(pinned.encryption.read_bytes())
        return manifest

    request = ask(data)
    court.drop(court.make_set(request))
    poll(app)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(receive, "trusted_manifest", changed_then)
            with pytest.raises(Retryable, match="was changed while a set was judged"):
                pipeline.receive(app, request.batch)
    finally:
        pinned.signing.write_bytes(before)
    assert pipeline.receive(app, request.batch)
    assert app.register.file(request.batch, Role.AGREED_SIGNING).sha256 == sha256(before)


def test_a_file_of_the_agreement_that_is_taken_away_at_any_read_is_named(
    app: App, court: DemoPartner, ask: Ask, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that was revoked is moved out of the folder, while a set is judged, answered, delivered: whichever
    look at it comes next says which file it is; when it is back, the set is answered.
    """
    named = set[str]()
    for at in itertools.count(1):
        request = ask(data)
        court.drop(court.make_set(request))
        poll(app)
        with monkeypatch.context() as patched:
            taken = taken_away(app, at, patched)
            said = stopped(app, request.batch)
        if not taken:
            break
        assert taken[0].name in said, f"read {at}"
        (taken[0].parent / ASIDE).rename(taken[0])
        named.add(taken[0].name)
        assert pipeline.run(app, request.batch)
        assert court.result(request.batch).manifest["rows_out"] == 1
    assert named == {f"{court.id}.{name}" for name in ("toml", "sign.pem", "encrypt.pem")}


def stopped(app: App, batch: str) -> str:
    """What the batch's run says where it stops."""
    try:
        pipeline.run(app, batch)
    except (Halt, Retryable) as error:
        return f"{error}"
    return ""


def taken_away(app: App, at: int, patched: pytest.MonkeyPatch) -> list[Path]:
    """Before so many reads of files of agreements the one that is read goes; which it was, once it was."""
    read, reads, taken = Path.read_bytes, itertools.count(1), list[Path]()

    def going(path: Path) -> bytes:
        if path.parent == app.settings.agreements and next(reads) == at:
            path.rename(path.parent / ASIDE)
            taken.append(path)
        return read(path)

    patched.setattr(Path, "read_bytes", going)
    return taken


def answered(app: App, court: DemoPartner, batch: str) -> bytes:
    pipeline.process(app, batch)
    pipeline.deliver(app, batch)
    return court.result(batch).data


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ('"sex", ', ""),
        (r"\Z", '\n[masking]\nid_number = "hide"\nname = "hide"\n'),
        ("^language = .*$", 'language = "zh"'),
        ('^(encoding) = ".*"$', r'\1 = "gb18030"'),
        ("^(in_force_until) = .*$", rf"\1 = {YESTERDAY}"),
        (r"^\[assessment\]\n(.*\n)(.*\n)ends_on = .*$", rf"[assessment]\n\1\2ends_on = {YESTERDAY}"),
        (r"^\[assessment\]\n.*\n.*\n.*$", ""),
    ],
    ids=[
        "an item removed",
        "all masked",
        "in words",
        "another encoding",
        "ended",
        "assessment ended",
        "assessment gone",
    ],
)
def test_what_is_changed_after_acceptance_changes_no_answer(
    app: App, court: DemoPartner, ask: Ask, data: bytes, change: Change, pattern: str, text: str
) -> None:
    """Twins: the same rows, answered before the change and after it."""
    before, after = (received(app, court, ask(data)) for _ in range(2))
    expected = answered(app, court, before)
    then = agreed(app, app.attested(after))
    change(pattern, text)
    assert agreed(app, app.attested(after)) == then
    assert answered(app, court, after) == expected


def test_in_force_without_an_assessment_a_set_waits_for_a_person(
    app: App, court: DemoPartner, ask: Ask, data: bytes, change: Change
) -> None:
    request = ask(data)
    court.drop(court.make_set(request))
    poll(app)
    path = app.agreement_file(court.id)
    before = path.read_bytes()
    change(r"^\[assessment\]\n.*\n.*\n.*$", "")
    with pytest.raises(Halt, match="assessment"):
        pipeline.receive(app, request.batch)
    path.write_bytes(before)
    assert pipeline.receive(app, request.batch)


def test_a_version_of_before_assessments_is_read(
    app: App, court: DemoPartner, ask: Ask, data: bytes, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    with monkeypatch.context() as older:
        older.setattr("exchange.steps.agreed.check_assessed", lambda *_: None)
        change(r"^\[assessment\]\n.*\n.*\n.*$", "")
        batch = received(app, court, ask(data))
    assert agreed(app, app.attested(batch)).assessment is None
    assert answered(app, court, batch)


def test_the_version_stands_in_the_ledger(app: App, court: DemoPartner, accepted: str) -> None:
    path = app.agreement_file(court.id)
    facts = json.loads(app.register.transitions(accepted)[-1].facts)
    assert facts["agreement"] == sha256(path.read_bytes())
    certificates = app.agreement(court.id).certificates
    assert facts["agreed_signing"] == sha256(certificates.signing.read_bytes())
    assert facts["agreed_encryption"] == sha256(certificates.encryption.read_bytes())
    assert app.archive.read(facts["agreement"]) == path.read_bytes()
    app.register.verify()


def test_a_moved_server_and_another_certificate_hold_at_once(
    app: App, court: DemoPartner, accepted: str, change: Change
) -> None:
    change(r'^encryption = ".*"$', f'encryption = "{app.agreement(court.id).certificates.signing}"')
    change(r'^host = ".*"$', 'host = "sftp.moved.example"')
    now = agreed(app, app.attested(accepted))
    assert now.sftp.host == "sftp.moved.example"
    assert load_certificate(now.certificates.encryption) == load_certificate(now.certificates.signing)


def test_a_version_that_was_altered_in_the_archive_stops_the_batch(app: App, accepted: str) -> None:
    kept = app.archive.path(app.register.file(accepted, Role.AGREEMENT).sha256)
    content = kept.read_bytes()
    kept.write_bytes(content + b"# altered\n")
    try:
        with pytest.raises(Halt, match="altered"):
            pipeline.process(app, accepted)
    finally:
        kept.write_bytes(content)
