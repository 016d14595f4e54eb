"""The plugin of the process that tries the changes: tests are collected once and run in it, change after change.

Rules
- First every test runs without a change: which functions it calls, how long it takes. One that fails takes no part.
- A change is tried on the tests that call its function, the one first that noticed the change before, then the quick
  ones, until they have taken ``seconds``; the first that fails has noticed it. It counts once that test passes again
  without the change: else something was left behind, and the process ends, to be begun anew by ``__main__``.
- What fixtures of a file hold is made anew for each change; what fixtures of the whole run hold (a server) is not.
- Properties take the same examples each time, and are not shrunk.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import pytest

from tests.mutate.sources import Sources
from tests.mutate.switch import NOW, cache, forget

JOB: Final = json.loads(Path(os.environ["MUTATE_JOB"]).read_text(encoding="utf-8"))
"""``changed``: module → code; ``mutants``: [module, function, change], ...; ``told``: the file that is written;
``seconds``: of the tests that one change is tried on, as they take without it.
"""

QUICK: Final = 0.5
"""Seconds of a test that is tried first because it noticed another change of the function."""

LIMIT: Final = 60
"""Seconds for one test with a change, which may never end."""

SOURCES: Final = Sources(JOB["changed"])
functools.cache = cache  # type: ignore[assignment]  # before anything of ours is imported
sys.meta_path.insert(0, SOURCES)


class _Trial:
    def __init__(self) -> None:
        self.failed: str | None = None
        self.stopped = False
        self.calls: dict[pytest.Item, frozenset[str]] = {}
        self.prepared: dict[Path, set[str]] = defaultdict(set)
        self.seconds: dict[pytest.Item, float] = {}
        self.noticed: dict[str, pytest.Item] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        import hypothesis

        hypothesis.settings.register_profile(
            "changes",
            hypothesis.settings(),
            derandomize=True,
            database=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            report_multiple_bugs=False,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("changes")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Without a trace: nobody reads it, and it takes longer than most tests."""
        skipped = call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception)
        outcome: Any = "passed" if call.excinfo is None else "skipped" if skipped else "failed"
        if outcome == "failed" and call.excinfo is not None:
            self.failed = self.failed or call.excinfo.typename
        if call.when == "setup":
            self.prepared[item.path] |= set(NOW.called)
            NOW.called = []
        reason: Any = (str(item.path), 0, "") if skipped else None
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, reason, call.when)  # type: ignore[arg-type]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None  # while they were collected; pytest says so
        with Path(JOB["told"]).open("a", encoding="utf-8", buffering=1) as told:
            for line in self._all(session):
                told.write(json.dumps(line, ensure_ascii=False) + "\n")
        return True

    def _all(self, session: pytest.Session) -> Iterator[dict[str, object]]:
        for item, following in _in_turn(session.items, _elsewhere(session, session.items)):
            NOW.called, begun = [], time.process_time()
            failed = self._run(item, following)
            if failed is not None:
                yield {"fails": str(item.nodeid), "by": failed}
                continue
            self.calls[item], self.seconds[item] = frozenset(NOW.called), time.process_time() - begun
            yield {"passes": str(item.nodeid)}
        for item in self.calls:
            item.add_marker(pytest.mark.timeout(LIMIT))
        for module, function, change in JOB["mutants"]:
            yield {"begun": f"{module}.{change}"}
            begun = time.process_time()
            how, by = self._try(session, module, function, change)
            yield {"mutant": f"{module}.{change}", "how": how, "by": by, "seconds": time.process_time() - begun}
            if how == "left behind":
                return

    def _try(self, session: pytest.Session, module: str, function: str, change: str) -> tuple[str, str | None]:
        name = f"{module}.{function}"
        anew = SOURCES.made_on_the_way(name)
        chosen = self._chosen(name, anew)
        if not chosen:
            return "not called", None
        forget(name, anew)
        NOW.switch(module, change)
        by: pytest.Item | None = None
        try:
            SOURCES.run_again(anew)
            for item, following in _in_turn(chosen, _elsewhere(session, chosen)):
                NOW.called = []
                if self._run(item, following) is not None:
                    by = item
                    break
        except Exception as error:  # while a module was run again
            return "killed", type(error).__name__
        finally:
            NOW.switch("", "")
            forget(name, anew)
            SOURCES.run_again(anew)
            if by is not None:
                session._setupstate.teardown_exact(_elsewhere(session, [by]))
        if by is None:
            return "survived", None
        self.noticed[name] = by
        if self._run(by, _elsewhere(session, [by])) is not None:
            return "left behind", str(by.nodeid)
        return "killed", str(by.nodeid)

    def _chosen(self, function: str, anew: Sequence[str]) -> list[pytest.Item]:
        """The tests that call it, or anything of the modules that are run again; file by file, the quick ones first."""
        modules = tuple(f"{each}." for each in anew)

        def is_called(calls: Iterable[str]) -> bool:
            return any(each == function or each.startswith(modules) for each in calls)

        files = {path for path, calls in self.prepared.items() if is_called(calls)}
        chosen = [item for item, calls in self.calls.items() if item.path in files or is_called(calls)]
        of_file: dict[Path, list[float]] = defaultdict(list)
        for item in chosen:
            of_file[item.path].append(self.seconds[item])
        chosen.sort(key=lambda item: (fmean(of_file[item.path]), str(item.path), self.seconds[item]))
        taken = list(accumulate(self.seconds[item] for item in chosen))
        chosen = chosen[: 1 + bisect_right(taken, JOB["seconds"])]
        first = self.noticed.get(function)
        if first is None or self.seconds[first] > QUICK:
            return chosen
        return [first, *[item for item in chosen if item is not first]]

    def stop(self, *_: object) -> None:
        """The test that runs ends as it would: an exception in the midst of it could be taken for its failure."""
        self.stopped = True

    def _run(self, item: pytest.Item, following: pytest.Item | None) -> str | None:
        """The name of what it fails with."""
        self.failed = None
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        if self.stopped:
            raise KeyboardInterrupt
        return self.failed


def _in_turn(
    items: Sequence[pytest.Item], last: pytest.Item | None
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    yield from zip(items, [*items[1:], last], strict=True)


def _elsewhere(session: pytest.Session, items: Sequence[pytest.Item]) -> pytest.Item | None:
    """A test of another file, which shares no more than the whole run's fixtures; None where there is but one file."""
    path = items[-1].path if items else None
    return next((item for item in session.items if item.path != path), None)


def pytest_configure(config: pytest.Config) -> None:
    trial = _Trial()
    for each in (signal.SIGINT, signal.SIGTERM):  # also where it was begun as nohup's
        signal.signal(each, trial.stop)
    config.pluginmanager.register(trial, "changes")
