"""Agreements (会商协议): what a partner may ask, why, how often, and how its answers are returned.

Rules
- One TOML file per partner, named ``<partner>.toml``; validated whole, frozen. Adding a partner is a file, not code.
- Nothing that no agreement names is answered (Jilin's notice of 2015, section 1).
- A batch keeps the version under which it was accepted (``steps/agreed.py``): what was agreed stands still. Whom the
  office may talk to (``OF_TODAY``: server, host key, certificates) is always what the file says now; so are the days
  for which files are kept (``exchange/retention.py``).
- A purpose that asks about offences rests on entries of ``schemas/legal_bases.toml`` that are open to this kind of
  partner; one that asks register facts alone says its basis in words.
- Nobody is told anything about people before it was assessed what that does to them: an agreement names its assessment,
  and is in force no longer than that.
- An error names file and field and says what would be right.
- The text under a field is its description, in Chinese and English: ``docs/agreements.md`` and
  ``schemas/agreement.schema.json`` are made from it. The sections are in ``sections.py``.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from exchange.agreements.sections import (
    AgreedRetention,
    Assessment,
    Certificates,
    Contact,
    Expected,
    Limits,
    Masking,
    Purpose,
    ResultForm,
    Sftp,
    StandingApproval,
)
from exchange.base.errors import Halt
from exchange.base.files import entries
from exchange.base.legal_bases import bases_for, partner_kinds
from exchange.base.toml import Section, parse_model, read_bytes
from exchange.base.xlsx import MAX_SHEET_ROWS
from exchange.calendar.deadlines import WORKING_DAYS
from exchange.wire.certificates import Use, fault, read_certificates
from exchange.wire.manifest import PARTNER_PATTERN

STAGE_NAMED_FROM: Final = date(2027, 1, 1)
"""An agreement that begins on this day or later names its stage: the test lane came with the version before it. Who had
one before goes on as it was.
"""

_PARSED: Final = 4096
"""Agreements that a process keeps as they were parsed last: more than an office has, since whoever goes through more
than are kept, one after another, finds none of them again.
"""

OF_TODAY: Final = ("sftp", "certificates")
"""The fields that hold at once when the file changes, for batches of before as well."""


class Agreement(Section):
    """One partner's agreement, as its file says."""

    partner: Annotated[str, Field(pattern=PARTNER_PATTERN)]
    """部门代号，与文件名相同。 The partner's id, the same as the file's name."""
    zh: str
    """部门名称。 The partner's name."""
    number: str
    """协议文号。 Number of the agreement."""
    level: Literal["province", "city", "county"]
    """部门级别：省、市、县。 The partner's level."""
    division: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    """部门所在地的行政区划代码，六位。 Division code of its place, six digits."""
    kind: str | None = None
    """部门种类，见 `schemas/legal_bases.toml`；核查违法犯罪记录的必写。
    Kind of partner by `schemas/legal_bases.toml`; needed where a purpose asks about offences.
    """
    stage: Literal["test", "live"] | None = None
    """阶段：test 试办，只用虚构数据答复，各文件标明，概不统计；live 正式，须有合格证书或领导豁免。
    2027 年起生效的协议必写；此前的不写即正式。
    The stage: `test`, answered from the invented province alone, marked in every file, counted nowhere; `live`, which
    needs a certificate of conformance or a leader's exemption. Needed where the agreement begins in 2027 or later; one
    of before that leaves it out is live.
    """
    in_force_from: date
    """协议生效之日。 First day on which the agreement holds."""
    in_force_until: date
    """协议终止之日（含）。 Last day on which it holds."""
    assessment: Assessment | None = None
    """个人信息保护影响评估；有效的协议必写，到期即不再受理。
    The assessment of the effect on personal information; needed while the agreement is in force, which ends with it.
    """
    cycles: Annotated[tuple[str, ...], Field(min_length=1)]
    """可用的周期：`annual`、`half_yearly`、`quarterly`、`monthly`、`ad_hoc`、`objection`。
    Cycles in which may be asked.
    """
    expected: tuple[Expected, ...] = ()
    """应当按期报送的周期；不写的不催。 Cycles whose sets are expected; others are not reminded of."""
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    """可以核查的用途，每个一条。 The purposes that may be asked for, one entry each."""
    sftp: Sftp
    """部门的 SFTP 服务器。改后立即生效。 The partner's SFTP server. A change holds at once."""
    certificates: Certificates
    """部门的证书文件（PEM），放在协议文件旁。改后立即生效。
    Files of its certificates (PEM), beside the agreement. A change holds at once.
    """
    limits: Limits = Limits()
    """一份请求的上限。 Limits of one request."""
    masking: Masking = Masking()
    """结果中所填姓名、号码的脱敏。 How claimed names and numbers are echoed in results."""
    result: ResultForm = ResultForm()
    """结果文件的形式。 The form of result files."""
    standing_approval: StandingApproval | None = None
    """对临时批次“未发现记录”的事先审批；有记录的绝不适用。
    The leader's approval in advance of *no record* in ad hoc batches; never of a hit.
    """
    retention: AgreedRetention = AgreedRetention()
    """与本机关不同的保存天数；不写的按本机关。改后立即生效。
    Days for which files are kept, where they differ from the office's own. A change holds at once.
    """
    review_by: Literal["registration", "partner"] = "registration"
    """由谁核实：registration 本人户籍地，partner 部门所在地。
    Whose officers look at a row: of the person's registration, or of the partner's place.
    """
    require_encryption: bool = False
    """数据文件未加密的，整份不予受理。 Whether a data file that is not encrypted refuses the set."""
    contact: Contact
    """部门的联系人。 Whom to ask at the partner's."""

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
        if self.stage is None and self.in_force_from >= STAGE_NAMED_FROM:
            msg = f'stage: "test" to begin with, or "live"; an agreement from {STAGE_NAMED_FROM} on names it'
            raise ValueError(msg)
        if self.in_force_until < self.in_force_from:
            msg = "in_force_until lies before in_force_from"
            raise ValueError(msg)
        if len({purpose.code for purpose in self.purposes}) != len(self.purposes):
            msg = "purposes: a code stands twice; each purpose needs its own"
            raise ValueError(msg)
        for expectation in self.expected:
            if expectation.cycle not in self.cycles:
                msg = f"expected: {expectation.cycle} is none of the agreement's cycles"
                raise ValueError(msg)
            if expectation.purpose is not None and self.purpose(expectation.purpose) is None:
                msg = f"expected: {expectation.purpose} is none of the agreement's purposes"
                raise ValueError(msg)
        if len({(expectation.cycle, expectation.purpose) for expectation in self.expected}) != len(self.expected):
            msg = "expected: a cycle stands twice for the same purpose"
            raise ValueError(msg)
        if self.result.format == "xlsx" and self.limits.max_rows > MAX_SHEET_ROWS:
            msg = f"limits.max_rows: a result as xlsx holds at most {MAX_SHEET_ROWS} rows; say so, or answer as csv"
            raise ValueError(msg)
        return self

    @property
    def is_test(self) -> bool:
        """Whether its sets are answered from the invented province, and from nothing else."""
        return self.stage == "test"

    def purpose(self, code: str) -> Purpose | None:
        """The purpose of this code; None where the agreement has none."""
        return next((purpose for purpose in self.purposes if purpose.code == code), None)

    def expects(self, cycle: str, purpose: str) -> Expected | None:
        """What is expected of this cycle for this purpose, else for any."""
        of_cycle = {expectation.purpose: expectation for expectation in self.expected if expectation.cycle == cycle}
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
        raise Halt(msg, zh=f"{agreement.partner} 的协议缺少个人信息保护影响评估：请填写 [assessment]")


