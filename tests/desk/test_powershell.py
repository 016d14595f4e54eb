"""``exchange-partner.ps1`` beside the shell program: nothing here runs it (there is no PowerShell), so only what can be
read of it is held: that it asks for the same settings, does the same commands, and says that it was not tried.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from exchange.base.paths import ROOT

SHELL: Final = (ROOT / "desk" / "exchange-partner").read_text(encoding="utf-8")
POWERSHELL: Final = (ROOT / "desk" / "exchange-partner.ps1").read_bytes()
TEXT: Final = POWERSHELL.decode("ascii")  # PowerShell 5.1 takes any other letter for one of the local code page


def test_it_says_that_it_was_not_tried() -> None:
    assert "NOT YET TRIED ON WINDOWS" in TEXT.partition("param(")[0]


def test_it_knows_the_settings_of_the_shell_program() -> None:
    described = set(re.findall(r"[A-Z][A-Z_]{3,}", SHELL.partition("# Settings:")[2].partition("# Keys")[0]))
    described -= {"EXCHANGE_PARTNER", "NAME"}
    read = set(re.findall(r"\$Set\.([A-Z_]+)", TEXT))
    assert "HANDLER" in described
    assert read == described


def test_it_misses_the_same_settings_before_the_same_commands() -> None:
    in_shell = [each.split() for each in re.findall(r"for name in ([A-Z_ ]+); do", SHELL)]
    in_powershell = [re.findall(r"'([A-Z_]+)'", each) for each in re.findall(r"(?m)^ *Assert-Has (.+)$", TEXT)]
    assert sorted(in_powershell) == sorted(in_shell)
    assert len(in_shell) == 2


def test_it_does_the_same_commands_with_the_same_names_on_the_server() -> None:
    offered = re.findall(r"^    (\w+)\) \w+ \"\$2\" ;;", SHELL, re.MULTILINE)
    assert offered == ["send", "fetch", "open", "ack"]
    assert re.findall(r"^    '(\w+)' \{", TEXT, re.MULTILINE) == offered
    for script in (SHELL, TEXT):
        assert re.search(r"-rm to-office/\.part-", script)
        assert re.search(r"rename to-office/\.part-", script)
        assert "StrictHostKeyChecking=yes" in script


@pytest.mark.parametrize("newer", [r"\?\?", r" && ", r" \|\| ", r"\?\.", r"-AsHashtable", r"ForEach-Object -Parallel"])
def test_nothing_in_it_is_newer_than_powershell_5(newer: str) -> None:
    code = re.sub(r"(?m)(^|\s)#.*$", "", re.sub(r"'[^'\n]*'", "''", TEXT))
    assert not re.search(newer, code)


def test_what_it_signs_and_seals_is_what_the_office_takes() -> None:
    """Left alone, .NET Framework signs with SHA-1 and leaves a certificate that signed itself out."""
    assert "$signer.DigestAlgorithm = New-Object System.Security.Cryptography.Oid $SHA256" in TEXT
    assert "$SHA256 = '2.16.840.1.101.3.4.2.1'" in TEXT
    assert "$AES256 = '2.16.840.1.101.3.4.1.42'" in TEXT
