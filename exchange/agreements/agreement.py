"""Agreements (会商协议): what a partner may ask, why, how often, and how its answers are returned.

Rules
- One TOML file per partner, named ``<partner>.toml``; validated whole, frozen. Adding a partner is a file, not code.
- Nothing that no agreement names is answered (Jilin's notice of 2015, section 1).
- A batch keeps the version under which it was accepted (``steps/agreed.py``): what was agreed stands still. Whom the
  office may talk to (``OF_TODAY``: server, host key, certificates) is always what the file says now.
- A purpose that asks about offences rests on entries of ``schemas/legal_bases.toml`` that are open to this kind of
  partner; one that asks register facts alone says its basis in words.
- Nobody is told anything about people before it was assessed what that does to them: an agreement names its assessment,
  and is in force no longer than that.
- An error names file and field and says what would be right.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from exchange.base.errors import Halt
from exchange.base.legal_bases import LegalBasis, bases_for, legal_bases, partner_kinds
from exchange.base.tables import ITEMS
from exchange.base.toml import parse_model, read_bytes
from exchange.base.xlsx import MAX_SHEET_ROWS
from exchange.calendar.limits import WORKING_DAYS
from exchange.settings import LEAST_RECORDS_DAYS
from exchange.wire.certificates import Use, fault, read_certificates
from exchange.wire.manifest import PARTNER_PATTERN

# Asking for offence records needs a legal basis and a letter of introduction (Jilin 2015, section 3; national rules
# 2021, art. 4).
LETTER_ITEMS: Final = frozenset({"criminal_record"})
"""Items that speak of offences: they need a letter, and a purpose that rests on the catalogue of legal bases."""

OF_TODAY: Final = ("sftp", "certificates")
"""The fields that hold at once when the file changes, for batches of before as well."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Purpose(_Section):
    """One reason to ask, with its legal basis in words or, where it asks about offences, the codes of those it rests
    on; ``items`` may be asked for it and no others. ``tells_cancellation``: whether answers about a person whose
    registration is cancelled say so. ``unregistered_by``: the form in which ``unregistered`` is asked, see
    ``matching/unregistered.py``.
    """

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    zh: str
    legal_basis: Annotated[str, Field(min_length=4)] | None = None
    legal_bases: tuple[str, ...] = ()
    items: tuple[str, ...]
    tells_cancellation: bool = False
    unregistered_by: Literal["mother", "name"] | None = None

    @property
    def asks_offences(self) -> bool:
        return not LETTER_ITEMS.isdisjoint(self.items)

    @property
    def bases(self) -> tuple[LegalBasis, ...]:
        """The entries of the catalogue that it rests on."""
        return tuple(legal_bases()[code] for code in self.legal_bases)

    @property
    def cited(self) -> str:
        """The legal basis as requests and receipts cite it."""
        return self.legal_basis or "；".join(basis.name for basis in self.bases)

    @model_validator(mode="after")
    def _words_for_register_facts(self) -> Self:
        if not self.asks_offences and (self.legal_basis is None or self.legal_bases):
            msg = "legal_basis: the basis in words, where no offences are asked about; legal_bases only where they are"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _form_named(self) -> Self:
        if ("unregistered" in self.items) != (self.unregistered_by is not None):
            msg = 'unregistered_by: "mother" or "name", where items hold unregistered and only there'
            raise ValueError(msg)
        return self

    @field_validator("items")
    @classmethod
    def _known(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(items) - set(ITEMS)):
            msg = f"no such item: {', '.join(unknown)}; there are {', '.join(ITEMS)}"
            raise ValueError(msg)
        return items


class Sftp(_Section):
    """The partner's place on an SFTP server and the one host key that is accepted there."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    host_key: Annotated[str, Field(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$")]
    requests: str = "to-office"
    results: str = "from-office"


class Certificates(_Section):
    """PEM files beside the agreement: who signs the partner's manifests, and to whom results are encrypted; the old and
    the new certificate in one file during a change.
    """

    signing: Path
    encryption: Path


class Limits(_Section):
    """Of one set; ``max_rows_in_30_days``: of all sets together, beyond which a leader looks first."""

    max_bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    max_rows: Annotated[int, Field(ge=1)] = 5_000_000
    max_rows_in_30_days: Annotated[int, Field(ge=1)] | None = None


class Masking(_Section):
    """How claimed personal fields are echoed; see ``output/masking.py``."""

    id_number: Literal["keep_6_4", "hide"] = "keep_6_4"
    name: Literal["keep_first", "hide"] = "keep_first"


class ResultForm(_Section):
    """CSV in an encoding, with a mark for spreadsheets or none, or an XLSX workbook; headers and answers in Chinese
    words or as the codes of ``schemas/answers.toml``.
    """

    format: Literal["csv", "xlsx"] = "csv"
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8-sig"
    language: Literal["zh", "en"] = "en"


class StandingApproval(_Section):
    """The leader's approval in advance of *no record* answers in ad hoc batches; a hit never goes by it."""

    number: str
    given_on: date
    ends_on: date


