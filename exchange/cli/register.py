"""``exchange register``: list, show, verify, migrate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import write_atomically
from exchange.base.os_user import os_user
from exchange.base.tables import NOTICES, SOURCES
from exchange.cli.listing import NOTHING, AsCsv, AsJson, Coded, folded
from exchange.cli.listing import show as show_list
from exchange.cli.outcome import err, out, outcome
from exchange.cli.show import cycle_cell, due_cell, moment, stage_cell, tables
from exchange.operation.verification import verify_archive, verify_register
from exchange.register import Batch, BatchFilter, State
from exchange.review.decisions import check_note
from exchange.supervision.labels import refusal
from exchange.supervision.states import STATES
from exchange.watch.witnesses import cosigned, last_of, take

commands = typer.Typer(add_completion=False, no_args_is_help=True)


_COLUMNS: Final = {
    "batch": "批次 batch",
    "state": "状态 state",
    "cycle": "周期 cycle",
    "rows": "行 rows",
    "received": "收到 received",
    "due": "时限 due",
    "refused_for": "不予受理 refused for",
    "stage": "阶段 stage",
}
_INCOMPLETE: Final = {
    "partner": "部门 partner",
    "set": "报送 set",
    "lacks": "缺 lacks",
    "since": "未动自 unmoved since",
    "told": "已告知部门 partner told",
}
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]


@commands.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="只列此部门 only this partner's")] = None,
    state: Annotated[
        State | None, typer.Option(metavar="STATE", help=f"只列此状态 only batches in this state: {', '.join(State)}")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多几条 at most so many")] = 50,
    batch: Annotated[str | None, typer.Option(help="批次号的一部分 a part of the batch's id")] = None,
    period: Annotated[str | None, typer.Option(help="期间的开头 what the period begins with: 2026, 2026-11")] = None,
    letter: Annotated[str | None, typer.Option(help="介绍信文号的一部分 a part of the letter's number")] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """最近的批次在前。 The newest batches first."""
    with outcome(), App.of_account(os_user()) as app:
        found = app.register.batches(BatchFilter(partner, state, limit + 1, batch, period, letter))
        show_list(_COLUMNS, [_line(each) for each in found[:limit]], NOTHING, as_json=as_json, as_csv=as_csv)
        if len(found) > limit:  # beside the list, which a program reads
            err.print(
                f"只列了最近 {limit} 批，还有更早的：--limit · these are the newest, there are more", markup=False
            )


def _line(batch: Batch) -> tuple[str, ...]:
    return (
        batch.id,
        Coded(batch.state.value, STATES[batch.state].zh),
        cycle_cell(batch.cycle),
        "" if batch.rows_in is None else str(batch.rows_in),
        moment(batch.received_at),
        due_cell(batch),
        _refused_for(batch.refusal_code),
        stage_cell(batch),
    )


def _refused_for(code: str | None) -> Coded:
    """What is wrong, without what the partner is told to do."""
    return Coded(code, re.split("[；：，]", refusal(code).zh)[0] if code else "")


@commands.command()
def show(batch_id: BatchId) -> None:
    """一个批次的全部登记。 Everything that the register knows of one batch."""
    with outcome(), App.of_account(os_user()) as app:
        for table in tables(app.settings, app.register, batch_id):
            if table.row_count:
                out.print(table)


@commands.command()
def configuration() -> None:
    """答复所依据的设置、协议、证书和规则表。 What answers rest on: settings, agreements, tables."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded({"name": "名称 name", "sha256": "校验 SHA-256", "since": "登记 told"})
        for part in app.register.configuration.known():
            table.add_row(part.name, part.sha256, moment(part.told_at))
        out.print(table)


