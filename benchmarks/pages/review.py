"""``python -m benchmarks.pages.review``: an officer decides rows of a large batch in a real Chromium, by keyboard,
while another batch as large is in process.

Rules
- The pages' own server, a real PostgreSQL and SFTP server, an invented province of 100,000 people; no Airflow.
- *Deciding* is from the key that sends the decision until the browser asks for the next row, *opening* from then until
  that row's page is loaded whole, style and script with it: both by the browser's own clock.
- A key is what an officer presses: the proposal, then the decision; where nothing is proposed for a column, one more.
- How much of the time another batch was in process is counted from the register, and told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer

from benchmarks.adhoc.annual import share_covered
from benchmarks.adhoc.client import connected
from benchmarks.adhoc.page import percentile_95
from benchmarks.adhoc.sets import Desk
from benchmarks.adhoc.world import let_education_send_csv
from benchmarks.pages.serving import served
from benchmarks.pipeline.office import let_all_leave
from exchange import pipeline
from exchange.app import App
from exchange.base.paths import ROOT
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import Review, ReviewFilter, ReviewState, State

LOGIN: Final = "officer"
REASON: Final = "archive"
_HOUR: Final = 3600
_MOMENTS: Final = 3
_LOADED: Final = """
new Promise((go) => {
  const told = () => {
    const { loadEventEnd } = performance.getEntriesByType("navigation")[0];
    if (!loadEventEnd) { setTimeout(told, 5); return; }
    addEventListener("keydown", (event) => {
      if (event.key === "Enter") sessionStorage.setItem("sent", String(performance.timeOrigin + performance.now()));
    }, { capture: true });
    go([Number(sessionStorage.getItem("sent")), performance.timeOrigin, performance.timeOrigin + loadEventEnd]);
  };
  told();
})
"""
"""When the key was pressed on the page before, when this page was asked for, and when it was there; in milliseconds."""
_WHOLE: Final = """
[...document.querySelectorAll("fieldset.column")].filter((each) => !each.querySelector("input:checked"))
  .map((each) => each.querySelector("input").click()).length
"""
"""Answers each column for which nothing is proposed; how many."""


def main(
    rows: Annotated[int, typer.Option(help="rows of the batch that is decided, and of each beside it")] = 1_000_000,
    decide: Annotated[int, typer.Option(help="how many rows are decided")] = 60,
    beside: Annotated[int, typer.Option(help="so many batches as large are run beside, one after the other")] = 2,
    world: Annotated[Path, typer.Option(help="an empty folder")] = Path("var/bench/review"),
) -> None:
    """Prints what a row takes."""
    place = World(world.resolve())
    try:
        place.build(lambda _: None)
        let_education_send_csv(place)
        let_all_leave(place.config)
        with App.open("bench", place.config) as app:
            batch, others = prepared(app, place, rows, beside)
            wanted = heap(app, batch, decide + 1)
            waiting = sum(app.register.reviews.count(batch).values())
            print(f"{batch}: {rows:,} rows, {waiting:,} for officers", flush=True)
            with served(app) as url, in_process(app, place, others):
                begin = time.time()
                gave = driven(f"{url}/review", steps(wanted))
                end = time.time()
            tell(gave, len(wanted))
            share = share_covered(spans(app, others), begin, end)
            print(f"another batch of {rows:,} rows was in process for {share:.0%} of the {end - begin:.0f} s;", end=" ")
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)
            decided = app.register.reviews.among(batch, [review.row for review in wanted])
            must(sum(each.state is ReviewState.DECIDED for each in decided) == decide, "not all were decided")
    finally:
        place.stop_servers()
        place.postgres.remove()


def prepared(app: App, place: World, rows: int, beside: int) -> tuple[str, list[str]]:
    """An answered batch of so many rows, and others that lie in the partner's folder; their ids."""
    desk = Desk(place)
    made = [next_set for next_set, _ in zip(desk.annual(rows), range(beside + 1), strict=False)]
    with connected(desk.education) as client:
        client.put(made[0].files)
    poll(app)
    must(pipeline.run(app, made[0].batch), "the batch was refused")
    with connected(desk.education) as client:
        for each in made[1:]:
            client.put(each.files)
    return made[0].batch, [each.batch for each in made[1:]]


