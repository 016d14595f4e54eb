"""``exchange partner``: the agreements, the partners' servers, and the templates that partners fill in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange.agreements.agreement import Agreement, agreement_files, check_assessed, load_agreement
from exchange.agreements.folders import shared_folders
from exchange.app import App
from exchange.base.errors import ExchangeError, Halt
from exchange.base.files import sha256, write_atomically
from exchange.base.os_user import os_user
from exchange.calendar.working_days import office_day
from exchange.cli.listing import folded
from exchange.cli.outcome import FOUND, HALTED, err, out, outcome
from exchange.desk.page import make_desk
from exchange.desk.sheet import sheet_page
from exchange.output.template import write_template
from exchange.review.decisions import check_note
from exchange.review.people import check_leader
from exchange.settings import Settings
from exchange.status.certificate import certify as make_certificate
from exchange.status.certificate import requirements
from exchange.status.publish import publish, publish_all
from exchange.steps.agreed import check_conforms, check_shown, unshown
from exchange.supervision import labels
from exchange.watch.certificates import invalid_now
from exchange.wire.certificates import TOLD_DAYS, ends, read_certificates
from exchange.wire.trial import try_out

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_AGREEMENTS = {
    "partner": "部门 partner",
    "terms": "阶段、级别、周期\nstage, level, cycles",
    "until": "有效至 holds until",
}


@commands.command()
def check() -> None:
    """逐份检查协议：可用，或何处应如何改。 Read every agreement; say that it holds, or what would be right."""
    with outcome():
        failed, real, read = False, [], list[Agreement]()
        table = folded(_AGREEMENTS)
        today = office_day(datetime.now(UTC))
        for path in agreement_files(Settings.load().agreements):
            try:
                agreement = load_agreement(path)
                read.append(agreement)
                check_assessed(agreement, today)
                until = _certificates_until(agreement)
            except Halt as error:
                err.print(str(error), markup=False)
                failed = True
                continue
            real += [] if agreement.is_test else [agreement]
            table.add_row(
                f"{agreement.partner}\n{agreement.zh}\n{agreement.number}",
                _terms(agreement),
                f"{agreement.in_force_until} 协议 agreement\n{until} 证书 certificates{_assessment(agreement)}",
            )
            _warn(agreement, today)
        out.print(table)
        for partner, shared in shared_folders(read).items():
            err.print(f"{partner}: {shared}", markup=False)
            failed = True
        if not _all_certified(real) or failed:
            raise typer.Exit(HALTED)


def _terms(agreement: Agreement) -> str:
    stage = {"test": "测试 test", "live": "正式 live"}.get(agreement.stage or "", "正式（未写明）live (not stated)")
    cycles = "、".join(labels.cycle(cycle).zh for cycle in agreement.cycles)
    return f"{stage}\n{labels.level(agreement.level)}\n{cycles}"


def _all_certified(agreements: list[Agreement]) -> bool:
    """Whether each of these may be answered for real; says of which not, as nothing that it sends is taken meanwhile.
    Where there is no register yet, nobody was certified.
    """
    sound = True
    try:
        with App.of_account(os_user()) as app:
            for agreement in agreements:
                try:
                    conformed = check_conforms(app, agreement)
                    for purpose in unshown(app, agreement, conformed):
                        check_shown(app, agreement, conformed, purpose)
                except Halt as error:
                    err.print(str(error), markup=False)
                    sound = False
    except ExchangeError:
        if any(agreement.stage == "live" for agreement in agreements):
            raise
    return sound


def _assessment(agreement: Agreement) -> str:
    assessment = agreement.assessment
    return "" if assessment is None else f"\n{assessment.ends_on} 评估 assessment\n{assessment.number}"


def _warn(agreement: Agreement, today: date) -> None:
    """Says where the assessment soon ends, or has ended: nothing is accepted then."""
    assessment = agreement.assessment
    if assessment is not None and (assessment.ends_on - today).days <= TOLD_DAYS[0]:
        if assessment.ends_on < today:
            zh, en = "已过期，不予受理", "has ended, nothing is accepted"
        else:
            zh, en = f"将于 {assessment.ends_on} 到期", f"ends on {assessment.ends_on}"
        err.print(
            f"{agreement.partner}：评估 {assessment.number} {zh}，请作新的评估 assessment {en}; make the next one",
            markup=False,
        )


def _certificates_until(agreement: Agreement) -> date:
    """The day on which the first of the partner's two certificates ends; Halt where one is not valid now."""
    pinned, now = agreement.certificates, datetime.now(UTC)
    last = []
    for path in (pinned.signing, pinned.encryption):
        certificates = read_certificates(path)
        if (invalid := invalid_now(certificates, now)) is not None:
            msg = f"{agreement.partner}: {path.name} {invalid}; put one beside it that is valid now"
            raise Halt(msg, zh=f"{agreement.partner}：{path.name} 中没有现在有效的证书，请在其后附加有效的")
        last.append(office_day(ends(certificates, now)))
    return min(last)


@commands.command()
def connect(partner: str = typer.Argument(help="部门代号 the partner's id")) -> None:
    """试连部门服务器：登录、写、改名、删除，并清点文件。 Log in, try a write, a rename, a removal; count files."""
    with outcome(), App.of_account(os_user()) as app:
        try:
            with app.folder(app.agreement(partner)) as folder:
                replaces = try_out(folder)
                number = len(folder.list_requests())
                out.print(
                    f"{partner}：已连接，请求目录有 {number} 个文件 connected, {number} files to the office",
                    markup=False,
                )
                if not replaces:
                    out.print(
                        "服务器不能一次替换文件，将先删后放"
                        " the server cannot replace a file in one go: it is removed and put anew",
                        markup=False,
                    )
        except ExchangeError:
            err.print(f"{partner}：连不上，或目录不能用 no connection, or a folder that cannot be used", markup=False)
            raise


