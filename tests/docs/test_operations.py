"""The examples of the operators' document are what the programs read: whoever copies them begins with what holds."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.agreements.agreement import load_agreement
from exchange.base.paths import ROOT
from exchange.demo.servers.airflow import DAG_IDS
from exchange.operation.installing import Plan
from exchange.wire.certificates import read_certificates
from exchange.wire.keys import make_certificate, make_ssh_key

TEXT = (ROOT / "docs" / "operations.md").read_text("utf-8")
SHELL = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"`(systemctl (?!disable)[^`]+)`", TEXT)
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def block(first: str) -> str:
    (found,) = [each for each in BLOCKS if each.startswith(f"{first} = ")]
    return str(found)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.split("\n", 1)[0])
def test_it_is_toml(text: str) -> None:
    content: dict[str, Any] = tomllib.loads(text)
    assert content


def test_the_plan_of_an_office_fits(tmp_path: Path) -> None:
    place = tmp_path / "plan.toml"
    place.write_text(block("office"), "utf-8")
    assert Plan.read(place).folder == Path("/srv/exchange/office")


def test_the_first_agreement_holds_once_its_host_key_is_put_in(tmp_path: Path) -> None:
    """Its certificates made as any partner's."""
    text = block("partner")
    for use in ("sign", "encrypt"):
        make_certificate(tmp_path, use, f"invented {use}")
        (tmp_path / f"{use}.pem").rename(tmp_path / f"court-changchun.{use}.pem")
    (told,) = re.findall(r'host_key = "(.*?)"', text)
    place = tmp_path / "court-changchun.toml"
    place.write_text(text.replace(told, " ".join(make_ssh_key(tmp_path / "host").split()[:2])), "utf-8")
    agreement = load_agreement(place)
    assert agreement.is_test
    for path in (agreement.certificates.signing, agreement.certificates.encryption):
        assert read_certificates(path)


@pytest.mark.parametrize("text", SHELL, ids=lambda text: text.split("\n", 1)[0])
def test_a_shell_takes_it(text: str) -> None:
    plain = re.sub(r"<[^>]*>", "x", text)  # a place to be filled in
    done = subprocess.run(["sh", "-n"], input=plain, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_dag_has_its_line_here_and_in_the_readme() -> None:
    """In both languages here; the README names it in its line about ``dags/``."""
    lines = dict(
        re.findall(
            r"^\| `(\w+)` \| (.+ \| .+ \| .+) \|$", TEXT.partition("\n## 流程")[2].partition("\n## ")[0], re.MULTILINE
        )
    )
    assert set(lines) == set(DAG_IDS)
    (named,) = re.findall(r"^\| `dags/` \| (.+) \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", named)) == set(DAG_IDS)


def test_every_alert_says_what_to_do_first() -> None:
    """Each rule has its line in the table, in both languages, and no other alert has one."""
    rules = yaml.safe_load((ROOT / "docker" / "monitoring" / "alerts.yml").read_text("utf-8"))
    named = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    lines = re.findall(r"^\| `(Exchange[A-Za-z]+)` \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert [alert for alert, _, _ in lines] == named
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in zh) for _, zh, _ in lines)


def test_units_services_and_sections_that_are_named_are_there() -> None:
    units = {path.name for path in (ROOT / "docker" / "systemd").iterdir()}
    for name in re.findall(r"exchange-[a-z-]+(?:\.timer|\.service)?(?=[`\s])", " ".join(COMMANDS)):
        assert name in units or f"{name}.service" in units, name
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"]
    for given in re.findall(r"docker compose (?:restart|logs|run --rm) ([a-z-]+)", TEXT):
        assert given in services, given
    headings = re.findall(r"^#+ (.+?) · ", TEXT, re.MULTILINE)
    alerts = TEXT.split("### 告警来了先做什么")[1].split("\n## ")[0]
    for section in re.findall(r"见“(.+?)”", alerts):
        assert section in headings, section


def test_a_trouble_leads_to_a_section_that_is_there() -> None:
    headings = re.findall(r"^#+ (.+?) · ", TEXT, re.MULTILINE)
    named = re.findall(r"《运行手册》“(.+?)”", (ROOT / "schemas" / "troubles.toml").read_text("utf-8"))
    stops = [*(ROOT / "exchange").rglob("*.py")]
    named += [name for path in stops for name in re.findall(r"运行手册“(.+?)”", path.read_text("utf-8"))]
    assert len(named) > 2
    assert set(named) <= set(headings)


def test_every_unit_is_put_in_its_place() -> None:
    """By the names and patterns of the document's own commands."""
    (text,) = [each for each in SHELL if "docker/systemd" in each]
    units = ROOT / "docker" / "systemd"
    words = [word for line in text.splitlines() if line.startswith(("install -m", "cp -r")) for word in line.split()]
    named = {path.name for word in words if word[0] not in "/.#" for path in units.glob(word)}
    assert named == {path.name for path in units.iterdir()}
