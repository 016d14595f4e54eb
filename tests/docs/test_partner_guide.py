"""The partner guide, played: its own commands, with OpenSSH's ``sftp`` and ``openssl``, against a real office."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.world import PARTNERS, World
from exchange.guide import with_tables
from exchange.keys import make_ssh_key
from exchange.office import Office
from exchange.places import ROOT
from exchange.register import State

GUIDE = (ROOT / "docs" / "partner-guide.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
PARTNER = PARTNERS[2]
_numbers = itertools.count(1)


class Desk:
    """The partner's folder, and one shell session's worth of commands in it."""

    def __init__(self, folder: Path, number: str, variables: dict[str, str]) -> None:
        self.folder = folder
        self.blocks = {name: block.replace("guide-1", number) for name, block in BLOCKS.items()}
        self.batch = f"{PARTNER.id}.{number}"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | variables
        self.done: list[str] = []

    def follow(self, *names: str) -> str:
        """Runs these blocks of the guide after those that were run before; what they printed."""
        text = "\n".join(
            [
                *(remembered(self.blocks[name]) for name in self.done),
                "echo ====",
                *(self.blocks[name] for name in names),
            ]
        )
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        self.done += names
        return ended.stdout.partition("====\n")[2]


def remembered(block: str) -> str:
    """A block's variables and functions, which a shell that stays open would still have."""
    return "\n".join(line for line in block.splitlines() if re.match(r"[A-Z]+=|\w+\(\) \{", line))


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Desk]:
    """A new partner's desk: its keys handed over as the guide says, in the place of the demo partner's own."""
    server = world.sftp(PARTNER.id)
    for name in ("sign", "encrypt"):
        shutil.copy(world.office_keys / f"{name}.pem", tmp_path / f"office-{name}.pem")
    desk = Desk(
        tmp_path,
        f"guide-{next(_numbers)}",
        {
            "PARTNER": PARTNER.id,
            "SFTP_HOST": "127.0.0.1",
            "SFTP_PORT": str(server.port),
            "SFTP_USER": server.username,
            "HOST_KEY": server.host_key,
            "PURPOSE": "pension",
            "LEGAL_BASIS": "社会保险法第七十四条",
            "PERIOD": "2026-11",
        },
    )
    desk.follow("keys")
    agreements = world.root / "office" / "agreements"
    for name in ("sign", "encrypt"):
        shutil.copy(tmp_path / f"{name}.pem", agreements / f"{PARTNER.id}.{name}.pem")
    server.stop()
    server.start(make_ssh_key(world.office_keys / "sftp"), (tmp_path / "sftp.pub").read_text().strip())
    yield desk
    for name in ("sign", "encrypt"):
        shutil.copy(world.partner_keys(PARTNER.id) / f"{name}.pem", agreements / f"{PARTNER.id}.{name}.pem")
    server.stop()
    world.start_servers()


def test_from_making_keys_to_the_opened_result(desk: Desk, office: Office) -> None:
    desk.follow("data", "encrypt", "manifest", "upload")
    batch = desk.batch
    assert batch in sweep(office).waiting
    assert pipeline.run(office, batch)
    printed = desk.follow("receipt")
    receipt = json.loads(printed[printed.index("{") :])
    assert (receipt["outcome"], receipt["rows"]) == ("accepted", 2)
    assert desk.follow("result").count(": OK") == 2
    content = (desk.folder / f"{batch}.result.csv").read_bytes().decode("gb18030")
    rows = list(csv.DictReader(content.splitlines()))
    assert [list(row.values()) for row in rows] == [
        ["A-001", "110105********002X", "张**", "库中无此号", "", "库中无此号", "未予答复", "未予答复"],
        ["A-002", "***", "李**", "号码格式错误", "", "未予答复", "未予答复", "未予答复"],
    ]
    assert office.register.batch(batch).state is State.CLOSED


def test_a_result_that_was_tampered_with_stops_the_guide_before_decrypting(
    desk: Desk, office: Office, world: World
) -> None:
    desk.follow("data", "encrypt", "manifest", "upload")
    sweep(office)
    pipeline.run(office, desk.batch)
    envelope = world.sftp(PARTNER.id).home / "from-office" / f"{desk.batch}.result.csv.p7m"
    content = bytearray(envelope.read_bytes())
    content[-20] ^= 1
    envelope.write_bytes(content)
    with pytest.raises(AssertionError, match="checksum"):
        desk.follow("result")
    assert not (desk.folder / f"{desk.batch}.result.csv").exists()


def test_its_tables_are_those_of_the_code() -> None:
    assert with_tables(GUIDE) == GUIDE
