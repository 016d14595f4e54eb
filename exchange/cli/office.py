"""``exchange office``: make an office where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from pydantic import ValidationError

from exchange.base.errors import Halt
from exchange.base.toml import explained
from exchange.cli.outcome import out, outcome
from exchange.operation.airflow_database import check_log_in, make_airflow
from exchange.operation.installing import Database, Done, Plan, held, make_office
from exchange.operation.roles import make_databases

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_NEXT = """\
接下来 next:
  export EXCHANGE_CONFIG={config}
  exchange keys show       给部门的证书 what partners get
  agreements/、[[offices]]、[[people]]、exports/：docs/operations.md
  exchange health
"""


@commands.callback()
def office() -> None:
    """Make an office where there is none."""


@commands.command()
def init(
    plan: Annotated[
        Path | None,
        typer.Argument(help="TOML 文件（docs/operations.md），不写则逐项询问 a TOML file; left out: it asks"),
    ] = None,
    airflow: Annotated[
        bool,
        typer.Option(
            help="并建 Airflow 的表和 pool（装在一起时） Airflow's tables and pools, too, where it is installed"
        ),
    ] = True,
    *,
    new_passwords: Annotated[
        bool,
        typer.Option(
            "--new-passwords", help="已有的数据库角色改用本次的口令 roles that are there get this office's passwords"
        ),
    ] = False,
    leave_open: Annotated[
        bool,
        typer.Option(
            "--leave-open",
            help="升级时不等读不了的未办结批次 leave open batches that this version cannot read",
        ),
    ] = False,
) -> None:
    """建立文件夹、密钥、口令、设置、数据库、角色、Airflow 各项。 Make all that a new office needs.

    What is there stays.
    """
    with outcome():
        wanted = _ask() if plan is None else Plan.read(plan)
        if airflow:
            check_log_in()
        made = 0
        with held(wanted):
            for done in _made(wanted, airflow=airflow, new_passwords=new_passwords, leave_open=leave_open):
                made += done.new
                out.print(f"{'新建 made ' if done.new else '已有 there'}  {done.what}", markup=False, soft_wrap=True)
        out.print(f"新建 {made} 项 · {made} made")
        if made:
            out.print(_NEXT.format(config=quote(str(wanted.folder / "exchange.toml"))), markup=False, soft_wrap=True)


def _made(plan: Plan, *, airflow: bool, new_passwords: bool, leave_open: bool) -> Iterator[Done]:
    yield from make_office(plan)
    yield from make_databases(plan, new_passwords=new_passwords, leave_open=leave_open)
    if airflow:
        yield from make_airflow(plan)


def _ask() -> Plan:
    """Asks whoever sits there; a password is not asked for, only the place of its file. Halt where an answer does not
    fit.
    """
    try:
        return _answers().checked("answers")
    except ValidationError as error:
        raise Halt(explained("answers", error), zh="所填各项有误，请照下列改正") from None
    except UnicodeDecodeError:
        msg = "answers: not in the encoding of this locale; use a UTF-8 one (LANG=C.UTF-8), or a plan's file"
        raise Halt(msg, zh="所答文字与本终端的编码不符：请用 UTF-8 的 locale（LANG=C.UTF-8），或用方案文件") from None


def _answers() -> Plan:
    name = typer.prompt("机关名称 the office's name")
    folder = Path(typer.prompt("目录 its folder", default="/srv/exchange/office")).expanduser().absolute()
    host = typer.prompt("PostgreSQL 主机或套接字目录 host, or the folder of its socket", default="localhost")
    port = typer.prompt("端口 port", default=5432, type=int)
    admin = typer.prompt("管理员 its administrator", default="postgres")
    path = typer.prompt("管理员密码文件（本机免密则留空）file with that password, empty: none", default="")
    secret = Path(path).expanduser().absolute() if path else None
    database = Database(host=host, port=port, admin=admin, admin_password_file=secret)
    return Plan(office=name, folder=folder, database=database)
