"""A demo partner's profile and its agreement; all is invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from exchange.agreements.agreement import STAGE_NAMED_FROM
from exchange.demo.servers.sftp import SftpServer


@dataclass(frozen=True)
class PartnerProfile:
    """What makes one demo partner different from another; the rest of its agreement is the same for all."""

    id: str
    zh: str
    level: str
    division: str
    cycles: tuple[str, ...]
    purposes: str
    kind: str = "other"
    language: str = "en"
    encoding: str = "utf-8-sig"
    form: str = "csv"
    standing_approval: bool = False
    expected: str = ""


def agreement_toml(profile: PartnerProfile, server: SftpServer, today: date) -> str:
    """The partner's agreement, in force for a year around today; from before stages were named, so that it is live."""
    cycles = ", ".join(f'"{cycle}"' for cycle in profile.cycles)
    standing = f"""
[standing_approval]
number = "吉公户批〔虚构〕1号"
given_on = {today - timedelta(days=30)}
ends_on = {today + timedelta(days=300)}
"""
    limits = "[limits]\nmax_rows = 1_000_000  # an XLSX sheet ends at 1,048,576\n"
    return f"""\
# 会商协议（虚构） / agreement (invented)
partner = "{profile.id}"
zh = "{profile.zh}"
number = "吉公会商〔虚构〕{profile.id}"
level = "{profile.level}"
division = "{profile.division}"
kind = "{profile.kind}"
in_force_from = {min(today - timedelta(days=180), STAGE_NAMED_FROM - timedelta(days=1))}
in_force_until = {today + timedelta(days=540)}
cycles = [{cycles}]

{profile.purposes}
{profile.expected}
[sftp]
host = "127.0.0.1"
port = {server.port}
username = "{server.username}"
host_key = "{server.host_key}"

[certificates]
signing = "{profile.id}.sign.pem"
encryption = "{profile.id}.encrypt.pem"

[result]
format = "{profile.form}"
language = "{profile.language}"
encoding = "{profile.encoding}"
{limits if profile.form == "xlsx" else ""}
{standing if profile.standing_approval else ""}
[contact]
name = "联络员（虚构）"
telephone = "0431-00000000"

[assessment]
number = "吉公评估〔虚构〕{profile.id}"
made_on = {today - timedelta(days=190)}
ends_on = {today + timedelta(days=540)}
"""
