"""The JSON files of the exchange: request manifest, receipt, result manifest, notice.

Rules
- Unknown fields are refused, types are strict, and every text has a greatest length: what comes from outside is
  bounded.
- A manifest that does not fit is refused by naming the field, never by quoting it; a field that stands twice does not
  fit. UTF-8, with or without marks; another encoding is refused as that.
- Files are written in one form (UTF-8, two blanks, fields in the order of the model), so that the same facts are the
  same bytes. The JSON Schemas in ``schemas/`` are generated from these models.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from exchange.base.errors import Refused

PARTNER_PATTERN: Final = r"^[a-z][a-z0-9-]{1,30}$"
BATCH_PATTERN: Final = r"^[a-z][a-z0-9-]{1,30}\.[A-Za-z0-9_-]{1,60}$"
REQUEST_SUFFIX: Final = ".request.json"
SIGNATURE_SUFFIX: Final = ".p7s"
ENVELOPE_SUFFIX: Final = ".p7m"
DATA_FORMS: Final = ("csv", "xlsx")
"""What a data file may be; its name ends so, with ``ENVELOPE_SUFFIX`` behind it where it is encrypted."""

MAX_MANIFEST_BYTES: Final = 64 * 1024
"""Bytes; a manifest or a signature beyond this is none."""

Partner = Annotated[str, Field(pattern=PARTNER_PATTERN)]
BatchId = Annotated[str, Field(pattern=BATCH_PATTERN, description="<partner>.<the partner's own number>")]
Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", max_length=200, description="no control characters")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="in lower-case hex")]
AnyCaseSha256 = Annotated[
    str, Field(pattern=r"^[0-9A-Fa-f]{64}$", description="in hex"), AfterValidator(lambda digest: digest.lower())
]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Record(BaseModel):
    """What all files of the exchange hold to: no unknown fields, strict types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class DataFile(Record):
    """The data file as it lies on the server (encrypted or not)."""

    name: Annotated[str, Field(max_length=120)]
    size: Annotated[int, Field(ge=0, le=1 << 40, description="bytes")]
    sha256: AnyCaseSha256
    encrypted: Annotated[bool, Field(description="CMS, to the office's certificate")] = False
    encoding: Annotated[
        Literal["utf-8", "gb18030"] | None, Field(description="of a CSV file; found out where it is not stated")
    ] = None
    sheet: Annotated[
        Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", max_length=31)] | None,
        Field(description="of an XLSX workbook, the sheet with the rows; the first one where it is not stated"),
    ] = None

    @property
    def form(self) -> str:
        """What the name says it is: one of ``DATA_FORMS``, or anything else."""
        return self.name.removesuffix(ENVELOPE_SUFFIX).rpartition(".")[2]


class RequestManifest(Record):
    """What a partner asks: who, what, why, for when. Signed by a detached CMS signature beside it."""

    format: Literal["exchange-request/1"]
    partner: Partner
    batch: BatchId
    cycle: Annotated[Code, Field(description="annual, half_yearly, quarterly, monthly, ad_hoc or objection")]
    period: Annotated[
        str,
        Field(
            max_length=10,
            description="annual 2026, half-yearly 2026-H1, quarterly 2026-Q3, monthly 2026-10, "
            "ad hoc and objection 2026-10-31",
        ),
    ]
    purpose: Annotated[Code, Field(description="a purpose of the agreement")]
    legal_basis: Annotated[Text, Field(description="as the agreement names it for this purpose")]
    letter: Annotated[Text | None, Field(description="number of the letter of introduction")] = None
    handler: Annotated[Text, Field(description="the partner's officer in charge of this request")]
    items: Annotated[list[Code], Field(min_length=1, max_length=20)]
    objects_to: Annotated[
        BatchId | None, Field(description="cycle objection: the batch whose answers are objected to")
    ] = None
    rows: Annotated[Count, Field(description="data rows, the header not counted")]
    data: DataFile


