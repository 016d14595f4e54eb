"""The partner guide, played: its own commands, with OpenSSH's ``sftp`` and ``openssl``, against a real office."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import openpyxl
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.servers.sftp import FROM_OFFICE
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import PickupEvidence, State
from exchange.status.publish import publish
from exchange.wire.keys import make_ssh_key
from exchange.wire.manifest import RequestManifest, parse
from tests.docs.guide_desk import ASK, BLOCKS, GUIDE, ONCE, PARTNER, Desk, record
from tests.steps.releases import decide, proposed


@pytest.fixture(scope="module")
def new_desk(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Desk]]:
    """A new partner's desk: its keys handed over as the guide says, in the place of the demo partner's own."""
    folder = tmp_path_factory.mktemp("desk")
    server = world.sftp(PARTNER.id)
    for name in ("sign", "encrypt"):
        shutil.copy(world.office_keys / f"{name}.pem", folder / f"office-{name}.pem")
    variables = {
        "PARTNER": PARTNER.id,
        "SFTP_HOST": "127.0.0.1",
        "SFTP_PORT": str(server.port),
        "SFTP_USER": server.username,
        "HOST_KEY": server.host_key,
        "PURPOSE": "pension",
        "LEGAL_BASIS": "社会保险法第七十四条",
        "LETTER": "介字〔2026〕1号",
        "HANDLER": "王经办",
        "CYCLE": "monthly",
        "PERIOD": "2026-11",
    }
    named = re.search(r"^```text\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert named is not None
    assert set(re.findall(r"\b([A-Z_]+)=", named[1])) == set(variables)
    assert Desk(folder, variables).follow(*ONCE).count("Fingerprint=") == 4
    agreements = world.root / "office" / "agreements"
    for name in ("sign", "encrypt"):
        shutil.copy(folder / f"{name}.pem", agreements / f"{PARTNER.id}.{name}.pem")
    server.stop()
    server.start(make_ssh_key(world.office_keys / "sftp"), (folder / "sftp.pub").read_text().strip())
    yield lambda: Desk(folder, variables)
    for name in ("sign", "encrypt"):
        shutil.copy(world.partner_keys(PARTNER.id) / f"{name}.pem", agreements / f"{PARTNER.id}.{name}.pem")
    server.stop()
    world.start_servers()


@pytest.fixture
def desk(new_desk: Callable[[], Desk]) -> Desk:
    return new_desk()


@pytest.mark.parametrize("left_out", ["PARTNER", "HOST_KEY", "CYCLE", "HANDLER"])
@pytest.mark.parametrize("value", ["", "…", "ssh-ed25519 AAAA…"])
def test_what_was_not_filled_in_is_noticed(desk: Desk, left_out: str, value: str) -> None:
    desk.environment |= {left_out: value}
    with pytest.raises(AssertionError, match="agreed ended with 1"):
        desk.follow("agreed")


def test_keys_are_never_overwritten(desk: Desk) -> None:
    names = ("sign.key", "sign.pem", "encrypt.key", "encrypt.pem", "sftp", "sftp.pub")
    before = [(desk.folder / name).read_bytes() for name in names]
    with pytest.raises(AssertionError, match="keys ended with 1"):
        desk.follow("keys")
    assert [(desk.folder / name).read_bytes() for name in names] == before


@pytest.mark.parametrize(("cycle", "letter"), [("ad_hoc", ""), ("quarterly", "介字〔2026〕1号")])
def test_the_manifest_says_the_cycle_and_the_letter_that_were_put_in(desk: Desk, cycle: str, letter: str) -> None:
    desk.environment |= {"CYCLE": cycle, "LETTER": letter}
    desk.follow("data", "plain", "manifest")
    manifest = parse(RequestManifest, (desk.folder / f"{desk.batch}.request.json").read_bytes())
    assert (manifest.cycle, manifest.letter) == (cycle, letter or None)


@pytest.mark.parametrize("written", ['王"经办', "王\\经办", '"', "王 'x' $HOME `id` & 办"])
def test_whatever_a_handler_and_a_letter_are_called_the_manifest_is_whole(desk: Desk, written: str) -> None:
    desk.environment |= {"HANDLER": written, "LETTER": written}
    desk.follow("data", "plain", "manifest")
    manifest = parse(RequestManifest, (desk.folder / f"{desk.batch}.request.json").read_bytes())
    assert (manifest.handler, manifest.letter) == (written, written)


def answered(app: App, desk: Desk) -> None:
    """The office's side: it finds the set and takes it all the way."""
    assert desk.batch in poll(app).waiting
    assert pipeline.run(app, desk.batch)


