"""The dashboard beside the board: what both count, both count alike, in one state of the register."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from exchange.app import App
from exchange.base.paths import ROOT
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.steps.receive import receive
from tests.pages.conftest import Pages

ENDED = ("closed", "refused")
BESIDE = {
    'exchange_batches{state!~"closed|refused"}',
    'exchange_batches_due{urgency=~"late|today|at_risk|paused"}',
    "exchange_missing_sets",
    "exchange_unfinished_sets",
    "count(exchange_snapshot_present == 0) or vector(0)",
}
"""The panels that have their like on the board."""


def panels() -> set[str]:
    dashboard = json.loads((ROOT / "docker" / "monitoring" / "dashboard.json").read_text("utf-8"))
    return {target["expr"] for panel in dashboard["panels"] for target in panel["targets"]}


def test_what_both_count(pages: Pages, app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    assert panels() >= BESIDE
    accepted, claimed = ask(), ask()
    for request in (accepted, claimed):
        court.drop(court.make_set(request))
    poll(app)
    assert receive(app, accepted.batch)

    status, told = pages.get("op", "/metrics")
    assert status == 200
    families = {family.name: family.samples for family in text_string_to_metric_families(told)}
    status, board = pages.get("op", "/board?page=1")
    assert status == 200

    tiles = dict(re.findall(r'urgency=(\w+)"><b>(\d+)</b>', board))
    due = {each.labels["urgency"]: int(each.value) for each in families["exchange_batches_due"]}
    assert tiles == {name: str(due[name]) for name in tiles}
    assert set(tiles) == {"late", "today", "at_risk", "paused"}
    batches = {each.labels["state"]: int(each.value) for each in families["exchange_batches"]}
    still_open = sum(number for state, number in batches.items() if state not in ENDED)
    assert still_open == sum(due.values()) >= 2
    assert f"Open batches</span> · {still_open:,}" in board

    def listed(kind: str) -> int:
        return len(re.findall(rf'<td>[^<]*<span lang="en">{kind}</span></td>', board))

    (missing,), (unfinished,) = families["exchange_missing_sets"], families["exchange_unfinished_sets"]
    assert listed("has not come") == missing.value
    assert listed("incomplete set") == unfinished.value
    absent = sum(each.value == 0 for each in families["exchange_snapshot_present"])
    assert board.count("no snapshot") == absent
    app.register.refuse(claimed.batch, "data_hash", row=None, column="data.sha256")  # not the next test's