class File(Record):
    name: Text
    size: Count
    sha256: Sha256


class DueDay(Record):
    day: date
    items: Annotated[
        dict[Code, date] | None, Field(description="items with a later day of their own, what is open of them")
    ] = None
    provisional: Annotated[bool, Field(description="the calendar of that year is not published yet")]
    original: Annotated[date | None, Field(description="as the first receipt said, where it was another day")] = None
    clock_stands: Annotated[
        Literal[True] | None,
        Field(description="records are looked into by hand; that time does not count, and the day is known afterwards"),
    ] = None


class Basis(Record):
    """An article of law on which offences are asked about."""

    code: Code
    law: str
    article: str
    in_force_from: date
    in_force_until: Annotated[date | None, Field(description="its last day, where it has one")] = None


class Refusal(Record):
    code: Code
    zh: str
    en: str
    row: int | None = None
    column: str | None = None


Checkpoint = Annotated[
    str,
    Field(
        max_length=1000,
        description="the register's size and head when this was made: a checkpoint (C2SP tlog-checkpoint), as a note",
    ),
]


TestStage = Annotated[
    Literal["test"] | None,
    Field(
        description="TEST: about invented people, from the test lane; of no meaning for anybody. Left out of live ones"
    ),
]


class Receipt(Record):
    """The office's first answer to a set: accepted with a due day, or refused with a reason. Signed."""

    format: Literal["exchange-receipt/1"] = "exchange-receipt/1"
    stage: TestStage = None
    batch: str
    partner: Partner
    number: Annotated[
        Count | None,
        Field(description="2, 3… of a receipt that takes the place of the one before because the due day changed"),
    ] = None
    outcome: Literal["accepted", "refused"]
    received_at: AwareDatetime
    files: list[File]
    rows: Count | None = None
    due: DueDay | None = None
    legal_bases: Annotated[list[Basis] | None, Field(description="of a purpose that asks about offences")] = None
    refusal: Refusal | None = None
    register_: Annotated[Checkpoint | None, Field(alias="register")] = None


class SnapshotDate(Record):
    source: Code
    zh: str
    as_of: date


class ResultManifest(Record):
    """What came out: hashes of the encrypted and of the plain file, counts per answer, sources and their dates.
    A supplementary result holds the rows that were still open before it, and no others. Signed.
    """

    format: Literal["exchange-result/1"] = "exchange-result/1"
    stage: TestStage = None
    batch: str
    partner: Partner
    cycle: Code
    period: str
    items: list[Code]
    legal_bases: Annotated[list[Basis] | None, Field(description="of a purpose that asks about offences")] = None
    supplement: Annotated[Count | None, Field(description="1, 2… of a supplementary result; none of the first")] = None
    corrects: Annotated[
        str | None, Field(description="the earlier batch of whose row this is the corrected answer")
    ] = None
    rows_in: Count
    rows_out: Count
    rows_open: Annotated[Count, Field(description="rows of the batch that are still to be answered after this result")]
    answers: Annotated[dict[str, dict[str, int]], Field(description="column of the result → code → rows")]
    snapshots: list[SnapshotDate]
    due: DueDay
    encrypted: File
    plain: File
    register_: Annotated[Checkpoint | None, Field(alias="register")] = None


class Notice(Record):
    """Something the partner should look at though no batch came of it: a set left alone because it is not complete, or
    one that the agreement expects and that has not come (then with cycle, period and the day).
    """

    format: Literal["exchange-notice/1"] = "exchange-notice/1"
    stage: TestStage = None
    partner: Partner
    about: Annotated[str, Field(description="the manifest's name without its ending, or what names the expected set")]
    code: Code
    zh: str
    en: str
    seen_since: AwareDatetime
    cycle: Code | None = None
    period: str | None = None
    purpose: Annotated[Code | None, Field(description="where only a set for this purpose will do")] = None
    expected_by: date | None = None
    reminder: Annotated[Count | None, Field(description="1, 2… of the same set")] = None
    ends_on: Annotated[date | None, Field(description="of a certificate, its last day")] = None