class Assessment(_Section):
    """The assessment of the effect on personal information (个人信息保护影响评估) made before anything is told.

    Source: Personal Information Protection Law, art. 55 (3) and 56. ``ends_on``: the day until which the office
    rests on it (own choice: the law sets no term).
    """

    number: Annotated[str, Field(min_length=1)]
    made_on: date
    ends_on: date

    @model_validator(mode="after")
    def _ends_after_it_was_made(self) -> Self:
        if self.ends_on < self.made_on:
            msg = "assessment.ends_on lies before made_on"
            raise ValueError(msg)
        return self

    def holds(self, day: date) -> bool:
        return self.made_on <= day <= self.ends_on


class Expected(_Section):
    """A cycle whose set is expected for each period: by the n-th ``day`` of the period, or of the time after it, in
    working days or in days; for this purpose, or for any. ``sets``: so many are accepted for one period and purpose.
    ``since``: what began before is not expected.
    """

    cycle: Literal["annual", "half_yearly", "quarterly", "monthly"]
    day: Annotated[int, Field(ge=1, le=366)]
    counting: Literal["working_days", "days"] = "working_days"
    counted_from: Literal["begin", "end"] = "begin"
    purpose: str | None = None
    sets: Annotated[int, Field(ge=1)] = 1
    since: date | None = None


class AgreedRetention(_Section):
    """What the agreement says instead of the office's own days; see ``settings.RetentionDays``."""

    originals_days: Annotated[int, Field(ge=1)] | None = None
    results_days: Annotated[int, Field(ge=1)] | None = None
    records_days: Annotated[int, Field(ge=LEAST_RECORDS_DAYS)] | None = None


class Contact(_Section):
    name: str
    telephone: str


