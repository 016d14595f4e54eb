"""``exchange province``: the invented province that test batches are answered from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.outcome import err, out, outcome
from exchange.demo.province.published import PEOPLE, SEED, read_sheet
from exchange.demo.province.published import install as install_province
from exchange.demo.province.published import make as make_province
from exchange.settings import Settings
from exchange.snapshots.versions import Snapshots

commands = typer.Typer(add_completion=False, no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="虚构省份的文件夹 the province's folder")]


@commands.command()
def make(
    folder: Folder,
    seed: Annotated[int, typer.Option(help="种子：相同则内容逐字节相同 the same seed gives the same bytes")] = SEED,
    people: Annotated[int, typer.Option(min=1000, help="虚构多少人 how many people are invented")] = PEOPLE,
) -> None:
    """生成随版本发布的虚构省份、数据说明和正确答复。 Write the invented province, its data sheet and right answers."""
    with outcome():
        with err.status("正在虚构人员 inventing people"):
            make_province(folder, seed, people)
        out.print(f"{folder}: {len(read_sheet(folder)['files'])} 个文件 files", markup=False)


@commands.command()
def install(folder: Folder) -> None:
    """核对无误后以此省份答复测试批次。 Answer test batches from it, once every file is as it says."""
    with outcome():
        settings = Settings.load()
        with err.status("正在制作快照 building its snapshots"):
            install_province(folder, Snapshots(settings.invented, invented=True))
        out.print(f"{folder}：已装入，测试批次据此答复 installed; test batches are answered from it", markup=False)
