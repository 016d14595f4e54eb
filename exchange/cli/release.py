"""``exchange release``: what leaves after a batch's first result: propose, judge as a leader, send."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.os_user import os_user
from exchange.base.tables import ANSWERS, ITEMS
from exchange.cli.listing import AsCsv, AsJson, Coded
from exchange.cli.listing import show as show_list
from exchange.cli.outcome import out, outcome
from exchange.register import Release
from exchange.register.releases import parse_id
from exchange.register.returned import returned_release
from exchange.review import second_eyes
from exchange.review.decisions import check_note
from exchange.review.people import check_leader, offices_of, who
from exchange.settings import Settings
from exchange.supervision.states import RELEASES

commands = typer.Typer(add_completion=False, no_args_is_help=True)
ReleaseId = Annotated[str, typer.Argument(help="放行编号 <batch>.release-<number>")]
_SHOWN = 12
"""How many characters of a hash are shown and typed."""


@commands.command("list")
def list_(*, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """尚未办完的放行。 The releases with which something is still to be done."""
    with outcome(), App.of_account(os_user()) as app:
        _print(app.settings, app.register.releases.under_way(), as_json=as_json, as_csv=as_csv)


_COLUMNS = {
    "release": "放行 release",
    "state": "状态 state",
    "rows": "行数 rows",
    "answers": "答复 answers",
    "judged_by": "审批 judged by",
    "shown": "校验 shown",
}


def _print(settings: Settings, releases: list[Release], *, as_json: bool = False, as_csv: bool = False) -> None:
    lines = [
        (
            release.id,
            Coded(release.state.value, RELEASES[release.state].zh),
            str(len(release.rows)),
            Coded(in_words(release), in_words(release).replace("；", "\n")),
            release.judged_by or _unjudged(release),
            shown_hash(release),
        )
        for release in releases
    ]
    named = partial(who, settings)
    show_list(_COLUMNS, lines, "没有待办的放行。 Nothing to release.", as_json=as_json, as_csv=as_csv, who=named)


def _unjudged(release: Release) -> Coded:
    return Coded("waits", "待审批") if release.needs_approval else Coded("not_needed", "无需审批")


def shown_hash(release: Release) -> str:
    """As much of the hash of a release's answers as is shown and typed."""
    return (release.answers_sha256 or "")[:_SHOWN]


def in_words(release: Release) -> str:
    """The counts of a release, without a person."""
    parts = [
        f"{ITEMS[item].zh if item in ITEMS else '号码与姓名'} {ANSWERS[code].zh} {count}"
        for item, tally in release.counts.items()
        for code, count in tally.items()
    ]
    return "；".join(parts)


@commands.command()
def show(
    batch: Annotated[str, typer.Argument(help="批次号 the batch's id")],
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """一个批次的全部放行。 All releases of a batch."""
    with outcome(), App.of_account(os_user()) as app:
        _print(app.settings, app.register.releases.of(batch), as_json=as_json, as_csv=as_csv)


@commands.command()
def propose() -> None:
    """查看已送达、尚有待定行的批次，提出可放行的行。 Look at batches with open rows; propose what can leave."""
    with outcome(), App.of_account(os_user()) as app:
        proposals = pipeline.propose_all(app)
        _print(app.settings, proposals.releases)
        if proposals.troubles:
            raise Halt("; ".join(proposals.troubles), zh="有批次未能提出放行，见下")


@commands.command()
def approve(
    release: ReleaseId,
    shown: Annotated[
        str, typer.Option(help="`exchange release show` 的“校验”。 what it says under that heading shown")
    ],
) -> None:
    """批准放行（未核实过其中任何一行的领导）；平日用“审批”页。 Approve, as a leader who decided none of the rows."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        asked = app.register.releases.get(*parse_id(release))
        whole = asked.answers_sha256 if shown and shown == shown_hash(asked) else None
        second_eyes.approve(app, *parse_id(release), whole or shown)
        out.print(f"{release}: 已批准 approved", markup=False)


@commands.command()
def reject(
    release: ReleaseId, reason: Annotated[str, typer.Option(help="简短，不写身份证号 short; no identity number")]
) -> None:
    """附理由退回民警；部门不会得知。 Send the rows back with a reason; the partner hears nothing."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        app.register.releases.reject(*parse_id(release), reason)
        out.print(f"{release}: 已退回 rejected", markup=False)


@commands.command()
def reopen(
    release: ReleaseId,
    reason: Annotated[str, typer.Option(help="已作的处理，不写身份证号 what was done; no identity number")],
) -> None:
    """民警将退回的行重新送审。 As an officer, propose the rows of a rejected release again."""
    with outcome(), App.of_account(os_user()) as app:
        offices = offices_of(app.settings, app.register.actor)
        check_note(reason, needed=True)
        batch_id, number = parse_id(release)
        if returned_release(app.register.engine, offices, batch_id, number) is None:
            msg = f"{release} was not returned, or none of its rows is your office's"
            raise Halt(msg, zh=f"{release} 未被退回，或其中没有您单位的行")
        app.register.releases.reopen(batch_id, number, reason)
        out.print(f"{release}: 可重新送审 its rows may be proposed again", markup=False)


@commands.command()
def issue(release: ReleaseId) -> None:
    """签名、加密并送达已批准的放行。 Sign, encrypt and deliver an approved release."""
    with outcome(), App.of_account(os_user()) as app:
        pipeline.issue(app, release)
        out.print(f"{release}: {RELEASES[app.register.releases.get(*parse_id(release)).state]}", markup=False)
