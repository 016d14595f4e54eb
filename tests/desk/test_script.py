"""``exchange-partner``: a set sent, its answer fetched, opened and acknowledged, against a real office."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.paths import ROOT
from exchange.demo.partner import DemoPartner
from exchange.intake.collect import poll
from exchange.wire.manifest import RequestManifest, parse

SCRIPT = ROOT / "desk" / "exchange-partner"
BATCH = "script-1"


@pytest.fixture
def folder(court: DemoPartner, tmp_path: Path) -> Path:
    """The court's keys under the guide's names, and its settings."""
    for name in ("sign.pem", "sign.key", "encrypt.pem", "encrypt.key", "sftp"):
        shutil.copy(court.keys / name, tmp_path / name)
    shutil.copy(court.office_sign, tmp_path / "office-sign.pem")
    shutil.copy(court.office_encrypt, tmp_path / "office-encrypt.pem")
    settings = {
        "PARTNER": court.id,
        "SFTP_HOST": "127.0.0.1",
        "SFTP_PORT": str(court.server.port),
        "SFTP_USER": court.server.username,
        "HOST_KEY": court.server.host_key,
        "PURPOSE": "case_handling",
        "LEGAL_BASIS": "刑事诉讼法第二百八十六条",
        "CYCLE": "ad_hoc",
        "PERIOD": "2026-11-23",
        "HANDLER": '经办人 "虚构" \\',
        "LETTER": "介字〔虚构〕1号",
        "ITEMS": "id_number name sex",
        "ROWS": "2",
        "NUMBER": BATCH,
    }
    lines = "".join(f"{name}='{value}'\n" for name, value in settings.items())
    (tmp_path / "exchange-partner.conf").write_text(lines, encoding="utf-8")
    return tmp_path


def call(folder: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | given
    command = ["sh", str(SCRIPT), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_sent_fetched_opened_acknowledged(app: App, court: DemoPartner, people: pl.DataFrame, folder: Path) -> None:
    batch = f"{court.id}.{BATCH}"
    rows = people.head(2).select(
        pl.int_range(pl.len()).alias("row_ref"), "id_number", "name", pl.lit("女").alias("sex")
    )
    rows.write_csv(folder / "list.csv")
    assert call(folder, "fetch", batch).returncode == 75
    for _ in range(2):  # again: the same set, nothing is done twice
        sent = call(folder, "send", "list.csv")
        assert (sent.returncode, sent.stdout.strip()) == (0, batch), sent.stderr
    assert batch in poll(app).waiting
    assert pipeline.run(app, batch)
    assert court.verified(f"{batch}.receipt.json")["rows"] == 2
    got = call(folder, "fetch", batch)
    assert got.returncode == 0, got.stderr
    assert got.stdout.split() == [f"{batch}.receipt.json", f"{batch}.result.json"]
    opened = call(folder, "open", batch)
    assert (opened.returncode, opened.stdout.strip()) == (0, f"{batch}.result.csv"), opened.stderr
    assert (folder / f"{batch}.result.csv").read_bytes() == court.result(batch).data
    assert call(folder, "ack", batch).returncode == 0
    poll(app)
    assert not app.register.pickups.uncollected(court.id)

    envelope = folder / f"{batch}.result.csv.p7m"
    envelope.write_bytes(envelope.read_bytes()[:-1] + b"x")
    (folder / f"{batch}.result.csv").unlink()
    assert call(folder, "open", batch).returncode == 1
    assert not (folder / f"{batch}.result.csv").exists()


def set_of(folder: Path, **settings: str) -> None:
    with (folder / "exchange-partner.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}='{value}'\n" for name, value in settings.items())


@pytest.mark.parametrize("changed", ["list.csv", "exchange-partner.conf"])
def test_another_set_is_never_sent_under_a_number_that_was_used(folder: Path, changed: str) -> None:
    set_of(folder, SFTP_PORT="1")  # nobody listens: the set is made and not sent
    (folder / "list.csv").write_text("row_ref,id_number,name\n1,2,3\n", encoding="utf-8")
    assert call(folder, "send", "list.csv").returncode == 75
    assert call(folder, "send", "list.csv").returncode == 75
    with (folder / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    again = call(folder, "send", "list.csv")
    assert again.returncode == 2
    assert "new NUMBER" in again.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ENCODING": "gb18030"}, {"encoding": "gb18030", "sheet": None, "objects_to": None}),
        ({"SHEET": '二科 "甲"'}, {"encoding": None, "sheet": '二科 "甲"', "objects_to": None}),
        (
            {"CYCLE": "objection", "OBJECTS_TO": "court-changchun.1"},
            {"encoding": None, "sheet": None, "objects_to": "court-changchun.1"},
        ),
    ],
)
def test_the_manifest_says_how_the_file_is_read_and_what_is_objected_to(
    court: DemoPartner, folder: Path, settings: dict[str, str], says: dict[str, str | None]
) -> None:
    set_of(folder, SFTP_PORT="1", **settings)
    (folder / "list.xlsx").write_bytes(b"PK")
    call(folder, "send", "list.xlsx")
    manifest = parse(RequestManifest, (folder / f"{court.id}.{BATCH}.request.json").read_bytes())
    assert {
        "encoding": manifest.data.encoding,
        "sheet": manifest.data.sheet,
        "objects_to": manifest.objects_to,
    } == says


@pytest.mark.parametrize("left_out", ["PARTNER", "HOST_KEY", "PERIOD", "ROWS", "ITEMS"])
def test_a_setting_that_is_missing_is_named(folder: Path, left_out: str) -> None:
    (folder / "list.csv").write_text("row_ref,id_number,name\n1,2,3\n", encoding="utf-8")
    set_of(folder, **{left_out: ""})
    ended = call(folder, "send", "list.csv")
    assert (ended.returncode, ended.stderr.strip()) == (2, f"the settings lack {left_out}")


def test_rows_are_a_number(folder: Path) -> None:
    (folder / "list.csv").write_text("row_ref,id_number,name\n1,2,3\n", encoding="utf-8")
    set_of(folder, ROWS="52,310")
    assert call(folder, "send", "list.csv").returncode == 2


def test_period_and_rows_may_stand_before_the_command(court: DemoPartner, folder: Path) -> None:
    """And are told: the same number is not made of others."""
    conf = folder / "exchange-partner.conf"
    kept = [line for line in conf.read_text("utf-8").splitlines(True) if not line.startswith(("PERIOD", "ROWS"))]
    conf.write_text("".join(kept), encoding="utf-8")
    set_of(folder, SFTP_PORT="1")
    (folder / "list.csv").write_text("row_ref,id_number,name\n1,2,3\n", encoding="utf-8")
    assert call(folder, "send", "list.csv", PERIOD="2026-11-24", ROWS="7").returncode == 75
    manifest = parse(RequestManifest, (folder / f"{court.id}.{BATCH}.request.json").read_bytes())
    assert (manifest.period, manifest.rows) == ("2026-11-24", 7)
    assert call(folder, "send", "list.csv", PERIOD="2026-11-24", ROWS="8").returncode == 2


def test_only_the_batchs_own_files_are_fetched(court: DemoPartner, folder: Path) -> None:
    """Of another batch whose number begins with this one's nothing is, nor what bears an odd name."""
    batch, there = f"{court.id}.{BATCH}-own", court.server.home / "from-office"
    own = [f"{batch}.receipt.json", f"{batch}.receipt.json.p7s"]
    others = [f"{batch}.2.receipt.json", f"{batch}.conflict-1.receipt.json", f"{batch}.receipt x.json"]
    for name in [*own, *others]:
        (there / name).write_bytes(b"{}")
    try:
        assert call(folder, "fetch", batch).returncode == 1, "no signature of the office's"
        assert sorted(path.name for path in folder.glob(f"{batch}*")) == own
        set_of(folder, SFTP_PORT="1")
        ended = call(folder, "fetch", batch)
        assert (ended.returncode, "no connection" in ended.stderr) == (75, True)
    finally:
        for name in [*own, *others]:
            (there / name).unlink()


def test_nothing_is_acknowledged_that_was_not_fetched(court: DemoPartner, folder: Path) -> None:
    ended = call(folder, "ack", f"{court.id}.nothing-of-it")
    assert (ended.returncode, "no result" in ended.stderr) == (75, True)


@pytest.mark.parametrize(
    "arguments", [(), ("send",), ("send", "list.pdf"), ("fetch", "other.1"), ("fetch", "court-changchun.1;x")]
)
def test_called_wrongly(folder: Path, arguments: tuple[str, ...]) -> None:
    ended = call(folder, *arguments)
    assert ended.returncode == 2
    assert ended.stderr
