"""``python -m benchmarks.years``: what is asked by the clock, and by pages, over a register of five years: processor
time, ours and PostgreSQL's, and questions. Made once in ``WORLD`` (some minutes), then kept for another run.

Environment: ``PARTNERS`` (300), ``ENDED`` (60,000) batches of 1,825 days, ``OPEN`` (3,000) with ten rows in the queue
each; ``WORLD`` (var/bench-years).

Rule: processor time, since by the clock it is the machine's other work that one sees; each thing is done twice, and the
second time counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import event

from benchmarks.pages.serving import served
from benchmarks.workers.load import processor_seconds
from benchmarks.years.office import office
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.operation.verification import tonights
from exchange.register.statistics import lines
from exchange.register.unmoved import unmoved
from exchange.register.waiting import open_rows
from exchange.retention import due
from exchange.status.facts import status_of
from exchange.supervision.month import month_before
from exchange.supervision.months import last_months, statistics_of_months
from exchange.watch.assessments import watch_assessments
from exchange.watch.lacking import missing_now

BUSY: Final = "p0000"


def _month(app: App) -> object:
    month = month_before(app.now())
    return lines(app.register, month.start, month.end)


WORKS: Final[Mapping[str, Callable[[App], object]]] = {
    "minute: partners with a result that lies there": lambda app: app.register.pickups.partners(),
    "minute: rows that wait, and for whom": lambda app: (
        open_rows(app.register.engine),
        app.register.snapshots.of_delivered(),
    ),
    "minute: a busy partner's status file": lambda app: status_of(app, app.agreement(BUSY)),
    "ten minutes: what has not moved": lambda app: unmoved(app.register.engine, app.now(), timedelta(minutes=10)),
    "hour: due days that were missed": lambda app: app.register.alerts.missed("breach"),
    "hour: sets that lack": missing_now,
    "hour: assessments that end": watch_assessments,
    "night: what is past its time": due,
    "night: this night's part of the archive": lambda app: app.register.retention.not_destroyed(
        tonights(office_day(app.now()))
    ),
    "month: the report's lines": _month,
    "months side by side, the running one": lambda app: statistics_of_months(app, last_months(app.now(), 1)),
}
PAGES: Final = (("supervisor", "/board?page=1"), ("supervisor", "/supervision"), ("officer", "/review"),
    ("leader", "/approval"), ("supervisor", "/metrics"))  # fmt: skip


def measure(app: App, postgres: int, name: str, work: Callable[[], object]) -> None:
    """Does it twice, and prints a line of the second time."""
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    work()
    event.listen(app.register.engine, "before_cursor_execute", note)
    own, server = time.process_time(), processor_seconds({"all": [postgres]})["all"]
    work()
    own, server = time.process_time() - own, processor_seconds({"all": [postgres]})["all"] - server
    event.remove(app.register.engine, "before_cursor_execute", note)
    print(f"{name:48} own {own:6.2f} s, PostgreSQL's {server:6.2f} s, {len(asked):5} questions", flush=True)


def main() -> None:
    partners, ended, still_open = (
        int(os.environ.get(name, default))
        for name, default in (("PARTNERS", "300"), ("ENDED", "60000"), ("OPEN", "3000"))
    )
    folder = Path(os.environ.get("WORLD", "var/bench-years")).resolve()
    place = office(folder, partners, {"ended": ended, "open": still_open, "days": 1825, "rows": 10})
    (pid,) = folder.glob("postgres/**/postmaster.pid")
    postgres = int(pid.read_text("ascii").split()[0])
    try:
        with App.open("bench", place.world.config) as app:
            for name, work in WORKS.items():
                measure(app, postgres, name, lambda work=work: work(app))  # type: ignore[misc]
            with served(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=300) as client:
                for login, path in PAGES:
                    headers = {"x-login": login}
                    measure(app, postgres, path, lambda path=path, headers=headers: client.get(path, headers=headers))  # type: ignore[misc]
    finally:
        place.stop()


if __name__ == "__main__":
    main()
