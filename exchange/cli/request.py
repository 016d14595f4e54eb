"""``exchange request``: a partner's file, seen without being taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from exchange.agreements.agreement import Agreement, load_agreement
from exchange.base.errors import Refused
from exchange.base.tables import ANSWERS, NOTES, REFUSALS
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import office_day
from exchange.cli.outcome import FOUND, out, outcome
from exchange.settings import Settings
from exchange.steps.check import (
    NOTED,
    CheckResult,
    Finding,
    check_data,
    check_manifest,
    check_whole,
    reading_by_header,
    reading_for,
)
from exchange.wire.envelope import decrypt, load_key_pair
from exchange.wire.manifest import ENVELOPE_SUFFIX, REQUEST_SUFFIX, SIGNATURE_SUFFIX, RequestManifest

commands = typer.Typer(add_completion=False, no_args_is_help=True)

WIDTH: Final = 80
SHOWN: Final = 50
"""Findings that are printed; all of them with ``--json``."""


@commands.callback()
def main() -> None:
    """What the intake would say of a file, without taking it."""


@commands.command()
def check(
    data: Annotated[Path, typer.Argument(help="数据文件 the data file: .csv or .xlsx, .p7m behind it where encrypted")],
    partner: Annotated[str, typer.Option(help="部门代号 the partner's id")],
    manifest: Annotated[
        Path | None, typer.Option(help="清单，旁有签名的一并核对 its manifest; a signature beside it is checked, too")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="供程序读取：全部结果 for machines: all findings")] = False,
) -> None:
    """按收件的规则逐行检查文件，只报代码和位置。 Read a file as the intake would; never tells a value.

    Row by row it says codes and positions. Nothing is taken, no register is asked, so that what depends on earlier
    batches is not looked at. Exit code 1: refused, or a row with a fault.
    """
    with outcome():
        for path in (data, *([manifest] if manifest else [])):
            if not path.is_file():
                msg = f"没有这个文件 there is no file {path}"
                raise typer.BadParameter(msg)
        settings = Settings.load()
        agreement = load_agreement(settings.agreements / f"{partner}.toml")
        try:
            seen = _read(settings, agreement, data, manifest)
        except Refused as refusal:
            seen = CheckResult((), 0, (), refusal)
        faults = [finding for finding in seen.findings if finding.code not in NOTED]
        if as_json:
            out.print(json.dumps(_record(seen), ensure_ascii=False, indent=2), markup=False, soft_wrap=True)
        else:
            for line in _lines(seen, len({finding.row for finding in faults}), signed=_signature(manifest) is not None):
                out.print(line, markup=False, width=WIDTH, overflow="fold")
        if seen.refusal or faults:
            raise typer.Exit(FOUND)


def _read(settings: Settings, agreement: Agreement, data: Path, manifest: Path | None) -> CheckResult:
    now = datetime.now(UTC)
    stated: RequestManifest | None = None
    if manifest is not None:
        days, oldest = load_office_days(settings.office_days), settings.policy.oldest_period_days
        name = manifest.name.removesuffix(REQUEST_SUFFIX)
        stated = check_manifest(agreement, manifest.read_bytes(), _signature(manifest), name, now, days, oldest)
        check_whole(data.read_bytes(), stated)
    if data.stat().st_size > agreement.limits.max_bytes:
        raise Refused("data_too_large", column="data.size")
    name = data.name.lower()
    encrypted = name.endswith(ENVELOPE_SUFFIX) if stated is None else stated.data.encrypted
    if encrypted:
        keys = settings.keys
        content = decrypt(data, load_key_pair(keys.decryption_key, keys.decryption_certificate))
    else:
        content = data.read_bytes()
    if stated is not None:
        reading = reading_for(agreement, stated)
    else:
        is_workbook = name.removesuffix(ENVELOPE_SUFFIX).endswith(".xlsx")
        reading = reading_by_header(agreement, content, is_workbook=is_workbook)
    return check_data(content, agreement, reading, office_day(now))


def _signature(manifest: Path | None) -> bytes | None:
    """The signature beside a manifest, if there is one."""
    with suppress(FileNotFoundError):
        return manifest.with_name(manifest.name + SIGNATURE_SUFFIX).read_bytes() if manifest else None
    return None


def _lines(seen: CheckResult, faulty: int, *, signed: bool) -> Iterator[str]:
    if (refusal := seen.refusal) is not None:
        words = REFUSALS[refusal.code]
        yield f"不予受理 refused: {refusal.code}"
        yield from _position_lines(refusal)
        yield f"  {words.zh}"
        yield f"  {words.en}"
    else:
        yield "可以受理 would be accepted"
    if seen.items:
        yield f"事项 items: {', '.join(seen.items)}"
        yield f"数据行 rows: {seen.rows}    有问题的行 with a fault: {faulty}"
    yield from _findings(seen.findings)
    if not signed:
        yield "未核对签名。 No signature was looked at."
    yield "未查以往批次。 Earlier batches were not looked at."


def _position_lines(refusal: Refused) -> Iterator[str]:
    if refusal.code == "row_count":
        yield f"  实有数据行数 rows found: {refusal.row}"
    elif refusal.row is not None:
        yield f"  行 row: {refusal.row}（表头为 0 · the header is 0）"
    if refusal.column is not None:
        yield f"  列或字段 column: {refusal.column}"


def _findings(findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings[:SHOWN]:
        column = f" {finding.column}" if finding.column else ""
        yield f"行 row {finding.row}{column}: {finding.code}"
    if len(findings) > SHOWN:
        yield f"另有 and {len(findings) - SHOWN} more: --json"
    for code in dict.fromkeys(finding.code for finding in findings):
        words = ANSWERS.get(code) or NOTES[code]
        yield f"{code}"
        yield f"  {words.zh}"
        yield f"  {words.en}"


def _record(seen: CheckResult) -> dict[str, Any]:
    refusal = seen.refusal
    refused = {"code": refusal.code, "row": refusal.row, "column": refusal.column} if refusal else None
    findings = [
        {"row": finding.row, "column": finding.column or None, "code": finding.code} for finding in seen.findings
    ]
    return {"refusal": refused, "items": list(seen.items), "rows": seen.rows, "findings": findings}