def heap(app: App, batch: str, least: int) -> list[Review]:
    """The first rows of the batch's largest heap, so many."""
    waiting = app.register.reviews.find(ReviewFilter(batch=batch))
    causes, there = Counter(review.causes for review in waiting).most_common(1)[0]
    if there < least:
        sys.exit(f"{there} rows for {causes}: more rows are needed for {least}")
    return [review for review in waiting if review.causes == causes][:least]


@contextmanager
def in_process(app: App, place: World, batches: Sequence[str]) -> Iterator[None]:
    """These batches are run in a process of its own, the first of them already when the block begins."""
    if not batches:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.pages.beside", str(place.config), *batches]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            must(wait_for(lambda: state(app, batches[0]) == State.ACCEPTED, 600), "nothing was run beside in time")
            yield
        finally:
            process.terminate()


def state(app: App, batch: str) -> str | None:
    found = app.register.find_batch(batch)
    return found.state if found else None


def spans(app: App, batches: Sequence[str]) -> list[tuple[float, float]]:
    """From claim to delivery of those that were run, in seconds of the wall clock."""
    known = [each for each in batches if app.register.find_batch(each)]
    told = [{step.to_state: step.at.timestamp() for step in app.register.transitions(each)} for each in known]
    return [(each[State.ACCEPTED], each.get(State.DELIVERED, float("inf"))) for each in told if State.ACCEPTED in each]


def steps(wanted: Sequence[Review]) -> list[dict[str, Any]]:
    """Of all rows but the last, which is only opened: shown, proposal, decision."""
    batch, causes = wanted[0].batch, ";".join(wanted[0].causes)
    taken: list[dict[str, Any]] = [
        {"do": "select", "at": ".next select[name=only]", "value": batch},
        {"do": "select", "at": ".next select[name=causes]", "value": causes},
        {"do": "click", "at": ".next button"},
    ]
    for number, review in enumerate(wanted):
        taken += [{"do": "wait", "at": "h1", "text": f"{batch} · 第 {review.row} 行"}, run(_LOADED)]
        if number < len(wanted) - 1:
            taken += [{"do": "press", "key": "p"}, run(_WHOLE)]
            taken += [{"do": "select", "at": "select[name=reason]", "value": REASON}] if number == 0 else []
            taken += [{"do": "press", "key": "Enter", "held": "Control"}]
    return taken


def run(script: str) -> dict[str, Any]:
    return {"do": "evaluate", "script": script.strip()}


def driven(page: str, taken: Sequence[dict[str, Any]]) -> list[Any]:
    """What each step gave, of ``desk/test/browser.mjs`` (``make desk-packages``)."""
    given = {"page": page, "downloads": "/tmp", "headers": {"x-login": LOGIN}, "steps": taken, "limit": _HOUR * 1000}  # noqa: S108
    command = ["node", str(ROOT / "desk" / "test" / "browser.mjs")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=_HOUR, check=False)
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    told: dict[str, list[Any]] = json.loads(done.stdout)
    return told["gave"]


def tell(gave: Sequence[Any], rows: int) -> None:
    """A line for each figure."""
    moments = [each for each in gave if isinstance(each, list) and len(each) == _MOMENTS]
    more = [each for each in gave if isinstance(each, int)]
    must((len(moments), len(more)) == (rows, rows - 1), "not every row was shown")
    line("opening a row", [there - asked for _, asked, there in moments[1:]])
    line("deciding a row", [asked - sent for sent, asked, _ in moments[1:]])
    line("from the key to the next row", [there - sent for sent, _, there in moments[1:]])
    keys = [2 + each for each in more]
    print(f"{'keys a row':30} median {median(keys):.0f}, at most {max(keys)}; and the reason of the first", flush=True)


def must(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(otherwise)


def line(what: str, took: Sequence[float]) -> None:
    print(
        f"{what:30} median {median(took):5.0f} ms, 95th percentile {percentile_95(list(took)):5.0f} ms, "
        f"at most {max(took):5.0f} ms, {len(took)} rows",
        flush=True,
    )


if __name__ == "__main__":
    typer.run(main)