class Agreement(_Section):
    """One partner's agreement, as its file says. ``kind``: of partner, by ``schemas/legal_bases.toml``; needed where a
    purpose asks about offences. ``require_encryption``: a data file that is not encrypted refuses the set.
    ``review_by``: whose officers look at a row by hand, those of the
    place where the person is registered or those of the partner's own level. ``assessment``: see ``check_assessed``;
    agreements of before do without once they have ended.
    """

    partner: Annotated[str, Field(pattern=PARTNER_PATTERN)]
    zh: str
    number: str
    level: Literal["province", "city", "county"]
    division: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    kind: str | None = None
    in_force_from: date
    in_force_until: date
    assessment: Assessment | None = None
    cycles: Annotated[tuple[str, ...], Field(min_length=1)]
    expected: tuple[Expected, ...] = ()
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    sftp: Sftp
    certificates: Certificates
    limits: Limits = Limits()
    masking: Masking = Masking()
    result: ResultForm = ResultForm()
    standing_approval: StandingApproval | None = None
    retention: AgreedRetention = AgreedRetention()
    review_by: Literal["registration", "partner"] = "registration"
    require_encryption: bool = False
    contact: Contact

    @field_validator("cycles")
    @classmethod
    def _cycles_known(cls, cycles: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(cycles) - set(WORKING_DAYS)):
            msg = f"no such cycle: {', '.join(unknown)}; there are {', '.join(WORKING_DAYS)}"
            raise ValueError(msg)
        return cycles

    @field_validator("kind")
    @classmethod
    def _kind_known(cls, kind: str | None) -> str | None:
        if kind is not None and kind not in partner_kinds():
            msg = f"no such kind of partner; there are {', '.join(partner_kinds())}"
            raise ValueError(msg)
        return kind

    @model_validator(mode="after")
    def _offences_rest_on_law(self) -> Self:
        for purpose in self.purposes:
            if not purpose.asks_offences:
                continue
            if self.kind is None:
                msg = f"kind: {purpose.code} asks about offences, so needed; one of {', '.join(partner_kinds())}"
                raise ValueError(msg)
            open_to = {basis.code: f"{basis.code} {basis.name}" for basis in bases_for(self.kind)}
            chosen = purpose.legal_bases
            if purpose.legal_basis or not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(open_to):
                listed = "; ".join(open_to.values()) or "none: it cannot ask about offences"
                msg = (
                    f"purposes: {purpose.code}: legal_bases: words (legal_basis) are no basis for offences; by code,"
                    f" each once, of those open to a partner of kind {self.kind}: {listed}"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.in_force_until < self.in_force_from:
            msg = "in_force_until lies before in_force_from"
            raise ValueError(msg)
        if len({purpose.code for purpose in self.purposes}) != len(self.purposes):
            msg = "purposes: a code stands twice; each purpose needs its own"
            raise ValueError(msg)
        for each in self.expected:
            if each.cycle not in self.cycles:
                msg = f"expected: {each.cycle} is none of the agreement's cycles"
                raise ValueError(msg)
            if each.purpose is not None and self.purpose(each.purpose) is None:
                msg = f"expected: {each.purpose} is none of the agreement's purposes"
                raise ValueError(msg)
        if len({(each.cycle, each.purpose) for each in self.expected}) != len(self.expected):
            msg = "expected: a cycle stands twice for the same purpose"
            raise ValueError(msg)
        if self.result.format == "xlsx" and self.limits.max_rows > MAX_SHEET_ROWS:
            msg = f"limits.max_rows: a result as xlsx holds at most {MAX_SHEET_ROWS} rows; say so, or answer as csv"
            raise ValueError(msg)
        return self

    def purpose(self, code: str) -> Purpose | None:
        return next((purpose for purpose in self.purposes if purpose.code == code), None)

    def expects(self, cycle: str, purpose: str) -> Expected | None:
        """What is expected of this cycle for this purpose, else for any."""
        of_cycle = {each.purpose: each for each in self.expected if each.cycle == cycle}
        return of_cycle.get(purpose, of_cycle.get(None))

    def in_force(self, day: date) -> bool:
        """Between its days, and only while its assessment holds."""
        assessed = self.assessment is None or self.assessment.holds(day)
        return self.in_force_from <= day <= self.in_force_until and assessed

    @property
    def last_day(self) -> date:
        """The last day on which it is in force, as things stand: its own, or that of its assessment."""
        return min(self.in_force_until, self.assessment.ends_on) if self.assessment else self.in_force_until

    def approved_in_advance(self, cycle: str, day: date) -> bool:
        """Whether a *no record* answer may leave now without the leader's own look at the batch."""
        standing = self.standing_approval
        return cycle == "ad_hoc" and standing is not None and standing.given_on <= day <= standing.ends_on


def load_agreement(path: Path) -> Agreement:
    """One agreement with its certificates; Halt with file, field and what would be right."""
    return with_certificates(parse_agreement(agreement_bytes(path), path), path)


def check_assessed(agreement: Agreement, day: date) -> None:
    """Halt where the agreement is in force on this day and names no assessment."""
    if agreement.assessment is None and agreement.in_force(day):
        msg = (
            f"{agreement.partner}: assessment: an agreement in force names the assessment of the effect on personal"
            " information (个人信息保护影响评估): [assessment] number, made_on, ends_on"
        )
        raise Halt(msg)


def agreement_bytes(path: Path) -> bytes:
    """The agreement's file; Halt where there is none."""
    return read_bytes(path, f"{path}: there is no agreement with this partner")


def parse_agreement(content: bytes, path: Path) -> Agreement:
    """The agreement in these bytes of ``path``, its certificates not looked at yet; Halt as ``load_agreement``."""
    agreement = parse_model(Agreement, content, path)
    if agreement.partner != path.stem:
        msg = f"{path}: partner: the file of partner {agreement.partner!r} must be named {agreement.partner}.toml"
        raise Halt(msg)
    return agreement


def with_certificates(agreement: Agreement, path: Path) -> Agreement:
    """The agreement of ``path`` with the paths of its certificates; Halt where one is missing, unreadable, or of a kind
    that may not be used. Whether they are valid at a time is asked when they are used.
    """
    certificates = Certificates(
        signing=path.parent / agreement.certificates.signing,
        encryption=path.parent / agreement.certificates.encryption,
    )
    _check_certificate(path, "signing", certificates.signing)
    _check_certificate(path, "encryption", certificates.encryption)
    return agreement.model_copy(update={"certificates": certificates})


def _check_certificate(path: Path, use: Use, place: Path) -> None:
    if not place.exists():
        msg = f"{path}: certificates.{use}: no file {place.name} beside the agreement"
        raise Halt(msg)
    try:
        certificates = read_certificates(place)
    except Halt:
        msg = f"{path}: certificates.{use}: {place.name} is not one PEM certificate, or two during a change"
        raise Halt(msg) from None
    for certificate in certificates:
        if (wrong := fault(certificate, use)) is not None:
            msg = f"{path}: certificates.{use}: {place.name}: {wrong}"
            raise Halt(msg)
