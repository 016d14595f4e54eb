"""``exchange review``: what officers do: list, show, decide, work lists out and in, more time for an objection."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from exchange.app import App
from exchange.base.errors import Halt, without_values
from exchange.base.files import write_atomically
from exchange.base.os_user import os_user
from exchange.base.tables import ANSWERS, REASONS
from exchange.cli.listing import AsCsv, AsJson, Coded, folded, unheaded
from exchange.cli.listing import show as show_list
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.cli.show import due_cell, stage_cell
from exchange.register import Decision, Review, ReviewFilter, ReviewState
from exchange.review import second_eyes
from exchange.review.case import CaseView, load_cases, open_columns
from exchange.review.decisions import allowed, check_note, check_reason, complete
from exchange.review.labels import in_words, why
from exchange.review.locked import is_locked, lock, new_password, unlock
from exchange.review.people import check_leader, check_officer, offices_of, who
from exchange.review.worklist import TEST, check_lines, list_key, parse_answers, read_list, write_list
from exchange.settings import read_secret
from exchange.supervision.report import office_name
from exchange.supervision.states import REVIEWS

commands = typer.Typer(add_completion=False, no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="批次号 the batch's id")]
_COLUMNS = {
    "batch": "批次 batch",
    "row": "行 row",
    "office": "单位 office",
    "why": "原因 why",
    "state": "状态 state",
    "due": "限期 due",
    "by": "经办 by",
    "stage": "阶段 stage",
}
_ANSWERS = {"column": "事项 column", "now": "现答复 now", "proposal": "建议 proposal", "may_be": "可选 may be"}
_SETTLED = "decided 已核实"
_ANOTHER = "your word stands; another officer must look 已登记，须另一人核实"
Row = Annotated[int, typer.Argument(min=1, help="行号，从 1 起 the row's number, from 1")]


def _mine(app: App, batch: str | None, state: ReviewState | None) -> list[Review]:
    """The rows of the officer's own offices, each once."""
    reviews = {}
    for division in offices_of(app.settings, app.register.actor):
        for review in app.register.reviews.find(ReviewFilter(batch, division, state)):
            if not review.waits_without(app.register.actor):
                reviews[review.batch, review.row] = review
    return list(reviews.values())


