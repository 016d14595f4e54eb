"""The metrics: all of the catalog and nothing else, no person and no batch; rules and dashboard name what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from exchange import pipeline
from exchange.app import App
from exchange.base.duty import COLLECT, LOOKOUT, VERIFY, WATCH, Duties, look_at
from exchange.base.paths import ROOT
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.operation.catalog import CATALOG, HISTOGRAM
from exchange.operation.health import Health, quick
from exchange.operation.latency import BOUNDS, Histogram, latencies
from exchange.operation.metrics import exposition
from exchange.register import Register
from exchange.register.database import Timeouts, open_engine
from exchange.settings_sections import HealthLimits

MONITORING = ROOT / "docker" / "monitoring"
PERSON = "220102199001011237"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there (Debian's package prometheus)")

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


@pytest.fixture(scope="module")
def health(world: World) -> Iterator[Health]:
    with App.open("metrics", world.config) as app:
        patient = app.settings.health.model_copy(update={"check_seconds": 60})
        with quick(app.settings.model_copy(update={"health": patient})) as office:
            yield Health(office)


@pytest.fixture
def answered(app: App, court: DemoPartner, ask: Callable[..., Request]) -> Request:
    """A small ad hoc set about somebody, all the way."""
    request = ask(data=f"row_ref,id_number,name,sex\nR1,{PERSON},某人,\n".encode())
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request


def test_all_of_the_catalog_and_no_person_and_no_batch(app: App, health: Health, answered: Request) -> None:
    duties = Duties.of_home(app.settings.home)
    for duty in (COLLECT, LOOKOUT, WATCH, VERIFY, look_at("court-changchun")):
        duties.done(duty, "3")
    text = exposition(health).decode()
    found = samples(text)
    assert {name for name, _ in found} - {f"{HISTOGRAM}_{part}" for part in ("bucket", "count", "sum")} <= set(CATALOG)
    assert value(found, "exchange_ledger_lines") > 3
    assert value(found, "exchange_poll_troubles") == 3
    assert value(found, "exchange_snapshot_present", source="population") == 1
    assert value(found, f"{HISTOGRAM}_count", lane="immediate") >= 1
    assert not [key for key, number in found.items() if key[0] == "exchange_metrics_incomplete" and number]
    for secret in (PERSON, "某人", answered.batch, *(person.id for person in app.settings.people)):
        assert secret not in text
    families = {family.name for family in text_string_to_metric_families(text)}
    assert families == set(CATALOG)


def test_labels_are_those_of_the_catalog(health: Health) -> None:
    for family in text_string_to_metric_families(exposition(health).decode()):
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(CATALOG[family.name].labels)


def test_a_database_that_is_gone_takes_nothing_else_along(app: App) -> None:
    gone = Register(open_engine("postgresql+psycopg://x@127.0.0.1:1/x", None, timeouts=Timeouts(connect=1)), "test")
    found = samples(exposition(Health(App(app.settings, gone))).decode())
    assert value(found, "exchange_metrics_incomplete", part="register") == 1
    assert value(found, "exchange_metrics_incomplete", part="disk") == 0
    assert value(found, "exchange_disk_free_bytes") > 0
    assert value(found, "exchange_health", check="database") == 2


def test_latencies_are_counted_once_and_anew_where_the_file_is_lost(app: App, answered: Request) -> None:
    place = app.settings.home / "duty" / "latency.json"
    counted = latencies(app)
    assert latencies(app) == counted
    for damage in (
        b"",
        b"{}",
        b'{"bounds": [1.0], "seq": 1, "lanes": {}}',
        place.read_bytes().replace(b'"seq": ', b'"seq": 9'),
    ):
        place.write_bytes(damage)
        assert latencies(app) == counted
    assert sum(counted[Lane.IMMEDIATE].buckets) >= 1


def test_what_was_counted_of_another_ledger_is_not_counted_on(app: App, answered: Request) -> None:
    """As after a restore, once the register has as many lines again."""
    place = app.settings.home / "duty" / "latency.json"
    counted = latencies(app)
    kept = json.loads(place.read_bytes())
    kept["lanes"][Lane.IMMEDIATE]["buckets"][0] += 7
    place.write_text(json.dumps(kept | {"hash": "0" * 64}))
    assert latencies(app) == counted


def test_a_histogram_counts_a_bound_as_within() -> None:
    histogram = Histogram()
    for seconds in (0.0, 1.0, 1.5, BOUNDS[-1] + 1):
        histogram.add(seconds)
    assert histogram.buckets == [2, 1, *[0] * (len(BOUNDS) - 2), 1]


def test_the_command(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    place = tmp_path / "exchange.prom"
    assert CliRunner().invoke(commands, ["metrics", "--to", str(place)]).exit_code == 0
    assert samples(place.read_text("utf-8"))
    assert place.stat().st_mode & 0o777 == 0o644
    assert CliRunner().invoke(commands, ["metrics", "--to", str(tmp_path / "wrong.txt")]).exit_code == 70


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> list[str]:
    panels = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def named(expressions: list[str]) -> set[str]:
    found = set(re.findall(r"\bexchange_\w+", " ".join(expressions)))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if name.startswith(HISTOGRAM) else name for name in found}


def test_rules_and_dashboard_name_what_there_is() -> None:
    shown = named(dashboard())
    assert not named([rule["expr"] for rule in rules()]) - set(CATALOG), "rules of docker/monitoring/ name no metric"
    assert not shown - set(CATALOG), "the dashboard of docker/monitoring/ names no metric"
    assert not set(CATALOG) - shown, "the dashboard of docker/monitoring/ does not show these"


def test_each_alert_says_in_both_languages_what_is_wrong() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "look")
        assert re.search("[\u4e00-\u9fff]", rule["annotations"]["summary"])
        assert rule["annotations"]["description"].isascii()


def test_the_rules_alert_from_where_health_warns() -> None:
    """``exchange health``, as it is set where nobody sets it, and Prometheus say the same of one installation."""
    limits = HealthLimits()
    expected = {
        "ExchangeNobodyCollects": limits.collect_minutes * 60,
        "ExchangeNoLookout": limits.lookout_minutes * 60,
        "ExchangeLedgerNotVerified": limits.verify_days * 86_400,
        "ExchangeBackupOld": limits.backup_hours * 3600,
        "ExchangeCertificateEnds": limits.certificate_days * 86_400,
    }
    found = {rule["alert"]: re.search(r" (?:>|<=) ([0-9]+)(?: \* ([0-9]+))?", rule["expr"]) for rule in rules()}
    compared = {name: found[name] for name in expected}
    assert {name: int(hit[1]) * int(hit[2] or 1) for name, hit in compared.items() if hit} == expected


def promtool(*arguments: str) -> None:
    done = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_rules_and_the_dashboards_expressions(tmp_path: Path) -> None:
    promtool("check", "rules", str(MONITORING / "alerts.yml"))
    recorded = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(dashboard())]
    place = tmp_path / "panels.yml"
    place.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), "utf-8")
    promtool("check", "rules", str(place))


@needs_promtool
def test_promtool_finds_nothing_in_the_exposition(health: Health) -> None:
    text = exposition(health)
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@needs_promtool
def test_the_rules_alert(tmp_path: Path) -> None:
    """Series as they come, and what must be firing: by Prometheus' own unit tests of rules."""
    cases = {
        "ExchangeBatchesStandStill": ("exchange_unmoved_batches", "1"),
        "ExchangeReleasesStandStill": ("exchange_unsent_releases", "1"),
        "ExchangeBatchesLate": ('exchange_batches_due{urgency="late"}', "2"),
        "ExchangeLedgerAltered": ("exchange_ledger_sound", "0"),
        "ExchangeNobodyCollects": ('exchange_duty_age_seconds{duty="collect"}', "601"),
        "ExchangeNobodyReleases": ('exchange_duty_age_seconds{duty="releases"}', "601"),
        "ExchangeNothingDestroyed": ('exchange_duty_age_seconds{duty="retention"}', "259201"),
        "ExchangeNobodyWatchesDueDays": ('exchange_duty_age_seconds{duty="watch"}', "10801"),
        "ExchangeSnapshotMissing": ('exchange_snapshot_present{source="population"}', "0"),
        "ExchangeCheckFails": ('exchange_health{check="disk"}', "2"),
        "ExchangeMessagesNotSent": ('exchange_health{check="messages"}', "1"),
        "ExchangeReportMissing": ('exchange_health{check="reports"}', "1"),
    }
    tests = []
    for name, (series, number) in cases.items():
        tests.append(
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": f"{number}x120"}],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                        "eval_time": "90m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        )
    place = tmp_path / "tests.yml"
    place.write_text(yaml.safe_dump({"rule_files": [str(MONITORING / "alerts.yml")], "tests": tests}), "utf-8")
    promtool("test", "rules", str(place))


@needs_promtool
def test_what_is_due_today_is_told_from_two_in_the_afternoon_to_midnight_of_beijing(tmp_path: Path) -> None:
    """Prometheus' hours are UTC, where the office's day begins at 16:00."""
    expected = [
        {
            "expr": 'count(ALERTS{alertname="ExchangeDueToday", alertstate="firing"})',
            "eval_time": f"{hour}h30m",
            "exp_samples": [{"labels": "{}", "value": 1}] if (hour + 8) % 24 >= 14 else [],
        }
        for hour in range(24)
    ]
    series = {"series": 'exchange_batches_due{urgency="today"}', "values": "1x1500"}
    tests = [{"interval": "1m", "input_series": [series], "promql_expr_test": expected}]
    place = tmp_path / "tests.yml"
    place.write_text(yaml.safe_dump({"rule_files": [str(MONITORING / "alerts.yml")], "tests": tests}), "utf-8")
    promtool("test", "rules", str(place))
