"""A partner's desk at which the guide's own commands are run, with OpenSSH's ``sftp`` and ``openssl``."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from exchange.base.paths import ROOT
from exchange.demo.world import PARTNERS

GUIDE: Final = (ROOT / "docs" / "partner-guide.md").read_text(encoding="utf-8")
BLOCKS: Final = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
ONCE: Final = ("agreed", "certificates", "keys")
ASK: Final = ("data", "encrypt", "manifest", "upload")
PARTNER: Final = PARTNERS[2]
_numbers = itertools.count(1)


class Desk:
    """The partner's folder, and one shell session's worth of commands for one batch in it."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        number = f"guide-{next(_numbers)}"
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
        assert ended.returncode == 0, f"{', '.join(names)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
        self.done += names
        return ended.stdout.partition("====\n")[2]

    def claims(self, text: str) -> None:
        """Puts other rows into the data file that the guide writes."""
        head, rows = self.blocks["data"].split("业务编号,公民身份号码,姓名,性别\n")
        self.blocks["data"] = f"{head}业务编号,公民身份号码,姓名,性别\n{text}END\n"
        assert rows.endswith("END\n")

    def result(self, kind: str = "result") -> list[list[str]]:
        """The rows of the opened result, or of a supplement (``result-2``)."""
        content = (self.folder / f"{self.batch}.{kind}.csv").read_bytes().decode(PARTNER.encoding)
        return [list(row.values()) for row in csv.DictReader(content.splitlines())]


def remembered(block: str) -> str:
    """A block's variables and functions, which a shell that stays open would still have."""
    return "\n".join(line for line in block.splitlines() if re.match(r"[A-Z]+=|\w+\(\) \{.*\}$", line))


def record(printed: str) -> dict[str, Any]:
    """The JSON file that a block printed."""
    found: dict[str, Any] = json.loads(printed[printed.index("{") :])
    return found
