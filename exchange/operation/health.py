"""Is this installation healthy: the table of checks, each with an end of its own.

Rules
- A check that does not end in time is itself a finding, and is not begun again while it hangs: a dead network disk
  gathers no threads. A check that breaks is a finding, too: nothing here ends with an error.
- ``SERVING``: what a server needs in order to answer by itself; that others of the office are down must not take it
  out of a load balancer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from exchange.app import App
from exchange.base.errors import ExchangeError, kind_and_place
from exchange.operation import office, reporting
from exchange.operation.finding import Condition, HealthFinding, failing
from exchange.register import LedgerKey, Register
from exchange.register.database import Timeouts, open_engine
from exchange.settings import Settings

Check = Callable[[App], Iterator[HealthFinding]]

CHECKS: Final[Mapping[str, Check]] = {
    "database": office.database,
    "writing": office.writing,
    "disk": office.disk,
    "snapshots": office.snapshots,
    "duties": office.duties,
    "batches": office.batches,
    "releases": office.releases,
    "messages": reporting.messages,
    "reports": reporting.reports,
    "ledger": office.ledger,
    "certificates": office.certificates,
    "backup": office.backup,
    "clock": office.clock,
    "encryption": office.encryption,
    "logs": office.logs,
}
SERVING: Final = ("database", "disk")
_KEPT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Checked:
    """What one check found, the worst finding deciding."""

    name: str
    findings: tuple[HealthFinding, ...]
    seconds: float

    @property
    def condition(self) -> Condition:
        """The worst of its findings."""
        return max(
            (finding.condition for finding in self.findings), key=lambda condition: condition.rank, default=Condition.OK
        )


def worst(checked: Iterable[Checked]) -> Condition:
    """The worst condition of these checks; ok of none."""
    return max((check.condition for check in checked), key=lambda condition: condition.rank, default=Condition.OK)


def open_quickly(config: Path | None = None) -> App:
    """The office of the settings that the environment names, for one look."""
    return quick(Settings.load(config))


def quick(settings: Settings) -> App:
    """The office for looks alone: a database that does not answer is given up early, and nothing is cleaned up."""
    seconds = max(1, int(settings.health.check_seconds))
    timeouts = Timeouts(seconds, seconds, seconds, seconds, seconds, seconds)
    key = LedgerKey(settings.keys.register_key, settings.keys.register_public)
    register = settings.register_
    return App(settings, Register(open_engine(register.url, register.password_file, key, timeouts), "health"))


@dataclass
class Health:
    """The checks of one office; ``checks`` by name. One object serves a process: it knows which checks still hang."""

    app: App
    checks: Mapping[str, Check] = field(default_factory=lambda: CHECKS)

    def __post_init__(self) -> None:
        self._running: dict[str, Future[tuple[HealthFinding, ...]]] = {}
        self._lock = Lock()
        self._served = Condition.OK
        self._served_at: float | None = None

    def look(self, names: Iterable[str] | None = None) -> list[Checked]:
        """Runs these checks (all) side by side; ends within ``check_seconds`` of the settings."""
        begun = time.monotonic()
        chosen = list(self.checks if names is None else names)
        running = {name: self._begun(name) for name in chosen}
        end = begun + self.app.settings.health.check_seconds
        return [self._ended(name, future, begun, end) for name, future in running.items()]

    def serving(self) -> bool:
        """Whether nothing that a server needs is failing; looked at again after some seconds, however often asked."""
        with self._lock:
            if self._served_at is None or time.monotonic() - self._served_at > _KEPT_SECONDS:
                self._served = worst(self.look(SERVING))
                self._served_at = time.monotonic()
            return self._served is not Condition.FAILING

    def _begun(self, name: str) -> Future[tuple[HealthFinding, ...]]:
        before = self._running.get(name)
        if before is not None and not before.done():
            return before
        future = self._running[name] = Future()
        Thread(target=_run, args=(self.checks[name], self.app, future), name=f"health-{name}", daemon=True).start()
        return future

    def _ended(self, name: str, future: Future[tuple[HealthFinding, ...]], begun: float, end: float) -> Checked:
        try:
            findings = future.result(max(0.0, end - time.monotonic()))
        except TookTooLong:
            limit = self.app.settings.health.check_seconds
            findings = (failing(f"{limit:.0f} 秒内没有结果", f"no answer within {limit:.0f} s"),)
        return Checked(name, findings, time.monotonic() - begun)


def _run(check: Check, app: App, future: Future[tuple[HealthFinding, ...]]) -> None:
    try:
        future.set_result(tuple(check(app)))
    except ExchangeError as error:
        future.set_result((failing(error.zh or f"{error}", f"{error}"),))
    except Exception as error:  # the messages of libraries quote values
        kind_of_error = kind_and_place(error)
        future.set_result((failing(f"检查出错：{kind_of_error}", f"the check itself broke: {kind_of_error}"),))
