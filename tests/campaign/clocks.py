"""The machine's clock steps, once or several times, while some work is done: by libfaketime, which the office's
processes and their programs see; the database's and the partner's clocks go on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from exchange.cli.outcome import HALTED, TRY_AGAIN
from tests.campaign.office import Office
from tests.campaign.worker import Worker
from tests.campaign.works import WORKS

MISSING: Final = "libfaketime is not installed (Debian: libfaketime)"
_LIBRARIES: Final = "/usr/lib/*/faketime/libfaketime.so.1"
_STEPS: Final = (-86_400 * 3, -86_400, -3600, -60, -1, 1, 60, 3600, 86_400, 86_400 * 3)
_MOST: Final = 3


def library() -> Path | None:
    return next(iter(sorted(Path("/").glob(_LIBRARIES.removeprefix("/")))), None)


def stepped(office: Office, name: str) -> tuple[str, list[str]]:
    """Each duty of this work by a clock that steps; what was not done is done once it is right again."""
    how: list[str] = []
    wrong: list[str] = []
    with WORKS[name](office) as work:
        for duty in work.duties:
            steps = [office.chance.choice(_STEPS) for _ in range(office.chance.randint(1, _MOST))]
            waits = [office.chance.uniform(0.1, 1) for _ in steps]
            code, said = _by_steps(office, {"duty": duty, "word": work.word}, list(zip(waits, steps, strict=True)))
            how.append(f"{duty} by {', '.join(f'{step:+,} s' for step in steps)} ended {code}")
            wrong += [] if code in (0, TRY_AGAIN, HALTED) else [f"{work.word}: {duty} ended with {code}: {said}"]
            wrong += office.finish(work.word, duty)
        return "; ".join(how), wrong + work.judged()


def _by_steps(office: Office, asked: Mapping[str, str], steps: list[tuple[float, int]]) -> tuple[int, str]:
    """The first step is made before the duty begins, the others after these seconds each, while it lasts."""
    clock, over, worker = _clock(office), threading.Event(), _by_it(office)
    clock.write_text(f"{steps[0][1]:+}\n", encoding="ascii")

    def step() -> None:
        for wait, seconds in steps[1:]:
            if over.wait(wait):
                return
            clock.write_text(f"{seconds:+}\n", encoding="ascii")

    stepping = threading.Thread(target=step)
    stepping.start()
    try:
        worker.ask(asked)
        ended = worker.ended()
    finally:
        over.set()
        stepping.join()
        clock.write_text("+0\n", encoding="ascii")
    return ended.code, ended.said


def _clock(office: Office) -> Path:
    """The file that says how wrong the clock is."""
    return office.world.root / "clock"


def _by_it(office: Office) -> Worker:
    """Who works by that clock, from the first time on."""
    if office.by_clock is None:
        told = {"FAKETIME_TIMESTAMP_FILE": str(_clock(office)), "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}
        told |= {"LD_PRELOAD": str(library()), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        office.by_clock = office.worker(told)
    return office.by_clock
