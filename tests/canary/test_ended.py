"""However a step ends (no room on the disk, no memory, killed at any moment), nobody is named by what is left: not by
what the process said, and by no file that it had begun. And what a machine lacks is not told as a fault of the file.

Rule: the sets are encrypted, so that the original in the archive names nobody either; what is searched is every file of
the office, and a folder for temporary files of the process's own.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest

from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State
from tests.canary.sets import HEADER, NAME, NUMBER

ROWS = 400
WORDS = [NUMBER, NAME, "铁北街道虚构路"]
ENCODED = [word.encode(encoding) for word in WORDS for encoding in ("utf-8", "gb18030", "utf-16-le")]
PATIENCE = 60


def rows() -> list[list[str]]:
    return [[f"R{number}", NUMBER, NAME, "铁北街道虚构路"] for number in range(ROWS)]


def as_csv() -> bytes:
    return HEADER + "".join(",".join(row) + "\n" for row in rows()).encode()


def as_workbook() -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in ([*HEADER.decode().strip().split(",")], *rows()):
        book.worksheets[0].append(row)
    book.save(content)
    return content.getvalue()


MADE = {"csv": as_csv, "xlsx": as_workbook}


def no_larger_file(kilobytes: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    return limit


def no_more_memory(megabytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


HARMS: dict[str, Callable[[], None]] = {
    "no room": no_larger_file(8),
    "no memory": no_more_memory(300),
    "too little memory for its file": no_more_memory(900),
}
MOMENTS = [1.5, 2.5, 3.5]


@pytest.fixture(params=MADE)
def batch(request: pytest.FixtureRequest, app: App, court: DemoPartner, ask: Callable[..., Request]) -> str:
    form = request.param
    made = ask(MADE[form](), ROWS, form=form)
    court.drop(court.make_set(made))
    assert made.batch in poll(app).waiting
    return made.batch


def begun(world: World, batch: str, temporary: Path, harm: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    temporary.mkdir(exist_ok=True)
    environment = os.environ | {
        "EXCHANGE_CONFIG": str(world.config),
        "TMPDIR": str(temporary),
        "POLARS_MAX_THREADS": "1",
    }
    command = [sys.executable, "-c", "from exchange.cli.main import commands; commands()", "-v", "batch", "run", batch]
    return subprocess.Popen(
        command, env=environment, preexec_fn=harm, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=temporary
    )


def naming(world: World, temporary: Path) -> Iterator[Path]:
    """The files that name somebody."""
    office = world.root / "office"
    for path in (*office.rglob("*"), *temporary.rglob("*")):
        named_snapshot = "snapshots" in path.parts or "exports" in path.parts
        if path.is_file() and not named_snapshot and any(word in path.read_bytes() for word in ENCODED):
            yield path


@pytest.mark.parametrize("harm", HARMS)
def test_nobody_is_named_or_refused_where_there_is_no_room(
    world: World, app: App, batch: str, harm: str, tmp_path: Path
) -> None:
    said, _ = begun(world, batch, tmp_path / "t", HARMS[harm]).communicate(timeout=PATIENCE)
    assert app.register.batch(batch).state is not State.REFUSED, said.decode()
    assert [word for word in ENCODED if word in said] == []
    assert [*naming(world, tmp_path / "t")] == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_nobody_is_named_by_what_a_killed_step_leaves(world: World, batch: str, moment: float, tmp_path: Path) -> None:
    process = begun(world, batch, tmp_path / "t")
    time.sleep(moment)
    process.send_signal(signal.SIGABRT if moment % 1 else signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE)
    assert [word for word in ENCODED if word in said] == []
    assert [*naming(world, tmp_path / "t")] == []
    assert [*(tmp_path / "t").rglob("core*")] == []
