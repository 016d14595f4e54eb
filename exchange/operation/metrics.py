"""The metrics of an installation in Prometheus' text form.

Rule: a group of metrics that fails is left out and named in ``exchange_metrics_incomplete``; the others are reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from exchange.app import App
from exchange.base.duty import ALTERED, BACKUP, COLLECT, LOOKOUT, RELEASES, RETENTION, VERIFY, WATCH, Duties, look_at
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.operation import machine
from exchange.operation.catalog import CATALOG, HISTOGRAM
from exchange.operation.health import Health
from exchange.operation.latency import BOUNDS, latencies
from exchange.operation.office import days_left, partner_days, written_to
from exchange.register.board import open_lines
from exchange.register.counts import counts
from exchange.register.states import State
from exchange.register.unmoved import unmoved
from exchange.steps.release import stuck
from exchange.supervision.today import Urgency, picture
from exchange.watch.deadlines import dues_of, pauses_of
from exchange.watch.lacking import live_of, missing_now

DAY: Final = 86_400
Sample = tuple[str, tuple[str, ...], float]
"""Name, the values of its labels, value."""


def exposition(health: Health) -> bytes:
    """Prometheus' text form (version 0.0.4) of everything in the catalog."""
    registry = CollectorRegistry()
    registry.register(_Office(health))
    return generate_latest(registry)


class _Office(Collector):
    def __init__(self, health: Health) -> None:
        self.health = health

    def describe(self) -> Iterable[Family]:
        return ()

    def collect(self) -> Iterator[Family]:
        app = self.health.app
        samples, incomplete = list(_checks(self.health)), []
        for name, part in _PARTS.items():
            try:
                samples += list(part(app))
            except Exception:  # one group that fails must not take the others with it
                incomplete.append(name)
        samples += [("exchange_metrics_incomplete", (name,), float(name in incomplete)) for name in _PARTS]
        samples.append(("exchange_metrics_written_seconds", (), app.now().timestamp()))
        yield from _families(samples)
        yield from _histogram(app)


def _families(samples: Iterable[Sample]) -> Iterator[Family]:
    families = {
        name: GaugeMetricFamily(name, metric.help, labels=metric.labels)
        for name, metric in CATALOG.items()
        if name != HISTOGRAM
    }
    for name, labels, value in samples:
        families[name].add_metric(labels, value)
    yield from families.values()


def _histogram(app: App) -> Iterator[Family]:
    family = HistogramMetricFamily(HISTOGRAM, CATALOG[HISTOGRAM].help, labels=CATALOG[HISTOGRAM].labels)
    try:
        by_lane = latencies(app)
    except Exception:  # as above; a histogram that is not there is seen by its absence
        return
    for lane, times in by_lane.items():
        total, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), times.buckets, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric((lane,), buckets, times.seconds)
    yield family


def _checks(health: Health) -> Iterator[Sample]:
    for check in health.look():
        yield "exchange_health", (check.name,), check.condition.rank


def _register(app: App) -> Iterator[Sample]:
    counted, now = counts(app.register.engine), app.now()
    for state in State:
        yield "exchange_batches", (state.name.lower(),), counted.batches.get(state, 0)
    for state, oldest in counted.oldest.items():
        yield "exchange_oldest_open_seconds", (state.name.lower(),), (now - oldest).total_seconds()
    for labels, rows in counted.reviews.items():
        yield "exchange_review_rows", labels, rows
    for name, count in counted.releases.items():
        yield "exchange_releases", (name,), count
    yield "exchange_missing_sets", (), len(missing_now(app))
    live = live_of(app, counted.unfinished_sets)
    yield "exchange_unfinished_sets", (), sum(number for of, number in counted.unfinished_sets.items() if of in live)
    yield "exchange_ledger_lines", (), counted.ledger_lines
    span = timedelta(minutes=app.settings.health.unmoved_minutes)
    yield "exchange_unmoved_batches", (), len(unmoved(app.register.engine, now, span))
    yield "exchange_unsent_releases", (), len(stuck(app))


def _due(app: App) -> Iterator[Sample]:
    policy, lines = app.settings.policy, open_lines(app.register.engine)
    batches, today = [(line.batch, line.stops) for line in lines], office_day(app.now())
    open_batches = picture(
        dues_of(app, batches),
        {},
        today,
        lambda division: division,
        paused=pauses_of(batches),
        half=policy.warn_half,
        days=policy.warn_days,
    )
    by_urgency = Counter(line.urgency for line in open_batches)
    for urgency in Urgency:
        yield "exchange_batches_due", (urgency.name.lower(),), by_urgency[urgency]


def _sources(app: App) -> Iterator[Sample]:
    today = office_day(app.now())
    for source in SOURCES.values():
        current = app.snapshots.current(source.code)
        yield "exchange_snapshot_present", (source.code,), float(current is not None)
        yield "exchange_snapshot_limit_seconds", (source.code,), source.max_age_days * DAY
        if current is not None:
            yield "exchange_snapshot_age_seconds", (source.code,), (today - current.as_of).days * DAY


def _certificates(app: App) -> Iterator[Sample]:
    keys = app.settings.keys
    own = [days_left(app, path) for path in (keys.signing_certificate, keys.decryption_certificate)]
    for owner, days in (("office", min(own, key=lambda left: -1 if left is None else left)), *partner_days(app)):
        yield "exchange_certificate_seconds", (owner,), -1 if days is None else days * DAY


def _disk(app: App) -> Iterator[Sample]:
    free, inodes = machine.room(*written_to(app))
    yield "exchange_disk_free_bytes", (), free
    yield "exchange_disk_free_inodes_ratio", (), inodes


def _duties(app: App) -> Iterator[Sample]:
    duties, now = Duties.of_home(app.settings.home), app.now()
    for duty in (COLLECT, LOOKOUT, RELEASES, WATCH, RETENTION, VERIFY, BACKUP):
        if (last := duties.last(duty)) is not None:
            yield "exchange_duty_age_seconds", (duty,), (now - last.at).total_seconds()
    for path in app.agreement_files():
        if (last := duties.last(look_at(path.stem))) is not None:
            yield "exchange_partner_look_age_seconds", (path.stem,), (now - last.at).total_seconds()
    if (last := duties.last(COLLECT)) is not None and last.summary.isdecimal():
        yield "exchange_poll_troubles", (), int(last.summary)
    if (last := duties.last(VERIFY)) is not None:
        yield "exchange_ledger_sound", (), float(last.summary != ALTERED)


_PARTS: Final[Mapping[str, Callable[[App], Iterator[Sample]]]] = {
    "register": _register,
    "due": _due,
    "snapshots": _sources,
    "certificates": _certificates,
    "disk": _disk,
    "duties": _duties,
}
