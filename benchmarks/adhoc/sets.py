"""Request sets for the benchmark, made before they are dropped, with the answers that were planted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import polars as pl

from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, to_csv
from exchange.demo.province.claims import make_claims
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, PEOPLE, SEED, World

ITEMS = ("id_number", "name", "sex", "criminal_record")
ANNUAL_ITEMS = ("id_number", "name", "sex", "birth_date", "ethnicity", "registered_address")
_CASE = "刑事诉讼法第二百八十六条"
_SCHOOL = "义务教育法第十二条"


@dataclass(frozen=True)
class Prepared:
    """A set ready to be dropped: its files, the manifest last, and the answers that must come back."""

    partner: DemoPartner
    batch: str
    rows: int
    files: dict[str, bytes]
    expected: pl.DataFrame

    @property
    def manifest(self) -> str:
        """The name of the file that comes last."""
        return f"{self.batch}.request.json"

    @property
    def others(self) -> list[str]:
        """The names of the files that come before it."""
        return [name for name in self.files if name != self.manifest]


class Desk:
    """Makes sets of the court's and the annual sets of the education department."""

    def __init__(self, world: World, people: int = PEOPLE) -> None:
        self.court = demo_partner(world, PARTNERS[0])
        self.education = demo_partner(world, PARTNERS[1])
        chunks = list(make_people(SEED, people))
        self.people = pl.concat(chunks)
        self.offenders = on_record(pl.concat([make_offences(SEED, n, chunk) for n, chunk in enumerate(chunks)]))
        self.plain = self.people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(self.offenders.implode()))
        self.today = office_day(datetime.now(UTC))
        self.mark = datetime.now(UTC).strftime("%m%d%H%M%S")
        self._made = 0

    def ad_hoc(self, rows: int, partner: DemoPartner | None = None) -> Prepared:
        """The court's, or one of its kind's, about people of whom everything can be answered at once: no row waits for
        an officer.
        """
        partner = partner or self.court
        self._made += 1
        claims = make_claims(self.plain, self.offenders, ITEMS, rows, SEED + self._made, approved=True, dirt=False)
        batch = f"{partner.id}.lane-{self.mark}-{self._made}"
        request = Request(batch, "ad_hoc", str(self.today), "case_handling", _CASE, ITEMS, rows, to_csv(claims.rows))
        return Prepared(partner, batch, rows, _manifest_last(partner.make_set(request)), claims.expected)

    def annual(self, rows: int) -> Iterator[Prepared]:
        """One set after the other, each with an id of its own; the data is encrypted once."""
        claims = make_claims(self.people, self.offenders, ANNUAL_ITEMS, rows, SEED)
        first = f"{self.education.id}.annual-{self.mark}-0"
        data, year = to_csv(claims.rows), str(self.today.year)
        request = Request(first, "annual", year, "enrolment", _SCHOOL, ANNUAL_ITEMS, rows, data, letter=None)
        files = self.education.make_set(request)
        manifest, sealed = json.loads(files[f"{first}.request.json"]), files[f"{first}.csv.p7m"]
        for number in count(1):
            batch = f"{self.education.id}.annual-{self.mark}-{number}"
            manifest["batch"], manifest["data"]["name"] = batch, f"{batch}.csv.p7m"
            signed = self.education.signed(batch, json.dumps(manifest, ensure_ascii=False).encode())
            yield Prepared(
                self.education, batch, rows, _manifest_last({f"{batch}.csv.p7m": sealed} | signed), claims.expected
            )


def _manifest_last(files: dict[str, bytes]) -> dict[str, bytes]:
    return dict(sorted(files.items(), key=lambda file: file[0].endswith(".request.json")))


def opened(prepared: Prepared) -> bool:
    """Whether the result, checked and opened with ``openssl``, gives the answers that were planted."""
    answers = prepared.partner.result(prepared.batch).manifest["answers"]
    planted = prepared.expected
    return all(answers[item] == dict(planted[item].value_counts().iter_rows()) for item in answers)
