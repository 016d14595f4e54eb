"""The status file (近况): how a partner stands with the office, always the newest under one name, signed.

Rules
- ``status.json`` for programs with its signature, ``status.html`` for people, whose hash stands in the JSON file.
- Batches, days, codes and counts; no row, no reference, nobody who was asked about.
- It is written and read as the other files of the exchange (``manifest.py``); its size is bounded by the office.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from exchange.wire.manifest import Code, Count, DueDay, File, Partner, Record, Refusal, TestStage

JSON_NAME: Final = "status.json"
PAGE_NAME: Final = "status.html"

Stage = Literal["received", "in_work", "answered_in_part", "answered", "refused"]
"""How far a batch is, as the partner knows it from the receipt and the results that it has."""

IsTest = Annotated[Literal[True] | None, Field(description="it is answered from the invented province")]


class BatchStatus(Record):
    """A set of the partner's. What it asks is said once it is accepted: before that nothing of it is trusted."""

    batch: str
    cycle: Code | None = None
    period: str | None = None
    purpose: Code | None = None
    test: IsTest = None
    stage: Stage
    received_at: AwareDatetime
    rows: Count | None = None
    rows_open: Annotated[Count | None, Field(description="rows still to be answered after the last result")] = None
    due: Annotated[DueDay | None, Field(description="as the last receipt says")] = None
    refusal: Refusal | None = None


class WaitingResult(Record):
    """A result that lies in the partner's folder and was not taken yet."""

    batch: str
    test: IsTest = None
    name: Annotated[str, Field(description="of the data file")]
    since: date


class IncompleteSet(Record):
    """Files to the office that make no whole set: what they still lack."""

    about: str
    code: Code
    zh: str
    en: str
    seen_since: AwareDatetime


class ExpectedSet(Record):
    """A set that the agreement expects next, or that should have come already."""

    cycle: Code
    period: str
    purpose: Annotated[Code | None, Field(description="where only a set for this purpose will do")] = None
    purpose_zh: Annotated[str | None, Field(description="its name")] = None
    expected_by: date
    overdue: bool


class CertificateEnd(Record):
    whose: Literal["partner", "office"]
    use: Literal["signing", "encryption"]
    ends_on: date
    soon: Annotated[bool, Field(description="within the days in which the office reminds of it")]


class Maintenance(Record):
    """A time in which the office will not answer."""

    number: Count
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    zh: str
    en: str


class Status(Record):
    """How the partner stands: what lies where, what is due, what is missing, what ends. Signed."""

    format: Literal["exchange-status/1"] = "exchange-status/1"
    stage: TestStage = None
    office: str
    partner: Partner
    zh: Annotated[str, Field(description="the partner's name")]
    made_at: AwareDatetime
    day: Annotated[date, Field(description="the office's day on which this was so")]
    batches: list[BatchStatus]
    results: list[WaitingResult]
    incomplete: list[IncompleteSet]
    expected: list[ExpectedSet]
    certificates: list[CertificateEnd]
    maintenance: list[Maintenance]
    formats: Annotated[list[str], Field(description="the files' formats that this office reads and writes")]
    page: Annotated[File | None, Field(description="the same for people, as it lies beside this file")] = None
