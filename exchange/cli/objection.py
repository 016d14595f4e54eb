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
    """A second look at a row that was answered."""


@commands.command("open")
def open_(
    batch: Annotated[str, typer.Argument(help="The batch that was answered")],
    row: Annotated[int, typer.Argument(min=1, help="The row's number, from 1")],
    letter: Annotated[str, typer.Option(help="Number of the person's letter; nothing about the person")],
) -> None:
    """Have a row looked at again in the person's stead; the partner is told if another answer comes of it."""
    with outcome(), App.of_account(os_user()) as app:
        offices_of(app.settings, app.register.actor)
        check_note(letter)
        opened = open_second_look(app, batch, row, letter)
        out.print(f"{opened}: {due_words(app.register.batch(opened))}", markup=False)
