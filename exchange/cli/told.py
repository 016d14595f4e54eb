"""``exchange told``: who was told about a person; two people whom the settings name (``discloser``), together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.os_user import os_user
from exchange.base.tables import ANSWERS
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.review.decisions import check_note
from exchange.review.people import check_discloser, check_leader
from exchange.steps import telling

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]
Reason = Annotated[str, typer.Option(help="简短，不写身份证号 short; no identity number")]
_TOLD = {
    "partner": "部门 partner",
    "received": "收到 received",
    "purpose": "用途 purpose",
    "batch": "批次 batch",
    "row": "行 row",
    "left": "发出 what left",
}
_PAST = "已过保管期，无法重算 past its time"
_NOTHING = "未发出 nothing left"


@commands.command()
def ask(
    reason: Reason, letter: Annotated[str, typer.Option(help="申请书文号 the number of the person's letter")]
) -> None:
    """查询何部门得知某人的信息；号码在提示后输入。 Ask who was told about a person; the number is typed at a prompt.

    Or it is the first line of standard input.
    """
    with outcome(), App.of_account(os_user()) as app:
        check_discloser(app.settings, app.register.actor)
        for text in (reason, letter):
            check_note(text, needed=True)
        number = telling.ask(app, _number(), reason, letter)
        out.print(f"{number}: 请另一人确认 for another person: exchange told confirm {number}", markup=False)


def _number() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("公民身份号码 identity number", hide_input=True))
    return sys.stdin.readline().strip()


@commands.command()
def confirm(question: Annotated[int, typer.Argument(help="查询编号 the question's number")]) -> None:
    """确认他人提出的查询并查看答案：一次，记入登记。 Confirm another person's question, see the answer; on record."""
    with outcome(), App.of_account(os_user()) as app:
        check_discloser(app.settings, app.register.actor)
        answer = telling.confirm(app, question)
        table = folded(_TOLD)
        for disclosure in answer.disclosures:
            received = disclosure.batch.received_at.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M")
            for row in disclosure.rows:
                left = _left(disclosure, row)
                table.add_row(
                    disclosure.batch.partner, received, disclosure.batch.purpose, disclosure.batch.id, str(row), left
                )
        out.print(table)
        if answer.withheld:
            out.print(f"另有 {answer.withheld} 批依决定不予告知 withheld by decision", markup=False)
        _check_sound(answer)


def _check_sound(answer: telling.Disclosures) -> None:
    """Halt with the batches that could not be answered from."""
    if answer.unsound:
        of_each = "; ".join(f"{batch} ({wrong})" for batch, wrong in sorted(answer.unsound.items()))
        msg = f"not all could be worked out; have these put right, then ask anew: {of_each}"
        raise Halt(msg, zh="以上未列全，下列批次须先查明，再重新查询")


def _left(disclosure: telling.Disclosure, row: int) -> str:
    if not disclosure.left:
        items = "、".join(disclosure.batch.items)
        return f"{items}：{_PAST if disclosure.left is None else _NOTHING}"
    return "；".join(
        f"{item} {ANSWERS[code].zh if code in ANSWERS else code}" for item, code in disclosure.left[row].items()
    )


@commands.command()
def withhold(batch: BatchId, reason: Reason) -> None:
    """领导决定不予告知此批次（个人信息保护法第18、35条）。 Name this batch to nobody who asks, as the leader."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        done = telling.withhold(app, batch, reason)
        out.print(f"{batch}: {'不予告知 withheld' if done else 'was withheld already'}", markup=False)


@commands.command()
def disclose(batch: BatchId) -> None:
    """领导恢复告知此批次。 Name a withheld batch again, as the leader."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        app.register.told_uses.disclose(batch)
        out.print(f"{batch}: 恢复告知 named again", markup=False)


@commands.command()
def rekey() -> None:
    """告知索引换用最新密钥，每年一次；可中断后再次运行。 Bring the index to the newest key, once a year.

    A year after the last key a new one is made. May be killed and run again.
    """
    with outcome(), App.of_account(os_user()) as app:
        generation, batches = telling.rekey(app)
        out.print(f"第 {generation} 代密钥 generation {generation}: {batches} batches", markup=False)
