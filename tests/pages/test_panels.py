"""Each panel of the dashboard beside another place that shows or holds the same, at one moment of one office.

The rule is over all panels: one that is added has its other place named here, or the test fails.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exchange.app import App
from exchange.base.duty import COLLECT, LOOKOUT, VERIFY, Duties, look_at
from exchange.base.paths import ROOT
from exchange.base.tables import NOTICES, SOURCES
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner
from exchange.operation.health import Health
from exchange.register.states import OPEN
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records, release_of

PARTNER = "court-changchun"
PERIOD = ("monthly", "2026-10", "")
DAY = 86_400
MINUTE = 60.0
OTHERS = ("collect", "lookout", "releases", "watch", "retention", "backup")
ANSWERED = """
SELECT 'all', count(*) FROM ledger l JOIN batch b ON b.id = l.batch_id
WHERE b.stage IS NULL AND l.from_state = 'sealed' AND l.to_state = 'delivered'
"""
OLDEST = """
SELECT replace(state, 'sealed', 'prepared'), extract(epoch FROM now() - min(received_at)) FROM batch
WHERE stage IS NULL AND state NOT IN ('closed', 'refused') GROUP BY state
"""
QUEUE = """
SELECT r.division || ',open', count(*) FROM review r JOIN batch b ON b.id = r.batch_id
WHERE b.stage IS NULL AND b.state NOT IN ('closed', 'refused') AND r.state = 'open' GROUP BY 1
"""


class Told:
    """The metrics as the page gives them."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = [(each.name, each.labels, each.value) for family in families for each in family.samples]

    def find(self, selector: str) -> dict[str, float]:
        """What a selector of PromQL's finds: the values of the labels, joined, → value."""
        name, _, matchers = selector.rstrip("}").partition("{")
        asked = re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers)
        return {
            ",".join(labels.values()): value
            for named, labels, value in self.samples
            if named == name and all(_fits(labels[label], how, said) for label, how, said in asked)
        }


def _fits(value: str, how: str, said: str) -> bool:
    return (re.fullmatch(said, value) is not None if "~" in how else value == said) != how.startswith("!")


