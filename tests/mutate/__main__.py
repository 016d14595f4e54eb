"""``make mutate``: changes the rules place by place, and lists each change that no test notices.

``tests/mutants.toml`` says which modules are changed, which tests try them, and which changes may live. What was
noticed is not tried again until its module changes (``var/mutate-results``), so that a run may be broken off, and after
a new case only what lived is tried. ``tests/mutants.md`` is written anew from all that is known.

A process of its own tries a share of the changes (``inside.py``). Where it ends early, or tells nothing for ``SILENT``,
another goes on behind the change that it was at, which counts as noticed: it never ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest

from exchange.base.paths import ROOT
from tests.mutate.changes import Change, Changed, changed
from tests.mutate.report import write
from tests.mutate.results import FOLDER, Results, Verdict
from tests.mutate.table import Room, table

SILENT: Final = 300
"""Seconds in which no test ended: a test has sixty with a change, and some take long to begin."""

SECONDS: Final = float(os.environ.get("TRY_SECONDS", "20"))
"""Of processor time, in which the tests of one change would run without it; the quick ones come first."""

EXAMPLES: Final = "20"
"""Of each property (``tests/examples.py``): few, as most changes are gross."""

INTERRUPTED: Final = (pytest.ExitCode.INTERRUPTED, -signal.SIGINT, -signal.SIGTERM)

PROCESSES: Final = int(os.environ.get("PROCESSES", "2"))


def main(patterns: Sequence[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    for room in table().rooms:
        if not any(_may_be_in(room, pattern) for pattern in patterns or ("*",)):
            continue
        files = [changed(ROOT / module, ROOT) for module in room.modules]
        results = Results(files)
        asked = [each for file in files for each in file.changes if _is_asked(each, room, patterns)]
        left = [each for each in asked if results.of(each).how != "killed"]
        _say(f"{room.name}: {len(asked)} changes, {len(left)} to try")
        try:  # who breaks it off sends the signal to all processes of the group
            with ThreadPoolExecutor(PROCESSES) as pool:
                list(pool.map(lambda n: _try(room, files, left[n::PROCESSES], n, results), range(PROCESSES)))  # noqa: B023
        finally:
            results.keep()
            for each in write(room, files, results):
                if each in asked:
                    _say(f"lives: {each.name.rpartition('_')[2]} {each.where}: {each.told}")


def _may_be_in(room: Room, pattern: str) -> bool:
    """Whether some change of the room can be asked for by this; to make all changes takes a while."""
    modules = [module.removesuffix(".py").replace("/", ".") for module in room.modules]
    return pattern in ("*", room.name) or any(pattern.startswith(each) or fnmatch(each, pattern) for each in modules)


def _is_asked(each: Change, room: Room, patterns: Sequence[str]) -> bool:
    return not patterns or any(room.name == pattern or fnmatch(each.where, pattern) for pattern in patterns)


def _try(room: Room, files: Sequence[Changed], share: Sequence[Change], number: int, results: Results) -> None:
    """Tries each change of the share, in as many processes as it takes."""
    left = {each.id: each for each in share}
    while left:
        tried, begun, ended = 0, "", 0
        for line in _process(room, files, list(left.values()), f"{room.name}-{number}"):
            begun, ended = line.get("begun", begun), line.get("ended", ended)
            if "fails" in line:
                _say(f"fails without a change: {line['fails']} ({line['by']})")
            if "mutant" in line:
                begun, tried = "", tried + 1
                results.put(left.pop(line["mutant"]), Verdict(line["how"], line["by"] or "", line["seconds"]))
        if ended in INTERRUPTED:
            return
        if begun:
            results.put(left.pop(begun), Verdict("killed", "never ends"))
        elif not tried:
            msg = f"{room.name}: no change was tried; see {FOLDER / f'{room.name}-{number}.log'}"
            raise SystemExit(msg)


def _process(room: Room, files: Sequence[Changed], left: Sequence[Change], name: str) -> Iterator[dict[str, Any]]:
    """What the process tells, while it tells it."""
    job, told, log = (FOLDER / f"{name}.{ending}" for ending in ("job", "told", "log"))
    told.write_text("", encoding="utf-8")
    changes = [[each.module, each.function, each.name] for each in left]
    code = {each.module: each.code for each in files}
    content = {"changed": code, "mutants": changes, "told": str(told), "seconds": SECONDS}
    job.write_text(json.dumps(content), encoding="utf-8")
    options = ["--assert=plain", "-q", "-s", "-p", "no:cacheprovider", "-p", "tests.mutate.inside"]
    command = [sys.executable, "-m", "pytest", *options, *room.options, *room.tests]
    environment = os.environ | {"MUTATE_JOB": str(job), "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"}
    environment["EXAMPLES"] = EXAMPLES
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        yield from _told(process, told)


def _told(process: subprocess.Popen[bytes], told: Path) -> Iterator[dict[str, Any]]:
    heard = time.monotonic()
    with told.open(encoding="utf-8") as lines:
        while True:
            ended = process.poll() is not None
            if line := lines.readline():
                heard = time.monotonic()
                yield json.loads(line)
            elif ended:
                yield {"ended": process.returncode}
                return
            elif time.monotonic() - heard > SILENT:
                process.kill()
                process.wait()
            else:
                time.sleep(0.2)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
