"""An invented month of an office: batches of eight partners with their steps, answers, reviews, stops, as frames."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from exchange.calendar.working_days import OFFICE_ZONE, due_date, office_day
from exchange.register import statistics
from exchange.register.statistics import Lines
from exchange.supervision.aggregates import count
from exchange.supervision.month import Month, read_month

MONTH = read_month("2026-10", datetime(2026, 11, 2, 5, tzinfo=OFFICE_ZONE))
PARTNERS = [
    ("court-changchun", "长春市中级人民法院", "city", ("ad_hoc", "monthly")),
    ("education-jilin", "吉林省教育厅", "province", ("quarterly", "annual")),
    ("social-security-yanbian", "延边州人力资源和社会保障局", "city", ("monthly", "half_yearly")),
    ("health-jilin", "吉林省卫生健康委员会", "province", ("monthly", "ad_hoc")),
    ("procuratorate-jilin", "吉林省人民检察院", "province", ("ad_hoc",)),
    ("housing-siping", "四平市住房和城乡建设局", "city", ("quarterly",)),
    ("civil-affairs-dunhua", "敦化市民政局", "county", ("monthly", "objection")),
    ("bank-jilin", "吉林银行", "province", ("monthly", "ad_hoc")),
]
ITEMS = ("name", "sex", "registered_address", "criminal_record")
CODES = {
    "identity": [("consistent", 0.93), ("no_such_number", 0.03), ("name_disagrees", 0.03), ("id_number_check", 0.01)],
    "name": [("consistent", 0.93), ("name_disagrees", 0.03), ("not_answered", 0.04)],
    "sex": [("consistent", 0.9), ("inconsistent", 0.05), ("not_answered", 0.05)],
    "registered_address": [
        ("consistent", 0.6),
        ("partly_consistent", 0.2),
        ("inconsistent", 0.15),
        ("not_answered", 0.05),
    ],
    "criminal_record": [("no_record", 0.94), ("record_found", 0.01), ("not_answered", 0.05)],
}
COUNTIES = [220102, 220103, 220104, 220202, 220203, 220302, 220402, 220502, 222401, 222402, 222403, 222404, 222426]


def partners() -> pl.DataFrame:
    return pl.DataFrame([each[:3] for each in PARTNERS], schema=["partner", "zh", "level"], orient="row")


def doubtful(seed: int = 1) -> pl.DataFrame:
    draw = random.Random(seed)  # noqa: S311
    rows = [(str(code), draw.choice([3, 7, 18, 44, 96, 180])) for code in COUNTIES]
    return pl.DataFrame(rows, schema=["division", "people"], orient="row")


class Invented:
    """Draws a month."""

    def __init__(self, seed: int, month: Month = MONTH, *, batches: int = 90) -> None:
        self.draw = random.Random(seed)  # noqa: S311
        self.month = month
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in statistics.SCHEMAS}
        for number in range(batches):
            self._batch(number)
        self.rows["missing"] += [
            ("bank-jilin", "monthly", "2026-10", "", office_day(month.start) + timedelta(days=14), 2, None),
            ("housing-siping", "quarterly", "2026-Q3", "", office_day(month.start) + timedelta(days=9), 1, month.end),
        ]

    def lines(self) -> Lines:
        return Lines(**{name: statistics.frame(name, rows) for name, rows in self.rows.items()})

    def _batch(self, number: int) -> None:
        draw, month = self.draw, self.month
        partner, _, _, cycles = draw.choice(PARTNERS)
        cycle = draw.choice(cycles)
        batch = f"{partner}.{month.name}-{number:03}"
        received = month.start + timedelta(days=draw.uniform(-8, 30.9))
        if draw.random() < 0.08:
            refusal = draw.choice(["signature_invalid", "row_count", "column_missing", "encoding"])
            refused = received + timedelta(seconds=draw.uniform(2, 20))
            if month.start <= refused:
                judged = (batch, partner, None, None, refusal, None, received, None, refused)
                self.rows["batches"].append((*judged, *[None] * 7))
            return
        slow = draw.random() < (0.25 if cycle == "ad_hoc" else 0.5)
        accepted = received + timedelta(seconds=draw.uniform(2, 15))
        sealed = accepted + timedelta(seconds=draw.uniform(3, 240))
        delivered = sealed + timedelta(seconds=draw.uniform(1, 9))
        closed = delivered + (timedelta(days=draw.uniform(0.2, 9)) if slow else timedelta(seconds=1))
        if closed < month.start:
            return
        due = due_date(cycle, office_day(received)).day
        rows = draw.choice([1, 3, 8, 40]) if cycle == "ad_hoc" else draw.choice([60, 500, 2400, 18_000])
        waiting = max(rows // 200, 1) if slow else 0
        still = closed >= month.end
        stopped = slow and draw.random() < 0.3
        if stopped:
            reason = draw.choice(["record_unclear", "earlier_answer", "several_identities"])
            started = min(closed, delivered + timedelta(days=2))
            self.rows["stops"].append((batch, 1, reason, delivered, None if started >= month.end else started))
        steps = [None if at >= month.end else at for at in (accepted, sealed, delivered, closed)]
        objects = batch if cycle == "objection" else None
        line = (batch, partner, cycle, objects, None, rows, received, steps[0], None, *steps[1:])
        self.rows["batches"].append((*line, str(due), str(due), None, str(waiting if still else 0)))
        if delivered >= month.start:
            self._answers(batch, rows)
        if slow:
            self._wait(batch, waiting, delivered, steps[3])
        taken = delivered + timedelta(hours=draw.uniform(0.2, 60))
        lies = taken >= month.end or draw.random() < 0.1
        if steps[2] is not None:
            self.rows["pickups"].append((batch, partner, cycle, 1, delivered, None if lies else taken))

    def _answers(self, batch: str, rows: int) -> None:
        for item in ("identity", *self.draw.sample(ITEMS, 3)):
            left = rows
            for code, part in CODES[item][1:]:
                n = min(left, round(rows * part * self.draw.uniform(0.5, 1.5)))
                left -= n
                if n:
                    self.rows["answers"].append((batch, item, code, n))
            self.rows["answers"].append((batch, item, CODES[item][0][0], left))

    def _wait(self, batch: str, waiting: int, delivered: datetime, closed: datetime | None) -> None:
        division = self.draw.choice(["220000", "222400", "220100"])
        state = "released" if closed else "open"
        self.rows["reviews"] += [(batch, division, state, closed)] * waiting
        asked = self.draw.random() < 0.5
        upheld = waiting // 2 if "dunhua" in batch else None
        approved = closed if asked else None
        self.rows["releases"].append((batch, 1, waiting, asked, upheld, delivered, approved, None, None, closed))


def aggregates(seed: int = 7, month: Month = MONTH, *, batches: int = 90) -> Any:
    return count(Invented(seed, month, batches=batches).lines(), month, partners(), doubtful(seed))
