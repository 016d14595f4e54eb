"""``exchange backup``: keep what an office cannot make again; and look whether it is still whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.operation.backup import make_backup, plan_of
from exchange.operation.restoring import chosen
from exchange.operation.vault import Vault

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.command()
def make() -> None:
    """加密备份数据库、存档、在用快照、协议、设置和密钥，不影响办理。 Keep all that cannot be made again, encrypted.

    Databases, archive, snapshots in use, agreements, settings and keys; batches may run meanwhile.
    """
    with outcome(), App.of_account(os_user()) as app:
        made = make_backup(app)
        size = sum(entry.size for entry in made.backup.entries.values())
        out.print(f"{made.backup.name}: {len(made.backup.entries)} 个文件 files, {size / 1e6:,.1f} MB", markup=False)
        out.print(f"已清除过期备份 {made.pruned} 份 · {made.pruned} old backups pruned", markup=False)
        for digest in made.altered[:10]:
            err.print(f"档案中被改动的文件 altered in the archive: {digest}", markup=False)
        for path in made.unread[:10]:
            err.print(
                f"{path}: 读不出，未备份；以前的备份或有此文件"
                " cannot be read and is not in it; an earlier one may bring it back",
                markup=False,
            )
        _print_damaged(made.damaged)
        _print_ahead(made.ahead)
        if made.altered or made.damaged or made.unread or made.ahead:
            raise typer.Exit(FOUND)


@commands.command("list")
def list_() -> None:
    """完整的备份，最早的在前。 The backups that are whole, the oldest first."""
    with outcome(), App.of_account(os_user()) as app:
        vault = Vault(plan_of(app).to)
        damaged = vault.damaged()
        for name in vault.names():
            if name not in damaged:
                out.print(f"{name}  {len(vault.backup(name).entries)} 个文件 files", markup=False)
        _print_damaged(damaged)
        _print_ahead(ahead := vault.ahead(app.now()))
        if damaged or ahead:
            raise typer.Exit(FOUND)


def _print_damaged(names: Sequence[str]) -> None:
    """What to do about backups whose list is not whole."""
    for name in names:
        err.print(
            f"{name}: 清单损坏，此份不能恢复；到期自动清除，或删去 backups/{name}.json.gz"
            " its list is not whole and it brings nothing back; it goes in its time, or remove that file",
            markup=False,
        )


def _print_ahead(names: Sequence[str]) -> None:
    """What to do about backups of a day to come: by their names they are the newest."""
    for name in names:
        err.print(
            f"{name}: 时间在将来，核对时钟；恢复时须用 --name 指定一份，时钟有误时所做的删去 backups/{name}.json.gz"
            " is of a day to come: see to the clock; until it is gone a restore has to name one; if a clock that ran"
            " ahead named it, remove that file",
            markup=False,
        )


@commands.command()
def verify(
    folder: Annotated[
        Path | None, typer.Option(help="备份存放处，缺省按设置 where backups lie, by default as the settings say")
    ] = None,
    name: Annotated[str | None, typer.Option(help="哪一份，缺省为最新 which one; by default the newest")] = None,
) -> None:
    """逐个文件核验备份的散列，不需恢复密钥。 Read a whole backup against its hashes; no recovery key."""
    with outcome():
        if folder is None:
            with App.of_account(os_user()) as app:
                folder = plan_of(app).to
        vault = Vault(folder)
        backup = chosen(vault, name)
        altered = vault.altered(backup)
        out.print(f"{backup.name}: {len(backup.entries) - len(altered)} 个文件完好 files are whole", markup=False)
        for path in altered[:10]:
            err.print(f"不完好 not as written: {path}", markup=False)
        if altered:
            raise typer.Exit(FOUND)
