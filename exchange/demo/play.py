"""What `make demo` plays: partners drop request sets, the office answers, the partners check and open what comes
back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Final

import polars as pl

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.legal_bases import legal_bases
from exchange.base.tables import ITEMS, REQUIRED_COLUMNS
from exchange.base.xlsx import write_workbook
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import PartnerProfile
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.province.claims import Claims, make_claims
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.province.unregistered_claims import by_mother
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import LEADER, OFFICER_ID, PARTNERS, PEOPLE, SECOND_OFFICER_ID, SEED, World
from exchange.register import Decision, Review, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.review.second_eyes import decide
from exchange.steps.disclosure import AWAITING, as_disclosed

CAUSE: Final = "criminal_record"
_APPROVAL_SECONDS: Final = 90.0

REGISTER_ITEMS: Final = ("id_number", "name", "sex", "birth_date", "ethnicity", "registered_address")


@dataclass(frozen=True)
class Expectation:
    """A set that was dropped, and what should come back. ``dropped_at``: monotonic seconds; ``refused_for``: the code
    of the refusal, if it should be refused; ``expected``: the answers as disclosed, row by row; ``result``: in which of
    the batch's results they come, from 1.
    """

    partner: DemoPartner
    batch: str
    about: str
    dropped_at: float
    refused_for: str | None = None
    expected: pl.DataFrame = field(default_factory=pl.DataFrame)
    result: int = 1

    @property
    def stem(self) -> str:
        """What the names of the expected result's files begin with."""
        return f"{self.batch}.result" if self.result == 1 else f"{self.batch}.result-{self.result}"


@dataclass
class PlayOutcome:
    """What came back; ``problem`` says what is not as expected."""

    expectation: Expectation
    seconds: float | None = None
    due: str = ""
    rows: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    problem: str | None = "no answer yet"


def demo_partner(world: World, profile: PartnerProfile) -> DemoPartner:
    """The partner of this profile, with its keys and its server."""
    keys = world.partner_keys(profile.id)
    office = world.office_keys
    return DemoPartner(profile.id, keys, world.sftp(profile.id), office / "sign.pem", office / "encrypt.pem")