MODELS: Final[dict[str, type[Record]]] = {
    "request": RequestManifest,
    "receipt": Receipt,
    "result": ResultManifest,
    "notice": Notice,
}

_FIRST_FIELD: Final = "format"
"""What is named where there are no fields at all."""

_MARKS: Final = "\ufeff\u200b"
_CTRL_Z: Final = "\x1a"
_MOST_DIGITS: Final = 1000
_A_WORD: Final = re.compile(r"[a-z][a-z_]{0,30}[0-9]{0,3}")

R = TypeVar("R", bound=Record)


def parse(model: type[R], content: bytes) -> R:
    """The record in these bytes; Refused ``manifest_encoding`` where they are not UTF-8, ``manifest_format`` with the
    first field that does not fit.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise Refused("manifest_format", column=_FIRST_FIELD)
    text = _text(content)
    with suppress(ValueError, RecursionError):  # what is no JSON at all, the model says
        _check_held(json.loads(text, object_pairs_hook=_Pairs, parse_int=_number), ())
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        *path, last = [str(part) for part in first["loc"]] or [_FIRST_FIELD]
        field = ".".join([*path, _shown(last) if first["type"] == "extra_forbidden" else last])
        raise Refused("manifest_format", column=field) from None


def is_whole_json(content: bytes) -> bool:
    """Whether these bytes are JSON to their end, in UTF-8 or in an encoding that ``parse`` refuses by its name."""
    readings: list[bytes | str] = [_bare(content.decode(encoding, "replace")) for encoding in ("utf-8", "gb18030")]
    for text in [content, *readings]:
        try:
            json.loads(text, parse_int=str)  # of bytes it finds out UTF-8, UTF-16 and UTF-32
        except RecursionError:
            return True  # more uploaded does not make it one
        except ValueError:
            continue
        return True
    return False


def _bare(text: str) -> str:
    """The text without the marks that programs put before it, once or twice, and the sign that some end it with."""
    return text.lstrip(_MARKS).rstrip(_CTRL_Z)


def _text(content: bytes) -> str:
    try:
        text = _bare(content.decode())
    except UnicodeDecodeError:
        raise Refused("manifest_encoding") from None
    if "\0" in text:  # UTF-16 without its mark
        raise Refused("manifest_encoding")
    return text


class _Pairs(list[tuple[str, Any]]):
    """An object's fields as they stand, those that stand twice twice."""


class _TooLong(str):
    """The digits of a number that the model does not hold."""


def _number(digits: str) -> int | _TooLong:
    return int(digits) if len(digits) <= _MOST_DIGITS else _TooLong(digits)


def _check_held(value: object, path: tuple[str, ...]) -> None:
    """Refused at the first field that stands twice, whose name or text holds half a character (an escaped surrogate
    without its other), or whose number is too long: to the model the one would hide the other, or the whole would be no
    JSON, and no field would be named.
    """
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                raise Refused("manifest_format", column=".".join((*path, _shown(name))))
            seen.add(name)
            _check_held(name, (*path, _shown(name)))
            _check_held(inner, (*path, _shown(name)))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _check_held(inner, (*path, str(position)))
    elif isinstance(value, _TooLong) or (isinstance(value, str) and not _is_whole(value)):
        raise Refused("manifest_format", column=".".join(path) or _FIRST_FIELD)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    """The name of a field that a partner made up, where it can hold nothing but a word."""
    return name if _A_WORD.fullmatch(name) else "#unknown"


def write(record: Record) -> bytes:
    """The record's bytes, the same for the same facts."""
    fields = record.model_dump(mode="json", exclude_none=True, by_alias=True)
    return (json.dumps(fields, ensure_ascii=False, indent=2) + "\n").encode()


def json_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of the files."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
