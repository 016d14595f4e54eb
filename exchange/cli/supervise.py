"""``exchange supervise``: today's picture on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.base.tables import NOTICES
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.cli.listing import AsCsv, AsJson, Coded, folded, show
from exchange.cli.outcome import out, outcome
from exchange.cli.show import cycle_cell
from exchange.register.pickups import UncollectedResult
from exchange.register.waiting import open_rows
from exchange.supervision import labels
from exchange.supervision.report import office_name
from exchange.supervision.today import OpenBatch, Urgency, picture
from exchange.watch.deadlines import dues_of, pauses_of
from exchange.watch.lacking import missing_now, unfinished_now

commands = typer.Typer(add_completion=False)
_URGENT: Final = frozenset({Urgency.LATE, Urgency.TODAY, Urgency.AT_RISK, Urgency.PAUSED})
_COLUMNS: Final = {
    "urgency": "紧急 urgency",
    "batch": "批次 batch",
    "cycle": "周期 cycle",
    "due": "时限 due",
    "waits_for": "等待 waits for",
}
_MINUTE: Final = "%Y-%m-%d %H:%M"
_COLOURS: Final = {Urgency.LATE: "bold red", Urgency.TODAY: "yellow", Urgency.AT_RISK: "cyan"}


@commands.command()
def supervise(
    *,
    lines: Annotated[int, typer.Option(min=1, help="每个列表最多几行 at most so many lines in each list")] = 12,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """监督检查：逾期、在等谁。 What is late or at risk, whom it waits for, what is missing.

    For machines (--json, --csv): every open batch.
    """
    with outcome(), App.of_account(os_user()) as app:
        batches = _picture(app)
        if as_json or as_csv:
            show(_COLUMNS, [_cells(line) for line in batches], "", as_json=as_json, as_csv=as_csv)
            return
        counts = Counter(line.urgency for line in batches)
        heads = [f"{urgency}: {counts[urgency]}" for urgency in Urgency]
        out.print(f"[bold]{office_day(app.now())}[/]  {'  ·  '.join(heads)}")
        _urgent(batches, lines)
        _waiting(batches)
        _held(app)
        _missing(app, lines)
        for said in uncollected_words(app.register.pickups.uncollected()):
            out.print(said, markup=False)


def _picture(app: App) -> list[OpenBatch]:
    policy, today = app.settings.policy, office_day(app.now())
    live = [(batch, stops) for batch, stops in app.register.clock.open_batches() if not batch.is_test]
    return picture(
        dues_of(app, live),
        open_rows(app.register.engine),
        today,
        lambda division: office_name(app.settings, division),
        paused=pauses_of(live),
        half=policy.warn_half,
        days=policy.warn_days,
    )


def _urgent(batches: Sequence[OpenBatch], lines: int) -> None:
    urgent = [line for line in batches if line.urgency in _URGENT]
    table = folded(_COLUMNS, "紧急 Urgent")
    for line in urgent[:lines]:
        table.add_row(*_cells(line), style=_COLOURS.get(line.urgency))
    out.print(table if urgent else "没有紧急批次。 Nothing is urgent.")
    _more(len(urgent) - lines, "exchange register list")


def _cells(line: OpenBatch) -> tuple[str, ...]:
    provisional = line.due.provisional
    return (
        Coded(line.urgency.name.lower(), line.urgency.partition(" ")[0]),
        line.batch.id,
        cycle_cell(line.batch.cycle),
        Coded(
            f"{line.due.day}{' provisional' if provisional else ''}",
            f"{line.due.day}{'（暂定）' if provisional else ''}",
        ),
        Coded(_whom(line, "en"), _whom(line, "zh")),
    )


def _whom(line: OpenBatch, language: str) -> str:
    """Whom it waits for, with how many rows; offices have no English name."""
    return "；".join(f"{getattr(whom, language) or whom.zh} {rows}" for whom, rows in line.waits.items())


def _waiting(open_batches: Sequence[OpenBatch]) -> None:
    batches: Counter[labels.Words] = Counter()
    rows: Counter[labels.Words] = Counter()
    for line in open_batches:
        for whom, count in line.waits.items():
            batches[whom] += 1
            rows[whom] += count
    heads = {"waits_for": "等待 waits for", "batches": "批次 batches", "rows": "行 rows"}
    table = folded(heads, "在等谁 Whom it waits for")
    for whom, count in sorted(rows.items(), key=lambda counted: (-counted[1], counted[0].zh)):
        table.add_row(str(whom), str(batches[whom]), f"{count:,}")
    if table.row_count:
        out.print(table)


def _missing(app: App, lines: int) -> None:
    missing = [
        (
            expected_set.partner,
            f"{labels.cycle(expected_set.cycle).zh} {expected_set.period} {expected_set.purpose}".strip(),
            f"应报未报，已提醒 {expected_set.reminders} 次",
            str(expected_set.expected_by),
        )
        for expected_set in missing_now(app)
    ]
    for left in unfinished_now(app):
        since = left.first_seen.astimezone(OFFICE_ZONE).strftime(_MINUTE)
        missing.append((left.partner, left.stem, NOTICES[left.reason].zh, since))
    heads = {"partner": "部门 partner", "file": "文件 file", "lacks": "缺 lacks", "since": "自 since"}
    table = folded(heads, "缺件 Missing")
    for line in missing[:lines]:
        table.add_row(*line)
    if missing:
        out.print(table)
    _more(len(missing) - lines, "exchange expected, exchange register incomplete")


def _held(app: App) -> None:
    if held := app.register.guard.holds():
        named = "，".join(
            f"{hold.batch}（{'；'.join(labels.trip(one).zh for one in hold.tripped)}）" for hold in held[:5]
        )
        out.print(f"待领导查看后放行 {len(held)} 批 · held for a leader: {named}", markup=False)
        out.print("exchange guard release|refuse BATCH --reason", markup=False)


def uncollected_words(results: Iterable[UncollectedResult]) -> list[str]:
    """What is said of results that were not taken: of live batches alone, as in the report."""
    live = [result for result in results if not result.is_test]
    if not live:
        return []
    since, said = live[0].since.astimezone(OFFICE_ZONE).strftime(_MINUTE), list[str]()
    if lost := sorted({result.batch for result in live if not result.seen}):
        said.append(f"结果不在部门目录 {len(lost)} 批 · not seen in the folder: {', '.join(lost[:5])}")
        said.append("exchange batch redeliver BATCH")
    return [*said, f"结果待部门取走 {len(live)} 份，最早 {since} · results that partners have not taken"]


def _more(count: int, command: str) -> None:
    if count > 0:
        out.print(f"另有 {count} 条 more: {command}", markup=False)