class Script:
    """The demo's request sets: monthly, quarterly, ad hoc, one about newborns, and one that must be refused."""

    def __init__(self, world: World) -> None:
        partners = [demo_partner(world, profile) for profile in PARTNERS]
        self.court, self.education, self.social, self.health, self.kindergarten, self.guards, self.teachers = partners
        chunks = list(make_people(SEED, PEOPLE))
        self.people = pl.concat(chunks)
        self.records = pl.concat([make_offences(SEED, number, chunk) for number, chunk in enumerate(chunks)])
        self.today = office_day(datetime.now(UTC))
        self.mark = datetime.now(UTC).strftime("%m%d%H%M%S")

    def drop_all(self) -> list[Expectation]:
        """Drops the sets into the partners' folders; what should come back of each."""
        ordinary = [self._monthly(), self._quarterly(), self._ad_hoc(), self._newborns(), self._unsigned_change()]
        return [*ordinary, *self._by_their_bars()]

    def _monthly(self) -> Expectation:
        """GB18030 with Chinese headers, encrypted, as a Chinese Windows spreadsheet saves it."""
        claims = self._claims(REGISTER_ITEMS, 2000)
        data = to_csv(claims.rows, chinese=True).decode().encode("gb18030")
        request = self._request(
            self.social, "monthly", month(self.today), "pension", "社会保险法第七十四条", REGISTER_ITEMS, data, 2000
        )
        return self._dropped(self.social, request, "monthly 月", claims=claims)

    def _quarterly(self) -> Expectation:
        """XLSX there and back, criminal records asked: what is clean waits for the leader's approval."""
        items = ("id_number", "name", "criminal_record")
        claims = self._claims(items, 500, "minors_protection_62")
        data = to_xlsx(claims.rows)
        request = self._request(
            self.education,
            "quarterly",
            quarter(self.today),
            "hiring_teachers",
            "未成年人保护法第六十二条",
            items,
            data,
            500,
        )
        request = replace(request, form="xlsx")
        return self._dropped(self.education, request, "quarterly 季", claims=claims)

    def _ad_hoc(self) -> Expectation:
        """One case: plain UTF-8, English headers, a standing approval for clean people."""
        items = ("id_number", "name", "sex", "criminal_record")
        claims = self._claims(items, 5, approved=True, dirt=False)
        request = self._court_request(items, to_csv(claims.rows), 5, "adhoc")
        return self._dropped(self.court, request, "ad hoc 临时", claims=claims)

    def _newborns(self) -> Expectation:
        """Whether the children of these mothers are registered: no number of their own is asked by."""
        claims = by_mother(self.people, 50, SEED)
        data, rows = to_csv(claims.rows, chinese=True), claims.rows.height
        basis, day = "母婴保健法第二十三条", str(self.today)
        request = self._request(
            self.health, "ad_hoc", day, "birth_certificate", basis, ("unregistered",), data, rows, "newborns"
        )
        return self._dropped(self.health, request, "newborns 新生儿", claims=claims)

    def _by_their_bars(self) -> list[Expectation]:
        """People with records, asked about by three partners whose legal bases let each know something else."""
        items, known = ("id_number", "name", "criminal_record"), set(self.records["id_number"])
        about = self.people.filter(pl.col("id_number").is_in(list(known)))
        drops = []
        for partner, purpose, words, *bases in (
            (self.kindergarten, "hiring_staff", "kindergarten 幼儿园", "preschool_44", "minors_protection_62"),
            (self.guards, "hiring_guards", "guards 保安", "security_guards_17"),
            (self.teachers, "teacher_qualification", "teachers 教师资格", "teachers_14"),
        ):
            claims = make_claims(about, on_record(self.records, *bases), items, 200, SEED, dirt=False)
            basis, day, data = cited(*bases), str(self.today), to_csv(claims.rows, chinese=True)
            request = self._request(partner, "ad_hoc", day, purpose, basis, items, data, 200, "staff")
            drops.append(self._dropped(partner, request, words, claims=claims))
        return drops

    def _unsigned_change(self) -> Expectation:
        """The manifest was changed after it was signed: must be refused."""
        items = ("id_number", "name", "sex")
        claims = self._claims(items, 3)
        files = self.court.make_set(self._court_request(items, to_csv(claims.rows), 3, "changed"))
        name = next(name for name in files if name.endswith(".request.json"))
        files[name] = files[name].replace("经办人".encode(), "另一人".encode())
        self.court.drop(files)
        batch = name.removesuffix(".request.json")
        return Expectation(self.court, batch, "tampered 被改动", time.monotonic(), refused_for="signature_invalid")

    def _claims(
        self, items: Sequence[str], rows: int, *bases: str, approved: bool = False, dirt: bool = True
    ) -> Claims:
        offenders = on_record(self.records, *bases)
        return make_claims(self.people, offenders, items, rows, SEED, approved=approved, dirt=dirt)

    def _court_request(self, items: Sequence[str], data: bytes, rows: int, word: str) -> Request:
        basis = "刑事诉讼法第二百八十六条"
        return self._request(self.court, "ad_hoc", str(self.today), "case_handling", basis, items, data, rows, word)

    def _request(
        self,
        partner: DemoPartner,
        cycle: str,
        period: str,
        purpose: str,
        basis: str,
        items: Sequence[str],
        data: bytes,
        rows: int,
        word: str | None = None,
    ) -> Request:
        batch = f"{partner.id}.{word or cycle}-{self.mark}"
        return Request(batch, cycle, period, purpose, basis, items, rows, data)

    def _dropped(self, partner: DemoPartner, request: Request, about: str, *, claims: Claims) -> Expectation:
        partner.drop(partner.make_set(request))
        return Expectation(partner, request.batch, about, time.monotonic(), expected=as_disclosed(claims.expected))


def cited(*bases: str) -> str:
    """The legal bases of these codes as a request cites them."""
    return "；".join(legal_bases()[code].name for code in bases)


def to_csv(rows: pl.DataFrame, *, chinese: bool = False) -> bytes:
    """The request's data file in UTF-8, with the column codes or the Chinese words as headers."""
    frame = _in_chinese(rows) if chinese else rows
    return frame.write_csv(line_terminator="\r\n").encode()


def to_xlsx(rows: pl.DataFrame) -> bytes:
    """The request's data file as a workbook, with a second sheet that is no part of the request."""
    return write_workbook(_in_chinese(rows), "数据", [("虚构 invented",)], "备注")


