"""``exchange snapshot``: build, list, prune, verify, and who used a version."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.cli.listing import folded
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.retention import prune_snapshots
from exchange.settings import Settings
from exchange.snapshots.build import build, check_day
from exchange.snapshots.integrity import is_out_of_use
from exchange.snapshots.versions import Snapshots

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_VERSIONS = {
    "source": "来源 source",
    "as_of": "截至 as of",
    "version": "版本 version",
    "rows": "行 rows",
    "published": "已发布 published",
}


@commands.command("build")
def build_(
    source: str = typer.Argument(help="数据源 source: " + ", ".join(SOURCES)),
    export: Path = typer.Argument(help="导出文件所在的文件夹 folder of the export's CSV or Parquet files"),  # noqa: B008
    as_of: str = typer.Option(..., "--as-of", help="导出数据的截止日 the day whose state the export shows, YYYY-MM-DD"),
) -> None:
    """由导出文件制作快照，检查后发布。 Build a source's snapshot from an export, judge it, publish it."""
    with outcome():
        try:
            day = date.fromisoformat(as_of)
        except ValueError:
            msg = "截止日写作 YYYY-MM-DD --as-of is written so"
            raise typer.BadParameter(msg) from None
        check_day(source, day, office_day(datetime.now(UTC)))
        with err.status(f"正在制作 building {source}，截至 as of {as_of}"):
            version = build(Snapshots(Settings.load().snapshots), source, export, day)
        record = version.record()
        unclear = record.counts.get("unclear_charges")
        noted = f"，罪名无法识别 {unclear:.0f} 行 with an unknown charge" if unclear else ""
        out.print(f"{source} {version.name}: {record.rows} 行 rows{noted}，已发布 published")


@commands.command("list")
def list_() -> None:
    """磁盘上的各版本，标出已发布的。 All versions on disk; the published ones are marked."""
    with outcome():
        snapshots = Snapshots(Settings.load().snapshots)
        table = folded(_VERSIONS)
        for source in SOURCES:
            current = snapshots.current(source)
            for version in snapshots.versions(source):
                record = version.sound_record()
                mark = "停用" if is_out_of_use(version.folder) else "是" if version == current else ""
                table.add_row(source, str(version.as_of), version.name, str(record.rows) if record else "", mark)
        out.print(table)


@commands.command()
def prune() -> None:
    """清理在办批次不用、异议也不再需要的旧版本。 Remove old versions that no open batch or objection needs."""
    with outcome(), App.of_account(os_user()) as app:
        for source, name in prune_snapshots(app):
            out.print(f"已清理 removed {source} {name}")


@commands.command()
def verify() -> None:
    """逐版本核对散列；不符的停用。 Read every version against its hashes; disable what differs."""
    with outcome():
        snapshots = Snapshots(Settings.load().snapshots)
        troubles = [trouble for source in SOURCES for trouble in snapshots.verify(source)]
        for trouble in troubles:
            out.print(trouble, markup=False)
        if troubles:
            raise typer.Exit(FOUND)
        out.print("全部相符。 All are what was written.")


@commands.command("used-by")
def used_by(
    source: str = typer.Argument(help="数据源 source: " + ", ".join(SOURCES)),
    version: str = typer.Argument(help="版本名，见 `list` 或警报 the version's name, as `list` and alarms tell it"),
) -> None:
    """用过某版本的批次，含已办结的。 The batches that were answered from a version, closed ones too."""
    with outcome(), App.of_account(os_user()) as app:
        for batch in app.register.snapshots.batches_with(source, version):
            out.print(batch, markup=False)
