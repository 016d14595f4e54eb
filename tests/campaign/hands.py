"""What works in the office, each time in a process of its own: ``hands.py`` reads a line of JSON, forks, and says in a
line how it ended.

    {"duty": "batch", "batch": "court.b1", "fatal": 1200, "after": 0}  →  {"code": -9, "said": "", "events": 0}

Rules
- With ``fatal`` the process is killed, by SIGKILL, at its so-manieth audit event of any kind; with ``after`` when so
  many seconds are over. Neither is a place that the package knows of.
- This process imports everything once, opens nothing, and has no threads, so that what it forks is as good as new.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import great_expectations  # noqa: F401  (the dearest import, which the gates make when they first judge)
import typer

from exchange import pipeline, retention
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.tables import SOURCES
from exchange.cli.outcome import outcome
from exchange.demo.world import LEADER_ID, OFFICER_ID
from exchange.intake.collect import poll
from exchange.register import Decision, ReleaseState, ReviewFilter, ReviewState
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.snapshots.build import build
from exchange.steps import request
from exchange.validate.gate import failures
from exchange.watch.configuration import watch_configuration

BYTES_IN_PART: Final = 1_000
_LATER: Final = timedelta(days=4000)
"""All that is kept of ended batches is past its time then."""


_DECIDED: Final = {"criminal_record": "record_found"}


def batch(batch_id: str) -> None:
    """The collector's look, and the batch's whole way."""
    with App.open("campaign") as app:
        poll(app)
        if app.register.find_batch(batch_id) is not None:
            pipeline.run(app, batch_id)


def decide(batch_id: str) -> None:
    """An officer decides all rows of the batch as they are proposed."""
    with App.open(OFFICER_ID) as app:
        for review in app.register.reviews.find(ReviewFilter(batch_id, None, ReviewState.OPEN)):
            case = load_cases(app, batch_id, [review], hold=True)[0]
            answers = complete(case.open, {each: _DECIDED.get(each, "consistent") for each in case.open})
            app.register.reviews.decide(batch_id, [Decision(review.row, review.version, answers, "case_file")])


def propose(_: str) -> None:
    with App.open("campaign") as app:
        pipeline.propose_all(app)


def approve(batch_id: str) -> None:
    """A leader approves what waits."""
    with App.open(LEADER_ID) as app:
        for release in app.register.releases.of(batch_id):
            if release.state is ReleaseState.PROPOSED:
                app.register.releases.approve(batch_id, release.number, release.answers_sha256 or "")


def issue(batch_id: str) -> None:
    with App.open("campaign") as app:
        for release in app.register.releases.of(batch_id):
            pipeline.issue(app, release.id)


def snapshots(_: str) -> None:
    """One more version of each source, of the same export."""
    with App.open("campaign") as app:
        for source in SOURCES:
            current = app.snapshots.current(source)
            if current is None:
                msg = f"{source} has no version"
                raise Halt(msg)
            export = app.settings.exports / source / str(current.as_of)
            build(app.snapshots, source, export, current.as_of)


def watch(_: str) -> None:
    """The ledger is told what the answers are decided by; also by a configuration of which a part cannot be read."""
    with App.open("campaign") as app:
        watch_configuration(app)


def destroy(_: str) -> None:
    """Retention, as of a day on which all that ended is past its time."""
    with App.open("campaign") as app:
        retention.run(App(app.settings, app.register, lambda: app.now() + _LATER))


DUTIES: Final[dict[str, Callable[[str], None]]] = {
    each.__name__: each for each in (batch, decide, propose, approve, issue, snapshots, watch, destroy)
}


def work(duty: str, batch_id: str, fatal: int) -> dict[str, Any]:
    """In the forked process: does it; how it ended, and how many audit events there were."""
    count, last = itertools.count(1), 0

    def see(_event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal last
        last = next(count)
        if last == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    failures("request", {"rows": 1, "rows_in_manifest": 1, "unreadable_share": 0})  # imports are no side effects
    try:
        with outcome():
            sys.addaudithook(see)
            DUTIES[duty](batch_id)
    except typer.Exit as ended:
        return {"code": ended.exit_code, "events": last}
    return {"code": 0, "events": last}


def forked(duty: str, batch_id: str, fatal: int, after: float) -> dict[str, Any]:
    """Does it in a process of its own, killed as the rules say; what the process wrote is what it said."""
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(tells, 1)
        os.dup2(tells, 2)
        code = 99
        try:
            ended = work(duty, batch_id, fatal)
            sys.stdout.write(f"\n{json.dumps(ended)}\n")
            code = ended["code"]
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(tells)
    said = _read(told, pid, after)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    *words, last = said.strip().splitlines() or [""]
    if status >= 0 and last.startswith('{"code"'):
        return json.loads(last) | {"said": "\n".join(words)}  # type: ignore[no-any-return]
    return {"code": status, "events": 0, "said": said}


def _read(told: int, pid: int, after: float) -> str:
    """All that the process writes until it ends; it is killed when the time is over."""
    with open(told, "rb", buffering=0) as stream:
        if after and not select.select([stream], [], [], after)[0]:
            os.kill(pid, signal.SIGKILL)
        return stream.read().decode(errors="replace")


def main() -> None:
    request.BYTES_IN_PART = BYTES_IN_PART  # type: ignore[misc]  # rows in parts, as those of a big batch
    if threading.active_count() > 1:
        msg = f"what these threads hold would be held for ever in a forked process: {threading.enumerate()}"
        raise RuntimeError(msg)
    for line in sys.stdin:
        asked = json.loads(line)
        ended = forked(asked["duty"], asked["batch"], asked["fatal"], asked["after"])
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
