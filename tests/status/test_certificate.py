"""The certificate of conformance: nothing is shown before it was done, everything once it was; then live is allowed."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.cli.partner import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import Decision, State
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.settings import ENVIRONMENT_VARIABLE
from exchange.snapshots.versions import Snapshots
from exchange.status.certificate import certify, requirements
from exchange.wire.keys import make_certificate
from tests.steps.stages import at_stage

Ask = Callable[..., Request]
Shown = Callable[[], set[str]]


_numbers = itertools.count(1)


@pytest.fixture
def social(world: World) -> DemoPartner:
    """A partner that no other test puts to the test: what is shown is shown here."""
    return demo_partner(world, PARTNERS[2])


@pytest.fixture
def asks(ask: Ask, social: DemoPartner) -> Ask:
    """Its sound requests."""

    def make(*data: object, **given: object) -> Request:
        sound = {"purpose": "pension", "legal_basis": "社会保险法第七十四条", "cycle": "monthly", "period": "2026-11"}
        return ask(*data, **{"batch": f"{social.id}.shown{next(_numbers)}"} | sound | given)

    return make


@pytest.fixture
def renewed(app: App, social: DemoPartner, tmp_path: Path) -> Iterator[DemoPartner]:
    """The partner with a new signing key, pinned in place of the old one."""
    pinned = app.agreement(social.id).certificates.signing
    before, keys = pinned.read_bytes(), tmp_path / "keys"
    shutil.copytree(social.keys, keys, ignore=shutil.ignore_patterns("sign.*", "desk"))
    make_certificate(keys, "sign", "new")
    partner = replace(social, keys=keys)
    yield partner
    pinned.write_bytes(before)


@pytest.fixture
def leader(world: World) -> Iterator[App]:
    with App.open("leader", world.config) as opened:
        yield opened


def answered(app: App, partner: DemoPartner, request: Request) -> str:
    partner.drop(partner.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    return request.batch


def take(app: App, partner: DemoPartner, batch: str, number: int = 1) -> None:
    stem = f"{batch}.result" if number == 1 else f"{batch}.result-{number}"
    partner.drop({f"{stem}.ack": b""})
    poll(app)


def test_each_thing_is_shown_when_it_was_done_and_then_live_is_allowed(
    world: World,
    app: App,
    leader: App,
    social: DemoPartner,
    renewed: DemoPartner,
    asks: Ask,
    province: Path,
    installed: Snapshots,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(world.config))
    agreement = app.agreement(social.id)

    def shown() -> set[str]:
        return {each.code for each in requirements(app, agreement) if each.by is not None}

    claims = pl.read_csv(province / "answers" / "register.csv", infer_schema=False)
    expected = pl.read_csv(province / "answers" / "register.expected.csv", infer_schema=False)
    right = (expected["identity"] == "consistent") & (expected["sex"] == "consistent")
    data = claims.filter(right).select("row_ref", "id_number", "name", "sex").head(1).write_csv().encode()

    live = answered(app, social, asks(data))
    take(app, social, live)
    with at_stage(app, social, "test"):
        assert shown() == set(), "what was live shows nothing"
        answered(app, social, asks(data, purpose="other"))
        assert shown() == set()
        first = answered(app, social, asks(data))
        assert shown() == {"refusal_understood"}
        take(app, social, first)
        assert shown() == {"refusal_understood", "set_answered"}
        reference = claims.filter(right)["row_ref"][0]
        about = {"cycle": "objection", "period": "2026-11-23", "items": ("sex",), "objects_to": first}
        objection = answered(app, social, asks(f"row_ref\n{reference}\n".encode(), 1, **about))
        assert shown() == {"refusal_understood", "set_answered", "objection"}
        _decided(app, leader, objection)
        take(app, social, objection, 2)
        assert shown() == {"refusal_understood", "set_answered", "objection", "supplement_taken"}
        assert CliRunner().invoke(commands, ["certify", social.id]).exit_code == 1

        new, old = (renewed.keys / "sign.pem").read_bytes(), agreement.certificates.signing.read_bytes()
        agreement.certificates.signing.write_bytes(old + new)
        answered(app, renewed, asks(data))
        assert "key_changed" not in shown(), "the old one still counts"
        recertified = _with_another_certificate(social, tmp_path / "same-key")
        agreement.certificates.signing.write_bytes((recertified.keys / "sign.pem").read_bytes())
        answered(app, recertified, asks(data))
        assert "key_changed" not in shown(), "another certificate, and the same key"
        agreement.certificates.signing.write_bytes(new)
        answered(app, renewed, asks(data))
        assert "key_changed" in shown()
        needed = requirements(app, agreement)
        with monkeypatch.context() as cut_off:
            cut_off.setattr("exchange.status.certificate.send_signed", _killed)
            with pytest.raises(KeyboardInterrupt):
                certify(app, agreement, needed)
        stands = app.register.conformance.newest(social.id)
        said = CliRunner().invoke(commands, ["certify", social.id])
        assert said.exit_code == 0, said.output
        assert app.register.conformance.newest(social.id) == stands, "what was registered and not sent is sent"
    certificate = social.verified(f"{social.id}.conformance.json")
    assert {each["code"] for each in certificate["shown"]} == shown()
    assert live not in {each["batch"] for each in certificate["shown"]}
    with at_stage(app, social, "live"):
        batch = answered(app, renewed, asks(data))
        assert not app.register.batch(batch).is_test
        app.agreement_file(social.id).write_text(app.agreement_file(social.id).read_text("utf-8") + ADDED, "utf-8")
        added = asks(data, purpose="subsidy", legal_basis="社会救助暂行办法第五十八条")
        with pytest.raises(Halt, match="purpose subsidy was added after its certificate"):
            answered(app, renewed, added)
        assert "purpose subsidy" in CliRunner().invoke(commands, ["check"]).output
        assert app.register.batch(answered(app, renewed, asks(data))).state is not State.CLAIMED, "the others go on"
        leader.register.conformance.exempt(social.id, "同一系统，新增用途〔虚构〕", app.now())
        assert pipeline.run(app, added.batch)
    app.register.verify()


ADDED = """
[[purposes]]
code = "subsidy"
zh = "补贴资格核对"
legal_basis = "社会救助暂行办法第五十八条"
items = ["id_number", "name", "sex"]
"""


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _with_another_certificate(partner: DemoPartner, keys: Path) -> DemoPartner:
    """The partner with its old signing key in a new certificate."""
    shutil.copytree(partner.keys, keys, ignore=shutil.ignore_patterns("sign.pem", "desk"))
    place = ["-key", str(keys / "sign.key"), "-out", str(keys / "sign.pem")]
    command = ["openssl", "req", "-x509", *place, "-days", "30", "-subj", "/CN=another"]
    subprocess.run(command, check=True, capture_output=True)
    return replace(partner, keys=keys)


def _decided(app: App, leader: App, batch: str) -> None:
    """What an officer and a leader do, at the command line, as no page shows a test."""
    review = app.register.reviews.get(batch, 1)
    said = complete(load_cases(app, batch, [review])[0].open, {"sex": "consistent", "identity": "consistent"})
    app.register.reviews.decide(batch, [Decision(1, review.version, said, "archive")])
    for release in pipeline.propose_all(app).releases:
        if release.batch == batch:
            if release.needs_approval:
                leader.register.releases.approve(batch, release.number, release.answers_sha256 or "")
            pipeline.issue(app, release.id)


def test_only_a_leader_exempts(world: World, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the tests is the officer of this world."""
    partner = PARTNERS[5].id
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(world.config))
    assert CliRunner().invoke(commands, ["exempt", partner, "--reason", "多年合作"]).exit_code == 70
    assert app.register.conformance.newest(partner) is None
