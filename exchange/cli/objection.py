"""``exchange objection``: a second look that an officer opens in the stead of the person asked about."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.cli.outcome import out, outcome
from exchange.cli.show import due_words
from exchange.review.decisions import check_note
from exchange.review.people import offices_of
from exchange.steps.second_look import open_second_look

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.callback()
def objections() -> None:
    """替被查询人复核已答复的一行。 A second look at a row that was answered."""


@commands.command("open")
def open_(
    batch: Annotated[str, typer.Argument(help="已答复的批次 the batch that was answered")],
    row: Annotated[int, typer.Argument(min=1, help="行号，从 1 起 the row's number, from 1")],
    letter: Annotated[str, typer.Option(help="申请书文号，不写本人情况 the letter's number; nothing about the person")],
) -> None:
    """替被查询人重新核查一行；答复有变的告知部门。 Look at a row again for the person; a changed answer is told."""
    with outcome(), App.of_account(os_user()) as app:
        offices_of(app.settings, app.register.actor)
        check_note(letter, needed=True)
        opened = open_second_look(app, batch, row, letter)
        out.print(f"{opened}: {due_words(app.register.batch(opened))}", markup=False)