def agreement_files(folder: Path) -> list[Path]:
    """The agreements' files in a folder, one for each partner; Halt where it may not be looked into."""
    return [path for path in entries(folder) if path.suffix == ".toml"]


def agreement_bytes(path: Path) -> bytes:
    """The agreement's file; Halt where there is none."""
    return read_bytes(path, f"{path}: there is no agreement with this partner", zh="没有此部门的协议")


@lru_cache(maxsize=_PARSED)
def parse_agreement(content: bytes, path: Path) -> Agreement:
    """The agreement in these bytes of ``path``, its certificates not looked at yet; Halt as ``load_agreement``. A step
    asks for it again and again: the same bytes are parsed once.
    """
    agreement = parse_model(Agreement, content, path)
    if agreement.partner != path.stem:
        msg = f"{path}: partner: the file of partner {agreement.partner!r} must be named {agreement.partner}.toml"
        raise Halt(msg, zh=f"{path} 的文件名与其中的 partner 不符，应为 {agreement.partner}.toml")
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


def _check_certificate(path: Path, use: Use, file: Path) -> None:
    if not file.exists():
        msg = f"{path}: certificates.{use}: no file {file.name} beside the agreement"
        raise Halt(msg, zh=f"{path} 所指的证书 {file.name} 不在协议旁边")
    try:
        certificates = read_certificates(file)
    except Halt:
        msg = f"{path}: certificates.{use}: {file.name} is not one PEM certificate, or two during a change"
        raise Halt(msg, zh=f"{path} 所指的 {file.name} 应是一张 PEM 证书，换证期间两张") from None
    for certificate in certificates:
        if (wrong := fault(certificate, use)) is not None:
            msg = f"{path}: certificates.{use}: {file.name}: {wrong}"
            raise Halt(msg, zh=f"{path} 所指的证书 {file.name} 不能使用")
