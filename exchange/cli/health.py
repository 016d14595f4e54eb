"""``exchange health``: whether this installation is healthy, and what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from exchange.cli.listing import folded
from exchange.cli.outcome import FOUND, out, outcome
from exchange.operation.finding import Condition
from exchange.operation.health import CHECKS, Checked, Health, open_quickly, worst

commands = typer.Typer(add_completion=False)
_HEADS: Final = {"condition": "状况 state", "check": "检查 check", "found": "情况 found"}
_WORDS: Final = {Condition.OK: "正常 ok", Condition.WARNING: "注意 warning", Condition.FAILING: "故障 failing"}
_COLOURS: Final = {Condition.OK: "green", Condition.WARNING: "yellow", Condition.FAILING: "bold red"}


@commands.command()
def health(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help=f"检查项，可多次 a check, repeatable: {', '.join(CHECKS)}")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="警告也返回状态 1。 warnings, too, give status 1")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="一个 JSON 对象 one JSON object")] = False,
) -> None:
    """本机运行状况：有何异常。 Say what is wrong here; status 1 where something fails."""
    with outcome():
        if unknown := sorted(set(only or ()) - set(CHECKS)):
            msg = f"没有这项检查 no such check: {', '.join(unknown)}"
            raise typer.BadParameter(msg)
        with open_quickly() as app:
            checked = Health(app).look(only)
        if as_json:
            out.print(_json(checked), markup=False, soft_wrap=True)
        else:
            out.print(_table(checked))
            out.print(_tally(checked))
        if worst(checked) is Condition.FAILING or (strict and worst(checked) is Condition.WARNING):
            raise typer.Exit(FOUND)


def _table(checked: Iterable[Checked]) -> Table:
    """The worst last: that is what still stands on the screen."""
    table = folded(_HEADS)
    lines = [(check.name, finding) for check in checked for finding in check.findings]
    for name, finding in sorted(lines, key=lambda line: line[1].condition.rank):
        condition = Text(_WORDS[finding.condition], _COLOURS[finding.condition])
        about = f"{finding.about}: " if finding.about else ""
        table.add_row(condition, name, f"{finding.zh}\n{about}{finding.en}")
    return table


def _tally(checked: Iterable[Checked]) -> Text:
    counts = Counter(finding.condition for check in checked for finding in check.findings)
    parts = [
        Text(f"{_WORDS[condition]}: {counts[condition]}", _COLOURS[condition]) for condition in reversed(Condition)
    ]
    return Text("  ·  ").join(parts)


def _json(checked: list[Checked]) -> str:
    checks = [
        {
            "check": check.name,
            "condition": check.condition,
            "seconds": round(check.seconds, 3),
            "found": [
                {"condition": one.condition, "about": one.about, "zh": one.zh, "en": one.en} for one in check.findings
            ],
        }
        for check in checked
    ]
    return json.dumps({"condition": worst(checked), "checks": checks}, ensure_ascii=False, indent=1)
