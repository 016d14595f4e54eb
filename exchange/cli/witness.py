"""``exchange witness``: what another organ runs that cosigns the checkpoints of an office's register."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange.base.errors import Halt
from exchange.base.files import disk_trouble, write_atomically
from exchange.cli.outcome import out, outcome
from exchange.register.witness import begin_anew, cosign, make_witness

commands = typer.Typer(add_completion=False, no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="见证机关自己的文件夹 the witness's own folder")]


@commands.command()
def make(
    folder: Folder,
    name: Annotated[str, typer.Option(help="见证机关的名称，无空格 its name, without blanks: archives.example.gov.cn")],
) -> None:
    """生成见证机关的密钥，显示其公钥供对方设置。 Make a witness's key, unless there is one; print its public key."""
    with outcome():
        try:
            out.print(make_witness(folder, name), markup=False, soft_wrap=True)
        except ValueError:
            msg = "a witness's name has no blanks and no +"
            raise Halt(msg, zh="见证机关的名称不得含空格和 +") from None
        out.print(
            f"将对方的 register.pem 放入 {folder}，电话核对"
            f" put the office's register.pem into {folder}; compare it by telephone",
            markup=False,
        )


@commands.command("cosign")
def cosign_(
    folder: Folder,
    request: Annotated[Path, typer.Argument(help="`exchange register checkpoint` 所写的文件 what that wrote")],
    to: Annotated[Path, typer.Argument(help="要写的文件，交回对方 the file to write and give back to the office")],
) -> None:
    """联署由上次联署延续的检查点，其他一律拒绝。 Cosign a checkpoint that grew out of the last one, no other."""
    with outcome(), disk_trouble(request):
        cosigned = cosign(folder, request.read_text("utf-8", "replace"), datetime.now(UTC))
        write_atomically(to, cosigned.encode())
        out.print(f"{to}：已联署 cosigned", markup=False)


@commands.command()
def anew(folder: Folder) -> None:
    """对方恢复备份后，问明原因，重新开始。 Begin anew with a restored register; a person has asked why."""
    with outcome():
        lines = begin_anew(folder)
        out.print(f"已搁置 {lines} 行的登记簿，对方须以 --since 0 重新申请 set aside; the office asks with --since 0")
