"""No way out of a process carries a value: a process with every hook in place fails in every way that there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from exchange.base.errors import Halt, without_values
from exchange.base.silence import native_code_muted

CANARY = "11010519491231002X"

BEGIN = f"""
import logging, sys, threading, warnings, resource, os
from exchange.base import silence
logging.basicConfig(level=logging.DEBUG)
silence.install()
value = {CANARY!r}
print("began", file=sys.stderr)
"""

WAYS = {
    "nobody caught it": "raise ValueError(value)",
    "a chain of them": "try:\n    int(value)\nexcept ValueError as error:\n    raise RuntimeError(value) from error",
    "no Exception": "class Panic(BaseException): pass\nraise Panic(value)",
    "thread": "def run(): raise ValueError(value)\nt = threading.Thread(target=run)\nt.start()\nt.join()",
    "destructor": "class Row:\n    def __del__(self): raise ValueError(value)\nrow = Row()\ndel row",
    "warning": "warnings.simplefilter('always')\nwarnings.warn(value)",
    "captured warning": "logging.captureWarnings(True)\nwarnings.simplefilter('always')\nwarnings.warn(value)",
    "a library's logger": "logging.getLogger('sqlalchemy.engine').info('parameters %s', value)",
    "a stack in our log": "try: int(value)\nexcept ValueError: logging.getLogger('exchange.x').exception('oh')",
    "native code": "with silence.native_code_muted():\n  os.write(2, value.encode())\n  print('ours', file=sys.stderr)",
}


def failed(way: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEGIN + WAYS[way]], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_no_way_out_carries_a_value(way: str) -> None:
    said = failed(way)
    assert "began" in said
    assert CANARY not in said


def test_what_failed_is_told_by_kind_and_place() -> None:
    assert "unexpected: ValueError at <string>:" in failed("nobody caught it")
    assert "unexpected, in a thread: ValueError" in failed("thread")
    assert "sqlalchemy.engine: INFO at" in failed("a library's logger")
    assert "ours" in failed("native code")


@pytest.mark.parametrize("before", ["", "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"])
def test_a_dying_process_leaves_no_core(tmp_path: Path, before: str) -> None:
    """A limit of 0 keeps none from a program that is handed cores; 1 does."""
    limit = "print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)\nos.abort()"
    code = f"import resource\n{before}{BEGIN}{limit}"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.read().decode() == f"{(0, 0) if before else (1, 1)}\n"
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


def test_a_panic_of_polars_reaches_neither_log_nor_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    error = pl.exceptions.PanicException
    assert not issubclass(error, Exception)
    with pytest.raises(Halt) as halted, native_code_muted(), without_values():
        raise error(CANARY)
    assert str(halted.value).startswith("unexpected PanicException at ")
    assert CANARY not in str(halted.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_ends_a_process_goes_through(error: BaseException) -> None:
    with pytest.raises(type(error)), without_values():
        raise error


def test_what_the_caller_names_goes_through() -> None:
    class Timeout(BaseException):
        pass

    with pytest.raises(Timeout), without_values(Timeout):
        raise Timeout


def test_a_copy_of_a_record_is_made_without_a_name_first() -> None:
    """As Airflow's formatter copies each record before it is written: what is told stays, and is told."""
    code = BEGIN + (
        "import io, logging, structlog\n"
        "stream = io.StringIO(); handler = logging.StreamHandler(stream)\n"
        "handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.dev.ConsoleRenderer(colors=False)))\n"
        "logger = logging.getLogger('exchange.test'); logger.addHandler(handler); logger.setLevel(logging.INFO)\n"
        "logger.info('took %.1f s', 4.6)\n"
        "print(stream.getvalue())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "took 4.6 s" in done.stdout
    assert "Logging error" not in done.stderr