def _in_chinese(rows: pl.DataFrame) -> pl.DataFrame:
    words = {column.code: column.zh[0] for column in REQUIRED_COLUMNS}
    words |= {claim.code: claim.zh[0] for item in ITEMS.values() for claim in item.claims}
    words |= {column.code: column.zh[0] for item in ITEMS.values() for form in item.forms.values() for column in form}
    return rows.rename({code: words[code] for code in rows.columns})


def month(day: date) -> str:
    """The period of a monthly request, as ``2026-11``."""
    return f"{day:%Y-%m}"


def quarter(day: date) -> str:
    """The period of a quarterly request, as ``2026-Q4``."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def approve(world: World, airflow: Airflow, first: Expectation) -> Expectation:
    """Two officers confirm the hits, and a leader approves the rows that wait for that; what should come back in the
    second result. Halt where no leader is asked, or the approval does not go through.
    """
    confirmed = _confirm_hits(world, first.batch)
    began, release = time.monotonic(), f"{first.batch}.release-1"
    with airflow.api() as api, airflow.api(LEADER) as leader:
        api.trigger("releases", f"propose-{release}")
        if not wait_for(lambda: release in leader.page("/approval")[1], _APPROVAL_SECONDS):
            msg = f"no leader was asked to approve {release}"
            raise Halt(msg)
        status, _ = leader.press(f"/approval/{release}", "/approval/approve")
        if status != HTTPStatus.SEE_OTHER:
            msg = f"{release} was not approved: HTTP {status}"
            raise Halt(msg)
        api.trigger("releases", f"send-{release}")
    waited = first.expected.with_row_index("row", offset=1).filter(pl.col(CAUSE) == AWAITING)
    answer = pl.when(pl.col("row").is_in(confirmed)).then(pl.lit("record_found")).otherwise(pl.lit("no_record"))
    answered = waited.with_columns(answer.alias(CAUSE)).drop("row")
    return replace(first, about="approved 领导审批后", dropped_at=began, expected=answered, result=2)


def _confirm_hits(world: World, batch: str) -> list[int]:
    """The rows with a record that counts, each found by two officers to be this person's."""
    hits: list[Review] = []
    for officer in (OFFICER_ID, SECOND_OFFICER_ID):
        with App.open(officer, world.config) as app:
            reviews = app.register.reviews.find(ReviewFilter(batch=batch))
            hits = [review for review in reviews if CAUSE in review.causes]
            cases = load_cases(app, batch, hits)
            confirmed = [complete(case.open, {CAUSE: "record_found"}) for case in cases]
            decisions = [
                Decision(hit.row, hit.version, answers, "case_file")
                for hit, answers in zip(hits, confirmed, strict=True)
            ]
            decide(app, batch, decisions)
    return [review.row for review in hits]


def check(expectation: Expectation) -> PlayOutcome:
    """What has come back for one set so far, checked as its partner would."""
    outcome = PlayOutcome(expectation)
    partner, batch = expectation.partner, expectation.batch
    there = set(partner.answers())
    if f"{batch}.receipt.json" not in there:
        return outcome
    receipt = partner.verified(f"{batch}.receipt.json")
    if expectation.refused_for:
        code = receipt.get("refusal", {}).get("code")
        outcome.problem = None if code == expectation.refused_for else f"refused for {code}"
    elif receipt["outcome"] != "accepted":
        outcome.problem = f"refused: {receipt['refusal']['code']}"
    elif f"{expectation.stem}.json" in there:
        _check_result(expectation, outcome)
    else:
        outcome.problem = "accepted, no result yet"
    if outcome.problem is None:
        outcome.seconds = time.monotonic() - expectation.dropped_at
    return outcome


def _check_result(expectation: Expectation, outcome: PlayOutcome) -> None:
    result = expectation.partner.result(expectation.batch, expectation.result)
    outcome.due = result.manifest["due"]["day"]
    outcome.rows = result.manifest["rows_out"]
    answers = result.manifest["answers"]
    for tally in answers.values():
        for code, count in tally.items():
            outcome.answers[code] = outcome.answers.get(code, 0) + count
    expected = expectation.expected
    wrong = [
        column
        for column in answers
        if answers[column] != dict(expected[column].value_counts().sort(column).iter_rows())
    ]
    outcome.problem = f"answers not as planted: {', '.join(wrong)}" if wrong else None