@commands.command()
def status(
    partner: Annotated[str, typer.Argument(help="部门代号，不写即全部 the partner's id; left out: all of them")] = "",
    *,
    again: Annotated[
        bool, typer.Option("--again", help="没有变化也重发 also where nothing changed since it was put")
    ] = False,
) -> None:
    """更新部门目录中签名的近况文件；收件时每分钟自动更新。 Renew the signed status file; collecting does so, too."""
    with outcome(), App.of_account(os_user()) as app:
        if partner:
            put = publish(app, partner, again=again)
            out.print(
                f"{partner}: {'近况已更新 the status file is renewed' if put else '没有变化 nothing changed'}",
                markup=False,
            )
            return
        troubles = publish_all(app)
        for trouble in troubles:
            err.print(f"须人工处理 A person must look: {trouble}", markup=False)
        if troubles:
            raise typer.Exit(HALTED)


@commands.command()
def certify(partner: Annotated[str, typer.Argument(help="部门代号 the partner's id")]) -> None:
    """部门测试中已完成的项目；全部完成的制作并送达合格证书。 What a partner has shown; all of it: a certificate."""
    with outcome(), App.of_account(os_user()) as app:
        agreement = app.agreement(partner)
        needed = requirements(app, agreement)
        table = folded({"what": "事项 what", "of": "内容 of", "shown_by": "见于 shown by"})
        for test in needed:
            table.add_row(f"{test.zh} {test.en}", test.about or "", test.by or "—")
        out.print(table)
        if any(test.by is None for test in needed):
            err.print(f"{partner}: 尚未全部完成，不发证书 not all is shown: no certificate", markup=False)
            raise typer.Exit(FOUND)
        name = make_certificate(app, agreement, needed)
        out.print(f'{partner}: {name} 已发出，协议可写 is sent; the agreement may say stage = "live"', markup=False)


@commands.command()
def exempt(
    partner: Annotated[str, typer.Argument(help="部门代号 the partner's id")],
    reason: Annotated[str, typer.Option(help="理由，记入流水，不写身份证号 why; in the ledger; no identity number")],
) -> None:
    """领导准予部门不经合格证书转为正式。 As a leader, let a partner be live without a certificate."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        agreement = app.agreement(partner)
        app.register.conformance.exempt(agreement.partner, reason, app.now())
        out.print(f"{partner}: 已豁免 exempted", markup=False)


@commands.command()
def template(
    partner: Annotated[str, typer.Argument(help="部门代号 the partner's id")],
    purpose: Annotated[str, typer.Argument(help="协议中的用途代码 a purpose of its agreement, by code")],
    out_file: Annotated[Path, typer.Argument(help="要写的工作簿 the workbook to write, .xlsx", metavar="OUT.xlsx")],
    items: Annotated[
        str, typer.Option(help="所核事项代码，逗号分隔，不写即全部 items by code, with commas; left out: all")
    ] = "",
) -> None:
    """生成部门填写用的工作簿：数据、材料交接单、说明。 Write the XLSX template that the partner fills in."""
    with outcome():
        settings = Settings.load()
        agreement = load_agreement(settings.agreements / f"{partner}.toml")
        agreed = agreement.purpose(purpose)
        if agreed is None:
            known = ", ".join(known_purpose.code for known_purpose in agreement.purposes)
            msg = f"协议中没有此用途 the agreement holds no such purpose; there are {known}"
            raise typer.BadParameter(msg)
        asked = tuple(item.strip() for item in items.split(",")) if items else agreed.items
        if not set(asked) <= set(agreed.items) or len(set(asked)) != len(asked):
            msg = f"此用途只有这些事项 the purpose holds these items: {', '.join(agreed.items)}"
            raise typer.BadParameter(msg)
        write_atomically(out_file, write_template(agreement, agreed, asked))
        out.print(f"已写入 wrote {out_file.name}", markup=False)


@commands.command()
def desk(
    partner: Annotated[str, typer.Argument(help="部门代号 the partner's id")],
    out_file: Annotated[Path, typer.Argument(help="要写的网页 the page to write, .html", metavar="OUT.html")],
) -> None:
    """生成协作台：离线检查、签名、加密、读取的网页。 Write the page that checks, signs, encrypts, reads."""
    with outcome():
        settings = Settings.load()
        agreement = load_agreement(settings.agreements / f"{partner}.toml")
        page = make_desk(agreement, settings.keys, settings.policy.oldest_period_days, settings.telephone)
        write_atomically(out_file, page)
        out.print(f"已写入 wrote {out_file.name}  sha256 {sha256(page)}", markup=False, soft_wrap=True)


@commands.command()
def sheet(
    partner: Annotated[str, typer.Argument(help="部门代号 the partner's id")],
    out_file: Annotated[Path, typer.Argument(help="要写的网页 the page to write, .html", metavar="OUT.html")],
) -> None:
    """生成部门张贴用的一页纸，A4，含协议各值。 Write the sheet to print: one page of A4."""
    with outcome():
        settings = Settings.load()
        agreement = load_agreement(settings.agreements / f"{partner}.toml")
        write_atomically(out_file, sheet_page(agreement, settings.telephone).encode())
        out.print(f"已写入 wrote {out_file.name}", markup=False)
