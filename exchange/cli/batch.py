"""``exchange batch``: what Airflow does, by hand."""

from __future__ import annotations

import typer

from exchange import pipeline
from exchange.app import App
from exchange.base.os_user import os_user
from exchange.cli.outcome import FOUND, HALTED, err, out, outcome
from exchange.intake.collect import poll
from exchange.supervision.states import STATES

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.command()
def collect() -> None:
    """各部门目录收件一次，列出待办理的批次。 Look once into all folders, claim, print the batches to be run.

    Each ten minutes also those that are owed and have not moved for so long.
    """
    with outcome(), App.of_account(os_user()) as app:
        with err.status("正在查看各部门目录 looking into the partners' folders"):
            polled = poll(app)
        for batch_id in polled.waiting | polled.unmoved:
            out.print(batch_id, markup=False)
        for trouble in polled.troubles:
            err.print(f"须人工处理 A person must look: {trouble}", markup=False)
        if polled.troubles:
            raise typer.Exit(HALTED)


@commands.command()
def run(
    batch_id: str = typer.Argument(help="已登记的批次 a claimed batch, e.g. from `exchange batch collect`"),
) -> None:
    """办理一个批次：受理、核查、送达；中断后可再次运行。 Take one batch all the way; again, it goes on."""
    with outcome(), App.of_account(os_user()) as app:
        with err.status(f"正在办理 running {batch_id}"):
            accepted = pipeline.run(app, batch_id)
        state = app.register.batch(batch_id).state
        out.print(f"{batch_id}: {STATES[state]}", markup=False)
        if not accepted:
            raise typer.Exit(FOUND)


@commands.command()
def redeliver(
    batch_id: str = typer.Argument(help="部门称未见结果的批次 a batch whose result the partner says is not there"),
) -> None:
    """重新送达已不在部门目录中的结果，记入流水。 Put results that are gone from the partner's folder there again.

    The ledger says who did, and when.
    """
    with outcome(), App.of_account(os_user()) as app:
        numbers = pipeline.redeliver(app, batch_id)
        if not numbers:
            out.print(f"{batch_id}：结果均在部门目录 all its results lie in the partner's folder", markup=False)
        for number in numbers:
            out.print(f"{batch_id}：结果 {number} 已重新送达 result {number} delivered again", markup=False)