def test_from_making_keys_to_the_opened_result(desk: Desk, app: App, world: World) -> None:
    desk.follow(*ASK)
    assert desk.follow("look") == "sftp> ls -1 from-office\n"
    assert "there is no notice" in desk.follow("notice")
    for block in ("receipt", "result"):
        with pytest.raises(AssertionError, match=f"(?s){block} ended with 1: .*no {block} yet"):
            desk.follow(block)
    answered(app, desk)
    receipt = record(desk.follow("receipt"))
    assert (receipt["outcome"], receipt["rows"]) == ("accepted", 2)
    assert "received as sent" in desk.follow("compare")
    assert "checked and opened" in desk.follow("result")
    assert desk.result() == [
        ["A-001", "110105********002X", "张**", "库中无此号", "", "库中无此号", "未予答复", "未予答复"],
        ["A-002", "440524********0014", "李**", "库中无此号", "", "库中无此号", "未予答复", "未予答复"],
    ]
    for name in ("csv", "result.csv"):
        assert (desk.folder / f"{desk.batch}.{name}").stat().st_mode & 0o077 == 0, "nobody else may read it"
    assert app.register.batch(desk.batch).state is State.CLOSED
    desk.follow("acknowledge")
    poll(app)
    assert [each.how for each in app.register.pickups.of(desk.batch)] == [PickupEvidence.ACKNOWLEDGED]
    desk.follow("tidy")
    assert list((world.sftp(PARTNER.id).home / FROM_OFFICE).iterdir()) == []


def test_people_of_the_register_in_a_plain_gb18030_file(desk: Desk, app: App, people: pl.DataFrame) -> None:
    """What a Chinese Windows spreadsheet saves, without encryption: ``plain`` in the place of ``encrypt``."""
    first, second = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).head(2).to_dicts()
    wrong_sex = "男" if str(second["sex"]) == "2" else "女"
    desk.claims(
        f"A-001,{first['id_number']},{first['name']},{first['sex']}\n"
        f"A-002,{second['id_number']},{second['name']},{wrong_sex}\n"
    )
    desk.follow("data")
    data = desk.folder / f"{desk.batch}.csv"
    data.write_bytes(data.read_bytes().decode().encode("gb18030"))
    desk.follow("plain", "manifest", "upload")
    answered(app, desk)
    desk.follow("receipt", "compare", "result")
    assert [row[3:] for row in desk.result()] == [
        ["一致", "", "一致", "一致", "一致"],
        ["一致", "", "一致", "一致", "不一致"],
    ]


@pytest.mark.parametrize("how", ["encrypt", "plain"])
def test_a_stated_encoding_and_a_named_sheet_are_what_the_office_reads(desk: Desk, app: App, how: str) -> None:
    """A workbook of which the first sheet is not the list, beside the guide's own rows in GB 18030."""
    if how == "encrypt":
        desk.follow("data", "workbook")
        book = openpyxl.Workbook()
        sheet = book.create_sheet("名单")
        for row in csv.reader((desk.folder / f"{desk.batch}.csv").read_text(encoding="utf-8").splitlines()):
            sheet.append(row)
        book.save(desk.folder / f"{desk.batch}.xlsx")
    else:
        desk.follow("data", "encoding")
        data = desk.folder / f"{desk.batch}.csv"
        data.write_bytes(data.read_bytes().decode().encode("gb18030"))
    desk.follow(how, "manifest", "upload")
    answered(app, desk)
    assert record(desk.follow("receipt"))["rows"] == 2
    manifest = parse(RequestManifest, (desk.folder / f"{desk.batch}.request.json").read_bytes())
    assert (manifest.data.sheet, manifest.data.encoding) == (("名单", None) if how == "encrypt" else (None, "gb18030"))


