"""``exchange notice``: what all partners are told in their status files."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated

import typer

from exchange.app import App
from exchange.base.os_user import os_user
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.cli.listing import folded
from exchange.cli.outcome import out, outcome
from exchange.review.people import who
from exchange.status.maintenance import EN, ZH, announce, announced
from exchange.status.maintenance import withdraw as take_back

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_FORMS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
_MINUTE = _FORMS[0]
_ANNOUNCED = {"number": "编号 number", "begins": "始 begins", "ends": "止 ends", "words": "通告 words", "by": "由 by"}


def moment(text: str) -> datetime:
    """A minute by Beijing's clock, as it is typed."""
    for form in _FORMS:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    msg = "北京时间，如 Beijing time, e.g. '2026-12-05 20:00'"
    raise typer.BadParameter(msg)


Moment = Annotated[datetime, typer.Argument(parser=moment, help="北京时间 Beijing time, e.g. '2026-12-05 20:00'")]


@commands.command()
def maintenance(
    begins: Moment,
    ends: Moment,
    zh: Annotated[
        str,
        typer.Option(help="中文通告，缺省为通用的一句 in Chinese; by default a general sentence", show_default=False),
    ] = ZH,
    en: Annotated[
        str, typer.Option(help="英文通告，缺省同上 in English; by default the same", show_default=False)
    ] = EN,
) -> None:
    """在各部门近况中通告不办理的时段。 Announce a time in which nothing is answered."""
    with outcome(), App.of_account(os_user()) as app:
        begins_at, ends_at = (moment.replace(tzinfo=OFFICE_ZONE) for moment in (begins, ends))
        words, by = (zh, en), app.register.actor
        number = announce(app.settings.home, begins_at, ends_at, app.now(), by, words)
        out.print(f"{number}: 已通告维护 announced: {begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}", markup=False)


@commands.command("list")
def list_() -> None:
    """已通告、尚未结束的维护。 What is announced and not over."""
    with outcome(), App.of_account(os_user()) as app:
        table = folded(_ANNOUNCED)
        for notice in announced(app.settings.home, app.now()):
            times = [moment.astimezone(OFFICE_ZONE).strftime(_MINUTE) for moment in (notice.begins_at, notice.ends_at)]
            table.add_row(str(notice.number), *times, f"{notice.zh} {notice.en}", who(app.settings, notice.by))
        out.print(table)


@commands.command()
def withdraw(
    number: Annotated[int, typer.Argument(help="通告编号 the announcement's number, as `list` tells it")],
) -> None:
    """撤回通告，近况中不再告知。 Withdraw an announcement: the status files tell it no more."""
    with outcome(), App.of_account(os_user()) as app:
        take_back(app.settings.home, number, app.now())
        out.print(f"{number}: 已撤销 withdrawn", markup=False)