def panels() -> list[str]:
    dashboard = json.loads((ROOT / "docker" / "monitoring" / "dashboard.json").read_text("utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.fixture
def something_of_each(app: App, officer: App, education: DemoPartner, asked: pl.DataFrame) -> Iterator[None]:
    """Rows with an officer, a release with a leader, a set that has not come, one that lacks something, duties."""
    asked_of_records(officer, education, asked)
    release_of(officer, education, asked)
    app.register.missing.notice(PARTNER, PERIOD, date(2026, 11, 5), app.now())
    app.register.unfinished.see(PARTNER, f"{PARTNER}.half", "-", next(iter(NOTICES)), app.now())
    duties = Duties.of_home(app.settings.home)
    for duty, said in ((LOOKOUT, ""), (VERIFY, "12"), (COLLECT, "3"), (look_at(PARTNER), "")):
        duties.done(duty, said)
    yield
    app.register.unfinished.finished(PARTNER, [])
    app.register.missing.arrived(PARTNER, PERIOD, app.now())


def one(value: float) -> dict[str, float]:
    return {"": value}


class Elsewhere:
    """The same by another way: the pages' HTML, the register's rows, the disk."""

    def __init__(self, pages: Pages, app: App) -> None:
        self.pages, self.app, self.now = pages, app, app.now()
        self.board = pages.get("op", "/board?page=1")[1]

    def filtered(self, name: str, value: str) -> float:
        text = self.pages.get("op", f"/board?{name}={value}")[1]
        return float(re.findall(r"Open batches</span> · ([\d,]+)", text)[0].replace(",", ""))

    def listed(self, kind: str) -> float:
        return float(len(re.findall(rf'<td>[^<]*<span lang="en">{kind}</span></td>', self.board)))

    def rows(self, statement: str) -> dict[str, float]:
        with self.app.register.engine.connect() as connection:
            return {str(key): float(value) for key, value in connection.exec_driver_sql(statement)}

    def duties(self, *names: str) -> dict[str, float]:
        """Seconds since these files were written."""
        folder = self.app.settings.home / "duty"
        return {
            each: self.now.timestamp() - (folder / each).stat().st_mtime for each in names if (folder / each).exists()
        }

    def shown(self, words: str) -> str:
        """What stands at the end of the board's line of *Standing* that says this."""
        found = re.search(rf'{words}(?:(?!</dd>).)*<span class="since">([^<]+)</span></dd>', self.board)
        assert found is not None, words
        return found[1]


@pytest.mark.usefixtures("something_of_each")
def test_each_panel_says_what_the_office_says_elsewhere(pages: Pages, app: App) -> None:
    told, there = Told(pages.get("op", "/metrics")[1]), Elsewhere(pages, app)
    today = office_day(there.now)
    answered = there.rows(ANSWERED)["all"]
    ages = {
        each.code: float((today - date.fromisoformat(there.shown(f"{each.zh}：\\d+ 天"))).days * DAY)
        for each in SOURCES.values()
        if app.snapshots.current(each.code)
    }
    room = shutil.disk_usage(app.settings.home).free
    same: dict[str, tuple[dict[str, float], float]] = {
        'exchange_batches{state!~"closed|refused"}': (
            {state.name.lower(): there.filtered("state", state.value) for state in OPEN}, 0),
        'exchange_batches_due{urgency=~"late|today|at_risk|paused"}': (
            {name: there.filtered("urgency", name) for name in ("late", "today", "at_risk", "paused")}, 0),
        "exchange_oldest_open_seconds": (
            there.rows(OLDEST), MINUTE),
        'exchange_review_rows{state="open"}': (
            there.rows(QUEUE), 0),
        "exchange_missing_sets": (one(there.listed("has not come")), 0),
        "exchange_unfinished_sets": (one(there.listed("incomplete set")), 0),
        "exchange_unmoved_batches": (one(float("没有停滞的批次" not in there.board)), 0),
        "exchange_unsent_releases": (one(there.listed("approved, not sent")), 0),
        "exchange_snapshot_age_seconds": (ages, 0),
        "exchange_snapshot_limit_seconds": (
            {each.code: each.max_age_days * DAY for each in SOURCES.values()}, 0),
        'exchange_duty_age_seconds{duty!="verify"}': (there.duties(*OTHERS), MINUTE),
        'exchange_duty_age_seconds{duty="verify"}': (there.duties("verify"), MINUTE),
        "exchange_poll_troubles": (one(3), 0),
        "exchange_disk_free_bytes": (one(room), room / 20),
        "exchange_ledger_lines": (one(there.rows("SELECT 'all', count(*) FROM ledger")["all"]), 0),
        "exchange_ledger_sound": (one(float("登记簿 12 行，核对无误" in there.board)), 0),
        "exchange_health": ({each.name: each.condition.rank for each in Health(app).look()}, 0),
    }  # fmt: skip
    for expression, (said, within) in same.items():
        found = told.find(expression)
        assert said, expression
        assert found == pytest.approx(said, abs=within), expression

    looks = told.find("exchange_partner_look_age_seconds")
    assert looks[PARTNER] == pytest.approx(there.duties(look_at(PARTNER))[look_at(PARTNER)], abs=MINUTE)
    releases = told.find("exchange_releases")
    assert releases["proposed"] == len(re.findall('<a href="[^"]*/approval/', pages.get("leader", "/approval")[1])) >= 1
    first = min(told.find("exchange_certificate_seconds").values())
    shown = date.fromisoformat(there.shown("天内到期"))
    assert first == (shown - today).days * DAY
    assert sum(told.find("exchange_answer_seconds_count").values()) == answered >= 2
    for lane, count in told.find("exchange_answer_seconds_count").items():
        assert told.find(f'exchange_answer_seconds_bucket{{lane="{lane}",le="+Inf"}}') == {f"{lane},+Inf": count}
    absent = [value for value in told.find("exchange_snapshot_present").values() if not value]
    assert there.board.count("no snapshot is in use") == len(absent)
    assert 0 < told.find("exchange_disk_free_inodes_ratio")[""] <= 1
    assert abs(told.find("exchange_metrics_written_seconds")[""] - there.now.timestamp()) < MINUTE
    assert sum(told.find("exchange_metrics_incomplete").values()) == 0
    by_hand = {
        "exchange_partner_look_age_seconds",
        "exchange_releases",
        "exchange_certificate_seconds",
        "histogram_quantile(0.5, sum by (le, lane) (rate(exchange_answer_seconds_bucket[1h])))",
        "histogram_quantile(0.95, sum by (le, lane) (rate(exchange_answer_seconds_bucket[1h])))",
        "sum by (lane) (increase(exchange_answer_seconds_count[1h]))",
        "count(exchange_snapshot_present == 0) or vector(0)",
        "exchange_disk_free_inodes_ratio",
        "time() - exchange_metrics_written_seconds",
        "sum(exchange_metrics_incomplete)",
    }
    assert set(panels()) == same.keys() | by_hand