def test_an_objection_and_the_supplement_that_answers_it(desk: Desk, app: App, people: pl.DataFrame) -> None:
    person = people.filter((pl.col("oddity") == "") & (pl.col("status") == "normal")).row(5, named=True)
    wrong_sex = "男" if str(person["sex"]) == "2" else "女"
    desk.blocks["data"] = desk.blocks["data"].replace("ROWS=2", "ROWS=1")
    desk.claims(f"A-001,{person['id_number']},{person['name']},{wrong_sex}\n")
    desk.follow(*ASK)
    answered(app, desk)
    first = desk.batch
    desk.follow("result", "objection", "encrypt", "manifest", "upload")
    desk.batch = f"{first}-objection"
    answered(app, desk)
    desk.follow("receipt", "compare", "result")
    assert [row[3:] for row in desk.result()] == [["人工核实中", "", "人工核实中"]]
    assert app.register.batch(desk.batch).objects_to == first

    decide(app, desk.batch, 1, identity="consistent", sex="consistent")
    (release,) = proposed(app, desk.batch)
    pipeline.issue(app, release.id)
    desk.blocks["result"] = BLOCKS["result"].replace('PART=""', "PART=-2")
    assert "checked and opened" in desk.follow("result")
    assert [row[3:] for row in desk.result("result-2")] == [["一致", "", "一致"]]
    desk.follow("acknowledge")
    poll(app)
    assert [each.number for each in app.register.pickups.of(desk.batch)] == [2]
    desk.follow("tidy")


@pytest.fixture
def as_workbooks(app: App) -> Iterator[None]:
    """The agreement asks for results as workbooks."""
    path = app.agreement_file(PARTNER.id)
    before = path.read_text(encoding="utf-8")
    limits = "\n[limits]\nmax_rows = 1_000_000\n"
    path.write_text(before.replace('format = "csv"', 'format = "xlsx"') + limits, encoding="utf-8")
    yield
    path.write_text(before, encoding="utf-8")


@pytest.mark.usefixtures("as_workbooks")
def test_a_result_that_is_a_workbook_is_opened_and_tidied_away_likewise(desk: Desk, app: App, world: World) -> None:
    desk.follow(*ASK)
    answered(app, desk)
    assert f"checked and opened: {desk.batch}.result.xlsx" in desk.follow("receipt", "compare", "result")
    sheet = openpyxl.load_workbook(desk.folder / f"{desk.batch}.result.xlsx").worksheets[0]
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["业务编号", "A-001", "A-002"]
    desk.follow("tidy")
    assert list((world.sftp(PARTNER.id).home / FROM_OFFICE).iterdir()) == []


def test_the_status_file_and_any_other_that_is_signed_is_checked(desk: Desk, app: App, world: World) -> None:
    """What another partner got under that name has a good signature, too."""
    publish(app, PARTNER.id, again=True)
    desk.follow("data", "encrypt", "manifest", "upload")
    assert record(desk.follow("signed"))["partner"] == PARTNER.id
    publish(app, PARTNERS[0].id, again=True)
    folders = [world.sftp(profile.id).home / FROM_OFFICE for profile in (PARTNERS[0], PARTNER)]
    for name in ("status.json", "status.json.p7s"):
        shutil.copy(folders[0] / name, folders[1] / name)
    with pytest.raises(AssertionError, match="signed ended with 1"):
        desk.follow("signed")
    poll(app)


def test_keys_are_changed_and_what_came_before_is_still_opened(
    new_desk: Callable[[], Desk], app: App, world: World
) -> None:
    """Old and new are pinned beside each other from the agreed day on; what is sealed is sealed to the newer one."""
    before, after = new_desk(), new_desk()
    before.follow(*ASK)
    answered(app, before)
    agreements = world.root / "office" / "agreements"
    assert before.follow("renew").count("Fingerprint=") == 2
    for name in ("sign", "encrypt"):
        pinned = agreements / f"{PARTNER.id}.{name}.pem"
        pinned.write_bytes(pinned.read_bytes() + (before.folder / "new" / f"{name}.pem").read_bytes())
    assert "the new keys are in use" in before.follow("swap")
    with pytest.raises(AssertionError, match="swap ended with 1"):
        before.follow("swap")
    after.follow(*ASK)
    answered(app, after)
    after.follow("result")
    with pytest.raises(AssertionError, match="result ended with"):
        before.follow("result")
    before.blocks["result"] = BLOCKS["result"].replace("KEYS=.", "KEYS=old")
    assert "checked and opened" in before.follow("result")
    for name in ("sign", "encrypt"):
        shutil.copy(before.folder / f"{name}.pem", agreements / f"{PARTNER.id}.{name}.pem")