@commands.command()
def incomplete() -> None:
    """不完整、未收取的请求，及是否已提示部门。 Sets that lack something, and whether the partner was told."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_INCOMPLETE)
        for request in app.register.unfinished.all():
            moments = (moment(request.first_seen), moment(request.noticed_at))
            notice = NOTICES[request.reason]
            table.add_row(request.partner, request.stem, f"{notice.zh} {notice.en}", *moments)
        out.print(table)


@commands.command()
def verify(
    against: Annotated[
        list[Path] | None, typer.Option(help="发出过的回执、结果清单或检查点，可多次 what left the house; repeatable")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="并核对每个存档文件和快照的散列 also every kept file and snapshot against its hash"
        ),
    ] = False,
) -> None:
    """以流水核对全部登记，以检查点核对流水。 Hold the register against its ledger and checkpoints."""
    with outcome(), App.of_account(os_user()) as app:
        lines, last = verify_register(app, against or [])
        out.print(f"登记簿 {lines} 行，无改动 lines, unaltered；末行 last hash {last}")
        for cosignature in cosigned(app):
            words = f"{cosignature.size} 行 lines, {moment(cosignature.at)}" if cosignature.at else "从未 never"
            out.print(f"见证 cosigned by {cosignature.witness.zh}: {words}", markup=False)
        if deep:
            kept, past = verify_archive(app)
            out.print(f"留存文件 {kept} 份，无改动 kept files, unaltered")
            if past:
                out.print(
                    f"另有 {past} 份已过保管期限、不在档案中（恢复备份之后如此），当夜的 retention 补记销毁"
                    " more are past their time and lie here no more, as after a restore: the night writes that down"
                )
            if troubles := [trouble for source in SOURCES for trouble in app.snapshots.verify(source)]:
                raise Halt("; ".join(troubles), zh="快照核验有误，见下")
            out.print("快照均无改动 all snapshots, unaltered")


@commands.command()
def prove(
    batch_id: BatchId,
    to: Annotated[Path, typer.Argument(help="要写的文件 the file to write, e.g. court.2026-1.tlog-proof")],
    against: Annotated[
        Path | None,
        typer.Option(help="据以证明的回执、结果清单或检查点，缺省为现在的 whose register it is; else the present"),
    ] = None,
) -> None:
    """向持有检查点的部门证明批次已登记，可用 openssl 核对。 Prove to a partner that a batch is registered."""
    with outcome(), App.of_account(os_user()) as app:
        write_atomically(to, app.register.prove(batch_id, against).encode())
        out.print(
            f"{to}：{batch_id} 的登记证明，核对方法见部门指南 its proof; the partners' guide says how it is checked"
        )


@commands.command()
def checkpoint(
    to: Annotated[Path, typer.Argument(help="要写的文件，交见证机关 the file to write and give to the witness")],
    witness: Annotated[
        str | None, typer.Option(help="设置中见证机关的名称（有几个时） its name in the settings, of several")
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(min=0, help="上次联署的行数（对方告知时） the lines that it signed last, where it says so"),
    ] = None,
) -> None:
    """生成请见证机关联署的检查点。 Write the request to a witness to cosign a checkpoint."""
    with outcome(), App.of_account(os_user()) as app:
        asked = [known for known in app.settings.witnesses if witness in (None, known.zh)]
        if len(asked) != 1:
            names = ", ".join(known.zh for known in app.settings.witnesses) or "none"
            msg = f"name one witness of the settings' [[witnesses]] with --witness; there are: {names}"
            raise Halt(msg, zh=f"请用 --witness 指明设置中的一个见证机关：{names}")
        size = last_of(app, asked[0]).size if since is None else since
        write_atomically(to, app.register.for_witness(size).encode())
        out.print(f"{to}：交 {asked[0].zh}，自第 {size} 行起 give it to them; from line {size} on", markup=False)


@commands.command("cosigned")
def take_cosigned(file: Annotated[Path, typer.Argument(help="见证机关交回的文件 what the witness gave back")]) -> None:
    """核对并保存已联署的检查点。 Check and keep a checkpoint that a witness cosigned."""
    with outcome(), App.of_account(os_user()) as app:
        taken = take(app, file)
        out.print(f"已联署 cosigned by {taken.witness.zh}: {taken.size} 行 lines, {moment(taken.at)}", markup=False)


@commands.command()
def resume(
    reason: Annotated[
        str, typer.Option(help="查明的情况和决定人，记入流水 what was found, who decided; in the ledger")
    ],
) -> None:
    """恢复备份、流水缺行后，经人核查继续使用。 Go on after a restore with a ledger that lacks lines.

    A kept checkpoint knows them, and a person has looked.
    """
    with outcome(), App.of_account(os_user()) as app:
        check_note(reason, needed=True)
        number = app.register.resume(app.checkpoints, reason)
        out.print(
            f"已搁置检查点 {number} 个 kept checkpoints are set aside"
            if number
            else "登记簿完整，无须恢复 nothing to resume: the ledger is whole"
        )


@commands.command()
def sign() -> None:
    """由旧版升级后执行一次：此后流水逐行签名。 Sign the ledger from here on; once, after an update.

    From a version that did not sign. Run again, it changes nothing.
    """
    with outcome(), App.of_account(os_user()) as app:
        app.register.check_newest(app.checkpoints)  # signatures that were taken away are not made anew
        out.print(f"登记簿签名起始行 the ledger is signed from line {app.register.begin_signing()} on")


@commands.command()
def migrate() -> None:
    """把登记库的表升级到本版本；安装和升级后执行。 Bring the register's database to this version's tables."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.migrate()
        out.print("登记数据库已是本版本 the register is up to date")
