"""``exchange restore``: bring an office back from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.outcome import out, outcome
from exchange.operation.backup import ELSEWHERE
from exchange.operation.restoring import chosen, restore_databases, restore_files
from exchange.operation.vault import Vault
from exchange.settings import Settings
from exchange.wire.envelope import load_key_pair

commands = typer.Typer(add_completion=False, no_args_is_help=True)
From = Annotated[Path, typer.Argument(metavar="FROM", help="备份存放处 the folder where backups lie")]
Key = Annotated[Path, typer.Option(help="恢复密钥，权限 0600。 the recovery key, 0600")]
Folder = Annotated[
    Path,
    typer.Argument(help="空文件夹，或中断时的同一个 an empty folder, or the one of before"),
]
Certificate = Annotated[Path, typer.Option(help="其证书 its certificate")]
Name = Annotated[str | None, typer.Option(help="哪一份，缺省为最新 which one; by default the newest")]


@commands.command()
def files(vault: From, folder: Folder, key: Key, certificate: Certificate, name: Name = None) -> None:
    """恢复设置、密钥、协议、存档和快照到空文件夹。 All that is a file, into an empty folder."""
    with outcome():
        kept = Vault(vault)
        backup = chosen(kept, name)
        number = restore_files(kept, backup, folder, load_key_pair(key, certificate))
        out.print(f"{backup.name}: 已恢复 {number} 个文件 files restored to {folder}", markup=False)
        for path in sorted(entry for entry in (folder / ELSEWHERE).rglob("*") if entry.is_file()):
            original = f"/{path.relative_to(folder / ELSEWHERE)}"
            out.print(f"先放回原处 put back before exchange office init: {path} → {original}", markup=False)


@commands.command()
def databases(vault: From, key: Key, certificate: Certificate, name: Name = None) -> None:
    """恢复登记库和 Airflow 库；库中须没有批次。 Register and Airflow's database; only where no batch is there."""
    with outcome():
        settings, kept = Settings.load(), Vault(vault)
        if settings.backup is None:
            msg = "设置中没有 backup 一节 the settings have no [backup]"
            raise typer.BadParameter(msg)
        backup = chosen(kept, name)
        names = restore_databases(kept, backup, settings.backup, load_key_pair(key, certificate), settings.home)
        out.print(f"{backup.name}: 已恢复 restored: {', '.join(names)}", markup=False)
        out.print("接下来 next: exchange office init（授权 grants）; exchange register verify", markup=False)