@commands.command("list")
def list_(
    batch: Annotated[str | None, typer.Option(help="只限此批次 only this batch's")] = None,
    state: Annotated[
        ReviewState, typer.Option(metavar="STATE", help="状态 open, decided, leaving or released")
    ] = ReviewState.OPEN,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """本单位及下级单位的待核行。 The rows of your office and those below it."""
    with outcome(), App.of_account(os_user()) as app:
        mine = _mine(app, batch, state)
        batches = {batch_id: app.register.batch(batch_id) for batch_id in {review.batch for review in mine}}
        lines = [
            (
                review.batch,
                str(review.row),
                Coded(review.division, office_name(app.settings, review.division)),
                why(review),
                Coded(review.state.value, REVIEWS[review.state].zh),
                due_cell(batches[review.batch]),
                review.decided_by or "",
                stage_cell(batches[review.batch]),
            )
            for review in mine
        ]
        named = partial(who, app.settings)
        show_list(_COLUMNS, lines, "没有待核实的行。 Nothing to look at.", as_json=as_json, as_csv=as_csv, who=named)


@commands.command()
def show(batch: BatchId, row: Row) -> None:
    """查看一行：所报、登记、待定事项；查看记入登记。 One row; that you looked is registered.

    The claim, what the register holds, what is to be decided.
    """
    with outcome(), App.of_account(os_user()) as app:
        review = app.register.reviews.get(batch, row)
        check_officer(app.settings, app.register.actor, review.division)
        _print(load_cases(app, batch, [review], hold=not review.waits_without(app.register.actor))[0])


def _print(case: CaseView) -> None:
    review = case.review
    mark = f"{TEST}  " if case.is_test else ""
    out.print(f"{mark}{review.batch}  第 {review.row} 行  {why(review)}  [{REVIEWS[review.state]}]", markup=False)
    claim = unheaded("核查内容 claim")
    for label, text in in_words(case.claim).items():
        claim.add_row(label, text)
    out.print(claim)
    for title, frame in (("人口登记 register", case.people), ("业务和违法犯罪记录 records", case.records)):
        if not frame.height:
            out.print(f"{title}: 无 none")
            continue
        cases = [in_words(row) for row in frame.iter_rows(named=True)]
        table = unheaded(title, 1 + len(cases))
        for label in dict.fromkeys(label for item in cases for label in item):
            table.add_row(label, *[item.get(label, "") for item in cases])
        out.print(table)
    answers = folded(_ANSWERS, "待定事项 to be decided")
    for column in case.open:
        proposal = case.proposal.get(column, "")
        words = [f"{code} {ANSWERS[code].zh}" for code in allowed(column)]
        answers.add_row(column, _with_word(case.answers[column]), _with_word(proposal), " | ".join(words))
    out.print(answers)
    out.print("依据 reasons: " + "；".join(f"{reason.code} {reason.zh}" for reason in REASONS.values()), markup=False)


def _with_word(code: str) -> str:
    """The code, which is typed, and its word."""
    return f"{code} {ANSWERS[code].zh}" if code in ANSWERS else code


@commands.command()
def decide(
    batch: BatchId,
    row: Row,
    answers: Annotated[
        str, typer.Argument(help="代码或中文 by code or in Chinese: identity=consistent; sex=inconsistent")
    ],
    reason: Annotated[str, typer.Option(help="schemas/reviews.toml 中的代码 a code of that file")],
    note: Annotated[str | None, typer.Option(help="简短，不写身份证号 short; no identity number")] = None,
) -> None:
    """核实一行：每个待定事项都须写明。 Decide a row: name every open column; what is proposed is not taken."""
    with outcome(), App.of_account(os_user()) as app:
        review = app.register.reviews.get(batch, row)
        check_officer(app.settings, app.register.actor, review.division)
        case = load_cases(app, batch, [review])[0]
        check_reason(reason, note)
        every_answer = complete(case.open, parse_answers(answers))
        settled = second_eyes.decide(app, batch, [Decision(row, review.version, every_answer, reason, note)])
        out.print(f"{batch} 第 {row} 行 row {row}: {_SETTLED if settled else _ANOTHER}", markup=False)


@commands.command()
def undo(batch: BatchId, row: Row) -> None:
    """领导批准前，撤回自己的核实结论。 Take back what you decided of a row, until a leader has approved it."""
    with outcome(), App.of_account(os_user()) as app:
        second_eyes.undo(app, batch, row)
        out.print(f"{batch} 第 {row} 行 row {row}: 已撤回 taken back", markup=False)


@commands.command("export")
def export_(
    file: Annotated[
        Path, typer.Argument(help="要写的 .xlsx，含个人信息，凭密码打开 the workbook to write; opens by a password")
    ],
    batch: Annotated[str | None, typer.Option(help="只限此批次 only this batch's")] = None,
) -> None:
    """本单位待核行导出为核实清单；口令只显示一次。 Write open rows into a work list; the password is shown once."""
    with outcome():  # whoever may not look into the folder is told, too
        _check_new(file)
    with outcome(), App.of_account(os_user()) as app:
        cases, lost = _cases(app, _mine(app, batch, ReviewState.OPEN))
        key = list_key(read_secret(app.settings.keys.signing_key))
        password = new_password()
        write_atomically(file, lock(write_list(cases, key), password))
        out.print(f"{len(cases)} 行 rows: {file}", markup=False)
        out.print(f"密码（仅显示一次）password, shown once: {password}", markup=False)
        if lost:
            raise typer.Exit(FOUND)


def _check_new(file: Path) -> None:
    if file.suffix.lower() != ".xlsx":
        msg = "清单须为 .xlsx，其他格式没有密码 a work list is an .xlsx workbook: no other form has a password"
        raise typer.BadParameter(msg, param_hint="file")
    if not file.parent.is_dir():
        raise typer.BadParameter("没有这个文件夹 there is no such folder", param_hint="file")
    if file.exists():
        raise typer.BadParameter("已有同名文件 there is a file of that name; it is not overwritten", param_hint="file")


def _cases(app: App, reviews: Iterable[Review]) -> tuple[list[CaseView], int]:
    """The rows' cases, and of how many batches they cannot be shown, each of which is named; Halt where that is all."""
    cases, lost = list[CaseView](), list[Halt]()
    for batch, rows in _by_batch(reviews).items():
        try:
            with without_values():
                cases += load_cases(app, batch, rows)
        except Halt as error:
            lost.append(error)
            err.print(f"{batch}: {error.in_both}", markup=False)
    if lost and not cases:
        raise lost[0]
    return cases, len(lost)


def _open(app: App, reviews: Iterable[Review]) -> dict[tuple[str, int], dict[str, str]]:
    """What is to be decided of these rows, by batch and row; none of them is opened."""
    return {
        (batch, row.row): columns
        for batch, rows in _by_batch(reviews).items()
        for row, columns in zip(rows, open_columns(app, batch, [open_row.row for open_row in rows]), strict=True)
    }


def _by_batch(reviews: Iterable[Review]) -> dict[str, list[Review]]:
    by_batch: dict[str, list[Review]] = {}
    for review in reviews:
        by_batch.setdefault(review.batch, []).append(review)
    return by_batch


@commands.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="填好的核实清单 a work list, filled in")],
) -> None:
    """导入核实清单：填写的行全部采用或全部不用；须输入口令。 Take a work list's decisions, all or none."""
    with outcome(), App.of_account(os_user()) as app:
        lines = read_list(_opened(file))
        named = {line.about for line in lines}
        mine = {
            (review.batch, review.row): review
            for review in _mine(app, None, None)
            if (review.batch, review.row) in named
        }
        key = list_key(read_secret(app.settings.keys.signing_key))
        decisions = check_lines(lines, mine, _open(app, mine.values()), key)
        if not decisions:
            msg = "no line of the list is filled in"
            raise Halt(msg, zh="清单中没有填写的行")
        for batch, settled in second_eyes.decide_all(app, decisions).items():
            out.print(f"{batch}: {len(decisions[batch])} 行 rows {_SETTLED if settled else _ANOTHER}", markup=False)


def _opened(file: Path) -> bytes:
    """The list's bytes; one that was saved without its password is taken, too."""
    content = file.read_bytes()
    if not is_locked(content):
        return content
    return unlock(content, typer.prompt("密码 password", hide_input=True, err=True).strip())


@commands.command()
def extend(batch: BatchId, reason: Annotated[str, typer.Option(help="延期的理由 why more time is needed")]) -> None:
    """领导给异议延期，一次为限。 A leader gives an objection its longer time, once."""
    with outcome(), App.of_account(os_user()) as app:
        check_leader(app.settings, app.register.actor)
        check_note(reason, needed=True)
        second_eyes.extend(app, batch, reason)
        extended = app.register.batch(batch)
        out.print(
            f"{batch}: 已延期 extended；时限 due {extended.due_on}，原 first {extended.due_original}", markup=False
        )
