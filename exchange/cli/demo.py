"""``exchange demo``: the demo world, for a newcomer and for the tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE
from rich.live import Live
from rich.table import Table

from exchange.cli.listing import folded
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.demo.play import PlayOutcome, Script, approve, check
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.world import World

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_DEADLINE_SECONDS: Final = 300.0  # at a load of twelve the monthly set takes 131
_POLL_SECONDS: Final = 1.0

WorldFolder = Annotated[
    Path, typer.Option("--world", help="演示环境的文件夹，没有则新建 the world's folder; made when it is not there")
]


def _start(world: World, workers: int = 0) -> Airflow:
    with err.status("making the world") as status:
        world.build(lambda what: status.update(f"making the world: {what}"), workers=workers > 0)
        status.update("starting Airflow")
        airflow = world.airflow(workers)
        airflow.start()
        api = airflow.api()
        for dag_id in DAG_IDS:
            api.wait_for_dag(dag_id)
    return airflow


def _stop(world: World) -> None:
    if not world.root.exists():
        return
    with err.status("stopping"):
        world.airflow().stop()
        world.stop_servers()


@contextmanager
def _running(world: World) -> Iterator[Airflow]:
    try:
        yield _start(world)
    finally:
        _stop(world)


@commands.command()
def run(world: WorldFolder = Path("var/demo")) -> None:
    """演示全程并核对结果；全部如约时状态为 0。 Play the main job, check what came of it; 0 where all is right."""
    with outcome():
        laid_out = World(world.resolve())
        with _running(laid_out) as airflow:
            outcomes = _play(laid_out, airflow)
        out.print(_table(outcomes))
        wrong = sum(played.problem is not None for played in outcomes)
        out.print(f"如约 as it must be: {len(outcomes) - wrong};  不符 not so: {wrong}", markup=False)
        _where_to_look(laid_out)
        if wrong:
            raise typer.Exit(FOUND)


def _play(world: World, airflow: Airflow) -> list[PlayOutcome]:
    with err.status("the partners drop their request sets"):
        expected = Script(world).drop_all()
    outcomes = _wait([PlayOutcome(expectation) for expectation in expected])
    waiting = [played for played in outcomes if played.problem is None and "awaiting_approval" in played.answers]
    if not waiting:
        return outcomes
    with err.status("an officer confirms the hits, and the leader is asked to approve"):
        second = approve(world, airflow, waiting[0].expectation)
    return _wait([*outcomes, PlayOutcome(second)])


def _wait(outcomes: list[PlayOutcome]) -> list[PlayOutcome]:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    with Live(_standing(outcomes), console=err, transient=True) as live:
        while any(played.problem for played in outcomes) and time.monotonic() < deadline:
            outcomes = [played if played.problem is None else check(played.expectation) for played in outcomes]
            live.update(_standing(outcomes))
            time.sleep(_POLL_SECONDS)
    return outcomes


def _standing(outcomes: list[PlayOutcome]) -> Table:
    """How each batch stands while one waits: all of them on a terminal of 24 lines, which the whole table is not."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    for width in (44, 5, None):
        table.add_column(width=width)
    for played in outcomes:
        table.add_row(played.expectation.batch, _seconds(played), _outcome(played))
    return table


def _table(outcomes: list[PlayOutcome]) -> Table:
    """What came back, narrow enough for a terminal of 80 columns."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("批次 batch", no_wrap=True)
    for header in ("行数\nrows", "时限\ndue", "用时\ntime"):
        table.add_column(header, no_wrap=True)
    table.add_column("各项答复合计\nanswers of all items", overflow="fold")
    for played in outcomes:
        partner, _, number = played.expectation.batch.partition(".")
        answers = "\n".join(f"{code} {count}" for code, count in sorted(played.answers.items()))
        batch = f"{partner}\n  .{number}\n  {played.expectation.about}\n  {_outcome(played)}"
        table.add_row(batch, str(played.rows or ""), played.due, _seconds(played), answers, end_section=True)
    return table


def _seconds(played: PlayOutcome) -> str:
    return "" if played.seconds is None else f"{played.seconds:.0f} s"


def _outcome(played: PlayOutcome) -> str:
    if played.problem:
        return played.problem
    good = "不予受理 refused, rightly" if played.expectation.refused_for else "验签、解密 verified, opened"
    return f"[green]{good}[/green]"


def _where_to_look(world: World) -> None:
    out.print(f"what the partners got back:  {world.root}/sftp/<partner>/home/from-office", markup=False)
    out.print(f"what they opened:            {world.root}/partners/<partner>/desk", markup=False)
    out.print("the same world, kept running with the Airflow UI:  make up", markup=False)


@commands.command()
def up(
    world: WorldFolder = Path("var/world"),
    workers: Annotated[
        int,
        typer.Option(min=0, max=16, help="Celery 工作机个数，须有 redis-server。 Celery workers; needs redis-server"),
    ] = 0,
) -> None:
    """启动演示环境并保持运行，显示网址和登录名。 Start the world, leave it running, print where Airflow's UI is."""
    with outcome():
        laid_out = World(world.resolve())
        airflow = _start(laid_out, workers)
        out.print(f"Airflow: {airflow.base_url}")
        table = folded({"user": "用户 user", "password": "密码 password"})
        for user, password in airflow.users.items():
            table.add_row(user, password)
        out.print(table)
        out.print(f"命令行 the command line:  export EXCHANGE_CONFIG={laid_out.config}", markup=False, soft_wrap=True)
        for words, command in (("投入请求 drop the request sets", "drop"), ("停止 stop", "down")):
            out.print(f"{words}:  {_again(command, laid_out)}", markup=False, soft_wrap=True)


def _again(command: str, world: World) -> str:
    """The command over this world, as it is typed."""
    usual = world.root == Path("var/world").resolve()
    return f".venv/bin/exchange demo {command}" + ("" if usual else f" --world {world.root}")


@commands.command()
def drop(world: WorldFolder = Path("var/world")) -> None:
    """把演示的请求投入运行中的环境。 Drop the demo's request sets into a running world."""
    with outcome():
        for request in Script(World(world.resolve())).drop_all():
            out.print(f"{request.batch}  {request.about}", markup=False)


@commands.command()
def down(world: WorldFolder = Path("var/world")) -> None:
    """停止演示环境，可再次启动。 Stop the world; it can be started again."""
    with outcome():
        _stop(World(world.resolve()))
