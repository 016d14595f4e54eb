"""``exchange retention``: destroy what is past its time, and hold a batch against it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from exchange import retention
from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.review.decisions import check_note
from exchange.review.people import check_officer_or_leader, who

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]
_WORDS = {
    "originals": "原件",
    "results": "结果",
    "records": "清单、签名、回执",
    "work": "无批次的文件",
    "exports": "原始导出",
}


@commands.command()
def run(
    *,
    dry: Annotated[bool, typer.Option("--dry-run", help="只列出到期的，不销毁 only say what is past its time")] = False,
) -> None:
    """按设置和协议销毁到期的文件。 Destroy the files that are past their time."""
    with outcome(), App.of_account(os_user()) as app:
        if dry:
            files = retention.due(app)
            for file, kind in files:
                out.print(f"{file.batch}  {file.role}  {kind}  {file.policy}", markup=False)
            exports = retention.due_exports(app)
            for export in exports:
                out.print(f"{export.name}  exports  {app.settings.retention.exports_days} days", markup=False)
            counts = Counter(kind for _, kind in files) + Counter(exports=len(exports))
            _print(counts, "到期未销毁 past their time")
            retention.check(app)  # what would stop it
        else:
            _print(retention.run(app), "已销毁 destroyed")
        for name in retention.unpublished_exports(app):
            out.print(f"{name}: 未发布的导出，须由人处理 was not published, a person must look", markup=False)


def _print(counts: Counter[str], what: str) -> None:
    out.print(f"{what}: " + ", ".join(f"{word} {kind} {counts[kind]}" for kind, word in _WORDS.items()), markup=False)


@commands.command()
def hold(
    batch: BatchId, reason: Annotated[str, typer.Option(help="简短，不写身份证号 short; no identity number")]
) -> None:
    """保全批次：解除前不销毁其任何文件。 Destroy nothing of this batch until the hold is released."""
    with outcome(), App.of_account(os_user()) as app:
        check_officer_or_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        held = retention.hold(app, batch, reason)
        gone = len(app.register.retention.destroyed(batch))
        out.print(
            f"{batch}: {'已保全 held' if held else '早已保全 was held already'}; destroyed before: {gone}", markup=False
        )


@commands.command("release-hold")
def release_hold(batch: BatchId) -> None:
    """解除保全，到期销毁。 Let the batch's files go when their time is over."""
    with outcome(), App.of_account(os_user()) as app:
        check_officer_or_leader(app.settings, app.register.actor)
        app.register.retention.release_hold(batch, app.now())
        out.print(f"{batch}: 已解除保全 the hold is released", markup=False)


@commands.command()
def holds() -> None:
    """保全的批次：何时起，由谁，为何。 The batches that are held, since when, by whom and why."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded({"batch": "批次 batch", "since": "自 since", "by": "由 by", "reason": "原因 reason"})
        for held in app.register.retention.holds():
            since = held.held_at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
            table.add_row(held.batch, since, who(app.settings, held.held_by), held.reason)
        out.print(table)
