"""Agreements and settings: an error names file and field and says what would be right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exchange.agreements.agreement import check_assessed, load_agreement
from exchange.base.errors import Halt
from exchange.demo.agreement import agreement_toml
from exchange.demo.world import PARTNERS, World
from exchange.settings import Settings
from exchange.wire.keys import make_certificate

PROFILE = PARTNERS[0]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("agreements")
    for name in ("sign", "encrypt"):
        make_certificate(place, f"{PROFILE.id}.{name}", name)
    return place


@pytest.fixture(scope="module")
def sound(folder: Path) -> str:
    server = World(folder / "world").sftp(PROFILE.id)
    return agreement_toml(PROFILE, server, datetime.now(UTC).date())


def load(folder: Path, content: str, name: str = PROFILE.id) -> object:
    path = folder / f"{name}.toml"
    path.write_text(content, encoding="utf-8")
    return load_agreement(path)


def test_a_sound_agreement(folder: Path, sound: str) -> None:
    load(folder, sound)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('level = "city"', 'level = "village"', "level: Input should be 'province', 'city' or 'county'"),
        ('division = "220100"', 'division = "2201"', "division: String should match pattern"),
        (
            'cycles = ["monthly", "ad_hoc"]',
            'cycles = ["weekly"]',
            "no such cycle: weekly; there are annual, half_yearly",
        ),
        (
            '"criminal_record"]',
            '"criminal_record", "unregistered"]',
            'unregistered_by: "mother" or "name", where items hold unregistered',
        ),
        (
            '"criminal_record"]',
            '"criminal_record"]\nunregistered_by = "name"',
            "where items hold unregistered and only",
        ),
        (
            '"criminal_record"]',
            '"criminal_record", "unregistered"]\nunregistered_by = "father"',
            "Input should be 'mother' or 'name'",
        ),
        ("legal_bases =", 'legal_basis = "因为需要"\nlegal_bases =', "words (legal_basis) are no basis for offences"),
        (
            'legal_bases = ["case_handling_286"]',
            'legal_basis = "刑事诉讼法"',
            "court: judges_13 法官法第十三条; case_handling_286",
        ),
        ('["case_handling_286"]', '["some_law_1"]', "open to a partner of kind court: judges_13"),
        ('["case_handling_286"]', '["teachers_14"]', "open to a partner of kind court: judges_13"),
        ('["case_handling_286"]', '["judges_13", "judges_13"]', "by code, each once"),
        ('kind = "court"', 'kind = "bank"', "of kind bank: none: it cannot ask about offences"),
        (
            'kind = "court"',
            'kind = "museum"',
            "kind: Value error, no such kind of partner; there are court, procuratorate",
        ),
        ('kind = "court"\n', "", "kind: case_handling asks about offences, so needed; one of court"),
        (', "criminal_record"]', "]", "legal_basis: the basis in words, where no offences are asked about"),
        ('"criminal_record"]', '"shoe_size"]', "no such item: shoe_size; there are id_number, name"),
        ('host_key = "ssh-ed25519 ', 'host_key = "', "sftp.host_key: String should match pattern"),
        ("[contact]", "[contract]", "contract: Extra inputs are not permitted"),
        ('zh = "长春市中级人民法院（虚构）"\n', "", "zh: Field required"),
        ('format = "csv"', 'format = "xlsx"', "limits.max_rows: a result as xlsx holds at most 1048575 rows"),
        (
            "[contact]",
            '[[expected]]\ncycle = "annual"\nday = 5\n[contact]',
            "expected: annual is none of the agreement's",
        ),
        (
            "[contact]",
            '[[expected]]\ncycle = "monthly"\nday = 5\npurpose = "fun"\n[contact]',
            "expected: fun is none of the agreement's purposes",
        ),
        ("[contact]", '[[expected]]\ncycle = "monthly"\nday = 5\n' * 2 + "[contact]", "a cycle stands twice"),
        ("[contact]", '[[expected]]\ncycle = "ad_hoc"\nday = 5\n[contact]', "Input should be 'annual', 'half_yearly'"),
        ("[contact]", '[[expected]]\ncycle = "monthly"\nday = 0\n[contact]', "Input should be greater than or equal"),
        (".sign.pem", ".missing.pem", "certificates.signing: no file court-changchun.missing.pem beside the agreement"),
        ("[assessment]\n", "[assessment]\nby = 'us'\n", "assessment.by: Extra inputs are not permitted"),
        ("made_on = ", "made_on = 9999-12-31 # ", "assessment.ends_on lies before made_on"),
        ("partner =", "partner", "not TOML"),
        ('partner = "court-changchun"', 'partner = "court-x"', "must be named court-x.toml"),
    ],
)
def test_errors_name_file_and_field_and_what_is_right(folder: Path, sound: str, old: str, new: str, says: str) -> None:
    assert old in sound
    with pytest.raises(Halt) as halted:
        load(folder, sound.replace(old, new))
    assert says in str(halted.value)
    assert f"{PROFILE.id}.toml" in str(halted.value)


def test_in_force_it_names_its_assessment_and_lasts_no_longer(folder: Path, sound: str) -> None:
    load(folder, sound)
    agreement = load_agreement(folder / f"{PROFILE.id}.toml")
    assert agreement.assessment is not None
    first, last = agreement.in_force_from, agreement.in_force_until
    check_assessed(agreement, first)
    for ends_on in (first, last, last + DAY):
        shorter = agreement.assessment.model_copy(update={"ends_on": ends_on})
        assessed = agreement.model_copy(update={"assessment": shorter})
        assert assessed.in_force(min(ends_on, last))
        assert not assessed.in_force(min(ends_on, last) + DAY)

    lacking = agreement.model_copy(update={"assessment": None})
    for day in (first, last):
        with pytest.raises(Halt, match=r"assessment: .* number, made_on, ends_on"):
            check_assessed(lacking, day)
    for day in (first - DAY, last + DAY):  # one that has ended stays readable until its batches are done
        check_assessed(lacking, day)


def test_a_purpose_cites_the_bases_that_it_rests_on(folder: Path, sound: str) -> None:
    both = sound.replace('["case_handling_286"]', '["case_handling_286", "case_handling_136"]')
    load(folder, both)
    purpose = load_agreement(folder / f"{PROFILE.id}.toml").purpose("case_handling")
    assert purpose is not None
    assert [basis.code for basis in purpose.bases] == ["case_handling_286", "case_handling_136"]
    assert purpose.cited == "刑事诉讼法第二百八十六条；治安管理处罚法第一百三十六条"


def test_a_standing_approval_holds_for_ad_hoc_in_its_time_only(folder: Path, sound: str) -> None:
    agreement = load_agreement(folder / f"{PROFILE.id}.toml") if load(folder, sound) else None
    assert agreement is not None
    assert agreement.standing_approval is not None
    given, ends = agreement.standing_approval.given_on, agreement.standing_approval.ends_on
    assert agreement.approved_in_advance("ad_hoc", given)
    assert agreement.approved_in_advance("ad_hoc", ends)
    assert not agreement.approved_in_advance("ad_hoc", date.fromordinal(ends.toordinal() + 1))
    assert not agreement.approved_in_advance("ad_hoc", date.fromordinal(given.toordinal() - 1))
    assert not agreement.approved_in_advance("monthly", given)


def test_settings_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="EXCHANGE_CONFIG"):
        Settings.load(tmp_path / "none.toml")
    path = tmp_path / "exchange.toml"
    path.write_text('office = "x"\nhome = "home"\nagreements = "a"\nexports = "e"\npassword = "hunter2"\n')
    with pytest.raises(Halt) as halted:
        Settings.load(path)
    assert "keys: Field required" in str(halted.value)
    assert "hunter2" not in str(halted.value)
