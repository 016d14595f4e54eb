"""The certificate of conformance (合格证书): what a partner has shown in its tests, signed by the office."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from exchange.wire.manifest import Code, Partner, Record


class Shown(Record):
    """One thing that was shown, and by which test batch."""

    code: Code
    about: Annotated[str | None, Field(description="the purpose, where each has to show it")] = None
    zh: str
    en: str
    batch: str


class Certificate(Record):
    """What was shown until this day, under which agreement, with which versions. Signed."""

    format: Literal["exchange-conformance/1"] = "exchange-conformance/1"
    office: str
    partner: Partner
    zh: Annotated[str, Field(description="the partner's name")]
    agreement: Annotated[str, Field(description="number of the agreement")]
    certified_on: date
    software: Annotated[str, Field(description="version of the office's software")]
    formats: Annotated[list[str], Field(description="versions of the files' formats")]
    forms: Annotated[list[str], Field(description="of the data files that were answered: csv, csv.p7m, xlsx, xlsx.p7m")]
    shown: list[Shown]