def test_a_result_that_was_tampered_with_stops_the_guide_before_decrypting(desk: Desk, app: App, world: World) -> None:
    desk.follow(*ASK)
    answered(app, desk)
    envelope = world.sftp(PARTNER.id).home / FROM_OFFICE / f"{desk.batch}.result.csv.p7m"
    content = bytearray(envelope.read_bytes())
    content[-20] ^= 1
    envelope.write_bytes(content)
    with pytest.raises(AssertionError, match="result ended with 1"):
        desk.follow("result")
    assert not (desk.folder / f"{desk.batch}.result.csv").exists()


def test_another_batchs_answers_under_this_ones_names_are_not_believed(
    new_desk: Callable[[], Desk], app: App, world: World
) -> None:
    """Their signatures are good: only the batch id inside tells that they answer something else."""
    desk, other = new_desk(), new_desk()
    for each in (desk, other):
        each.follow(*ASK)
        answered(app, each)
    folder = world.sftp(PARTNER.id).home / FROM_OFFICE
    for path in folder.glob(f"{other.batch}.*"):
        path.replace(folder / path.name.replace(other.batch, desk.batch))
    for block in ("receipt", "result"):
        with pytest.raises(AssertionError, match=f"{block} ended with 1"):
            desk.follow(block)
    assert not (desk.folder / f"{desk.batch}.result.csv").exists()


def test_the_notice_about_an_incomplete_set(
    desk: Desk, app: App, later: Callable[[timedelta], App], world: World
) -> None:
    desk.follow(*ASK)
    (world.sftp(PARTNER.id).home / "to-office" / f"{desk.batch}.csv.p7m").unlink()
    assert desk.batch not in poll(app).waiting
    poll(later(timedelta(minutes=31)))
    assert record(desk.follow("notice"))["code"] == "data_missing"
    desk.follow("upload")
    answered(app, desk)


def test_any_other_notice_is_checked_likewise(
    desk: Desk, app: App, later: Callable[[timedelta], App], world: World
) -> None:
    """By its name in the place of the batch's, as the guide's example has it."""
    desk.follow(*ASK)
    (world.sftp(PARTNER.id).home / "to-office" / "名单.csv").write_bytes(b"")
    assert desk.batch in poll(app).waiting
    poll(later(timedelta(minutes=31)))
    (example,) = re.findall(r"，如 `(NOTICE=[a-z-]+)`", GUIDE)
    desk.blocks["notice"] = desk.blocks["notice"].replace('NOTICE="$BATCH"', example)
    assert record(desk.follow("notice"))["code"] == "names_not_read"
    assert pipeline.run(app, desk.batch)


@pytest.mark.parametrize("changed", ["request.json", "csv.p7m"])
def test_a_receipt_for_other_bytes_is_told_from_ones_own(desk: Desk, app: App, changed: str) -> None:
    """As where a batch id was used before: what lies under its name answers the set that came first."""
    desk.follow(*ASK)
    answered(app, desk)
    desk.follow("receipt")
    with (desk.folder / f"{desk.batch}.{changed}").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(AssertionError, match="compare ended with 1"):
        desk.follow("compare")


def test_a_partner_proves_with_openssl_that_a_batch_is_in_the_register(new_desk: Callable[[], Desk], app: App) -> None:
    desk, other = new_desk(), new_desk()
    for each in (other, desk):
        each.follow(*ASK)
        answered(app, each)
    desk.follow("receipt", "result")
    proof = desk.folder / f"{desk.batch}.tlog-proof"
    assert not proof.exists()
    with pytest.raises(AssertionError, match=r"缺少 .*tlog-proof"):
        desk.follow("proof")  # and not that the batch is in no register
    for held in ("receipt", "result"):
        proof.write_text(app.register.prove(desk.batch, desk.folder / f"{desk.batch}.{held}.json"))
        desk.blocks["proof"] = BLOCKS["proof"].replace("receipt.json", f"{held}.json")
        assert "本批次在该登记簿内" in desk.follow("proof")
    sound = proof.read_text()
    for wrong in (
        app.register.prove(other.batch, desk.folder / f"{desk.batch}.result.json"),
        app.register.prove(desk.batch),
        re.sub(r"^index \d+$", "index 0", sound, flags=re.MULTILINE),
        re.sub(r"^[A-Za-z0-9+/]{43}=$", "A" * 43 + "=", sound, count=1, flags=re.MULTILINE),
        re.sub(r"^[A-Za-z0-9+/]{43}=\n", "", sound, count=1, flags=re.MULTILINE),
    ):
        assert wrong != sound
        proof.write_text(wrong)
        with pytest.raises(AssertionError, match="proof ended with 1"):
            desk.follow("proof")
