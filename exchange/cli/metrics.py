"""``exchange metrics``: the metrics in Prometheus' text form, to a file for node_exporter or to standard output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.base.errors import Halt
from exchange.base.files import write_atomically
from exchange.cli.outcome import outcome
from exchange.operation.health import Health, open_quickly
from exchange.operation.metrics import exposition

commands = typer.Typer(add_completion=False)
_SUFFIX = ".prom"


@commands.command()
def metrics(
    to: Annotated[
        Path | None,
        typer.Option(help="node_exporter textfile 文件夹中的 .prom 文件 a file ending in .prom, in its folder"),
    ] = None,
) -> None:
    """运行指标，Prometheus 格式。 Print measurements for Prometheus; no person and no batch."""
    with outcome():
        if to is not None and to.suffix != _SUFFIX:
            msg = f"{to}: node_exporter reads files that end in {_SUFFIX}"
            raise Halt(msg, zh=f"{to}：文件名须以 {_SUFFIX} 结尾，node_exporter 才会读取")
        with open_quickly() as app:
            text = exposition(Health(app))
        if to is None:
            typer.echo(text, nl=False)
        else:
            write_atomically(to, text)
            to.chmod(0o644)  # node_exporter is another account; nothing in it is anybody's secret
