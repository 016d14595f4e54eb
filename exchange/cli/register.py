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
from exchange.cli.outcome import out, outcome
from exchange.cli.show import cycle_cell, due_cell, moment, stage_cell, tables
from exchange.operation.verification import verify_archive, verify_register
from exchange.register import Batch, BatchFilter, State
from exchange.supervision.labels import refusal
from exchange.supervision.states import STATES
from exchange.watch.witnesses import cosigned, take

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


@commands.command("list")
def list_(
    partner: Annotated[str | None, typer.Option(help="Only this partner's")] = None,
    state: Annotated[
        State | None, typer.Option(metavar="STATE", help=f"Only batches in this state: {', '.join(State)}")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 50,
    batch: Annotated[str | None, typer.Option(help="A part of the batch's id")] = None,
    period: Annotated[str | None, typer.Option(help="What the period begins with: 2026, 2026-11")] = None,
    letter: Annotated[str | None, typer.Option(help="A part of the letter's number")] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """The newest batches first."""
    with outcome(), App.of_account(os_user()) as app:
        batches = app.register.batches(BatchFilter(partner, state, limit, batch, period, letter))
        show_list(_COLUMNS, [_line(each) for each in batches], NOTHING, as_json=as_json, as_csv=as_csv)


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
def show(batch_id: str) -> None:
    """Everything that the register knows of one batch."""
    with outcome(), App.of_account(os_user()) as app:
        for table in tables(app.settings, app.register, batch_id):
            if table.row_count:
                out.print(table)


@commands.command()
def configuration() -> None:
    """What the answers are decided by, as the ledger was told: settings, agreements, certificates, tables of rules."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded({"name": "名称 name", "sha256": "校验 SHA-256", "since": "登记 told"})
        for each in app.register.configuration.known():
            table.add_row(each.name, each.sha256, moment(each.told_at))
        out.print(table)


@commands.command()
def incomplete() -> None:
    """The sets that lack something and were left alone, and whether the partner was told."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_INCOMPLETE)
        for each in app.register.unfinished.all():
            moments = (moment(each.first_seen), moment(each.noticed_at))
            notice = NOTICES[each.reason]
            table.add_row(each.partner, each.stem, f"{notice.zh} {notice.en}", *moments)
        out.print(table)


@commands.command()
def verify(
    against: Annotated[
        list[Path] | None, typer.Option(help="A receipt, a result's manifest or a note that left the house; repeatable")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also every kept file and snapshot against its hash")] = False,
) -> None:
    """Hold everything in the register against its ledger, and the ledger against the checkpoints that were kept."""
    with outcome(), App.of_account(os_user()) as app:
        lines, last = verify_register(app, against or [])
        out.print(f"登记簿 {lines} 行，无改动 lines, unaltered；末行 last hash {last}")
        for each in cosigned(app):
            said = f"{each.size} 行 lines, {moment(each.at)}" if each.at else "从未 never"
            out.print(f"见证 cosigned by {each.witness.zh}: {said}", markup=False)
        if deep:
            out.print(f"留存文件 {verify_archive(app)} 份，无改动 kept files, unaltered")
            if troubles := [said for source in SOURCES for said in app.snapshots.verify(source)]:
                raise Halt("; ".join(troubles))
            out.print("快照均无改动 all snapshots, unaltered")


@commands.command()
def prove(
    batch_id: str,
    to: Annotated[Path, typer.Argument(help="The file to write, e.g. court.2026-1.tlog-proof")],
    against: Annotated[
        Path | None, typer.Option(help="The receipt, result's manifest or note whose register it is; else the present")
    ] = None,
) -> None:
    """Prove to a partner that a batch is in the register whose head they hold; they check it with openssl."""
    with outcome(), App.of_account(os_user()) as app:
        write_atomically(to, app.register.prove(batch_id, against).encode())
        out.print(f"{to}: what proves {batch_id}; the partners' guide says how it is checked")


@commands.command()
def checkpoint(
    to: Annotated[Path, typer.Argument(help="The file to write and give to the witness")],
    witness: Annotated[
        str | None, typer.Option(help="The witness's name in the settings, where there are several")
    ] = None,
    since: Annotated[int | None, typer.Option(min=0, help="The lines that it signed last, where it says so")] = None,
) -> None:
    """Write the request to a witness for its cosignature under the register's checkpoint now."""
    with outcome(), App.of_account(os_user()) as app:
        witnessed = [each for each in cosigned(app) if witness in (None, each.witness.zh)]
        if len(witnessed) != 1:
            names = ", ".join(each.zh for each in app.settings.witnesses) or "none"
            msg = f"name one witness of the settings' [[witnesses]] with --witness; there are: {names}"
            raise Halt(msg)
        size = witnessed[0].size if since is None else since
        write_atomically(to, app.register.for_witness(size).encode())
        out.print(f"{to}: for {witnessed[0].witness.zh}, from line {size} on", markup=False)


@commands.command("cosigned")
def take_cosigned(file: Annotated[Path, typer.Argument(help="What the witness gave back")]) -> None:
    """Check and keep a checkpoint that a witness cosigned."""
    with outcome(), App.of_account(os_user()) as app:
        taken = take(app, file)
        out.print(f"cosigned by {taken.witness.zh}: {taken.size} lines, {moment(taken.at)}", markup=False)


@commands.command()
def resume(reason: Annotated[str, typer.Option(help="What was found and who decided; stands in the ledger")]) -> None:
    """Go on with a ledger that lacks lines which a kept checkpoint knows, after a restore; a person has looked."""
    with outcome(), App.of_account(os_user()) as app:
        number = app.register.resume(app.checkpoints, reason)
        out.print(
            f"已搁置检查点 {number} 个 kept checkpoints are set aside"
            if number
            else "登记簿完整，无须恢复 nothing to resume: the ledger is whole"
        )


@commands.command()
def sign() -> None:
    """Sign the ledger from here on; once, after an update from a version that did not. Again, it changes nothing."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.check_newest(app.checkpoints)  # signatures that were taken away are not made anew
        out.print(f"登记簿签名起始行 the ledger is signed from line {app.register.begin_signing()} on")


@commands.command()
def migrate() -> None:
    """Bring the register's database to this version's tables; done at installation and after an update."""
    with outcome(), App.of_account(os_user()) as app:
        app.register.migrate()
        out.print("登记数据库已是本版本 the register is up to date")
