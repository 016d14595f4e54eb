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
Folder = Annotated[Path, typer.Argument(help="The province's folder")]


@commands.command()
def make(
    folder: Folder,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes")] = SEED,
    people: Annotated[int, typer.Option(min=1000)] = PEOPLE,
) -> None:
    """Write the province with its data sheet and right answers, as it is published with a release."""
    with outcome():
        with err.status("inventing people"):
            make_province(folder, seed, people)
        out.print(f"{folder}: {len(read_sheet(folder)['files'])} files", markup=False)


@commands.command()
def install(folder: Folder) -> None:
    """Answer test batches from this province, once every file is what its data sheet says."""
    with outcome():
        settings = Settings.load()
        with err.status("building its snapshots"):
            install_province(folder, Snapshots(settings.invented, invented=True))
        out.print(f"{folder}: installed; test batches are answered from it", markup=False)
