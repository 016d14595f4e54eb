"""The sections of an agreement (``agreement.py``): purposes, server, certificates, limits, form of results, retention.

Rules
- A purpose that asks about offences rests on entries of ``schemas/legal_bases.toml``; one that asks register facts
  alone says its basis in words.
- The text under a field is its description, in Chinese and English, of which the generated pages are made.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from exchange.base.legal_bases import LegalBasis, legal_bases
from exchange.base.tables import ITEMS
from exchange.base.toml import Section
from exchange.settings_sections import LEAST_RECORDS_DAYS

# Asking for offence records needs a legal basis and a letter of introduction (Jilin 2015, section 3; national rules
# 2021, art. 4).
LETTER_ITEMS: Final = frozenset({"criminal_record"})
"""Items that speak of offences: they need a letter, and a purpose that rests on the catalogue of legal bases."""


class Purpose(Section):
    """One reason to ask, with its legal basis. The forms of ``unregistered``: ``matching/unregistered.py``."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    """用途代码，请求清单中填写。 The code that request manifests give."""
    zh: str
    """用途名称。 The purpose in words."""
    legal_basis: Annotated[str, Field(min_length=4)] | None = None
    """只核查登记事项时的法律依据，用文字写。 The legal basis in words, where no offences are asked about."""
    legal_bases: tuple[str, ...] = ()
    """核查违法犯罪记录时所依据的条文，用 `schemas/legal_bases.toml` 的代码，须对该种类部门开放。
    Codes of `schemas/legal_bases.toml`, where offences are asked about; each open to this kind of partner.
    """
    items: tuple[str, ...]
    """可以核查的事项，代码见 `schemas/items.toml`；此外一律不答。
    Items that may be asked (`schemas/items.toml`), and no others.
    """
    tells_cancellation: bool = False
    """户口已注销的，答复中是否说明。 Whether answers about a cancelled registration say so."""
    unregistered_by: Literal["mother", "name"] | None = None
    """核查未落户时按母亲还是按姓名；有 `unregistered` 事项时必写，否则不写。
    The form in which `unregistered` is asked; needed with that item, and only there.
    """

    @property
    def asks_offences(self) -> bool:
        """Whether one of its items is about offences."""
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


class PartnersLogin(Section):
    """How the partner's own people log in, where it differs from the office's way; what is left out is the same."""

    host: str | None = None
    """主机名或地址：我方的是内部名称时写。 Host, where the office's is a name of inside."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """端口。 Port."""
    username: str | None = None
    """账户：服务器是部门自己的，写部门人员用的账户。 Account, where the server is the partner's own."""
    requests: str | None = None
    """放请求的目录，如其人员所见。 The folder for requests, as they see it."""
    results: str | None = None
    """取回执和结果的目录，如其人员所见。 The folder with receipts and results, as they see it."""


class Sftp(Section):
    """The partner's account and folders on an SFTP server, and the one host key that is accepted there."""

    host: str
    """部门 SFTP 服务器的主机名或地址。 Name or address of the partner's server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """端口。 Its port."""
    username: str
    """我方在该服务器上的账户。 The office's account there."""
    host_key: Annotated[str, Field(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$")]
    """唯一接受的主机公钥，当面核对。 The one host key that is accepted, compared in person."""
    requests: str = "to-office"
    """部门放请求、我方读取的目录。 The folder in which the partner puts requests."""
    results: str = "from-office"
    """我方放回执和结果的目录。 The folder in which the office puts receipts and results."""
    partner: PartnersLogin = PartnersLogin()
    """部门人员自己登录时不同的，写入协作台和一页纸。
    What is different where the partner's own people log in; stands in the desk and on the sheet.
    """

    @property
    def of_partner(self) -> Sftp:
        """The server as the partner's own people log in to it."""
        return self.model_copy(update=self.partner.model_dump(exclude_none=True))


class Certificates(Section):
    """PEM files beside the agreement."""

    signing: Path
    """部门签名证书的文件名；更换期间新旧两个放在同一文件。
    File of the certificate that signs manifests; old and new one in the same file during a change.
    """
    encryption: Path
    """部门加密证书的文件名，结果加密给它。 File of the certificate to which results are encrypted."""


class Limits(Section):
    """What one request may hold at most."""

    max_bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    """一份数据文件至多多少字节。 Bytes of one data file at most."""
    max_rows: Annotated[int, Field(ge=1)] = 5_000_000
    """一份请求至多多少行；结果为 xlsx 的须写，并不超过工作表的行数。
    Rows of one request at most; for results as xlsx no more than a sheet holds.
    """
    max_rows_in_30_days: Annotated[int, Field(ge=1)] | None = None
    """全部请求三十天内至多多少行；超过的先由审批领导过目。
    Rows of all sets within 30 days, beyond which a leader looks first.
    """


class Masking(Section):
    """How claimed personal fields are echoed; see ``output/masking.py``."""

    id_number: Literal["keep_6_4", "hide"] = "keep_6_4"
    """公民身份号码：keep_6_4 留前六后四位，hide 全隐。
    ID number: the first six and last four characters stay, or none.
    """
    name: Literal["keep_first", "hide"] = "keep_first"
    """姓名：keep_first 留首字，hide 全隐。 Name: the first character stays, or none."""


class ResultForm(Section):
    """What result files look like."""

    format: Literal["csv", "xlsx"] = "csv"
    """结果为 CSV 或 XLSX 工作簿。 CSV, or an XLSX workbook."""
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8-sig"
    """CSV 的编码；utf-8-sig 带标记，便于电子表格打开。
    Encoding of a CSV; utf-8-sig has the mark that spreadsheets look for.
    """
    language: Literal["zh", "en"] = "en"
    """表头和答复用中文还是代码。 Headers and answers in Chinese words, or as the codes of `schemas/answers.toml`."""


class StandingApproval(Section):
    """The leader's approval in advance of *no record* answers in ad hoc batches; a hit never goes by it."""

    number: str
    """审批文号。 Number of the approval."""
    given_on: date
    """起始日。 First day on which it counts."""
    ends_on: date
    """终止日（含）。 Last day on which it counts."""


class Assessment(Section):
    """The assessment of the effect on personal information (个人信息保护影响评估) made before anything is told.

    Source: Personal Information Protection Law, art. 55 (3) and 56.
    """

    number: Annotated[str, Field(min_length=1)]
    """评估报告编号。 Number of its report."""
    made_on: date
    """评估之日。 Day on which it was made."""
    ends_on: date
    """本机关据以提供数据的最后一日（法律未定期限，由本机关定）。
    Last day on which the office rests on it (the office's choice: the law sets no term).
    """

    @model_validator(mode="after")
    def _ends_after_it_was_made(self) -> Self:
        if self.ends_on < self.made_on:
            msg = "assessment.ends_on lies before made_on"
            raise ValueError(msg)
        return self

    def holds(self, day: date) -> bool:
        """Whether the assessment is in force on this day."""
        return self.made_on <= day <= self.ends_on


class Expected(Section):
    """A cycle whose set is expected for each period, by the n-th ``day`` of the period or of the time after it."""

    cycle: Literal["annual", "half_yearly", "quarterly", "monthly"]
    """应报的周期，须在本协议的 `cycles` 中。 The cycle, one of the agreement's."""
    day: Annotated[int, Field(ge=1, le=366)]
    """期间的第几日前（含）应报。 The set is expected by the n-th day, that day included."""
    counting: Literal["working_days", "days"] = "working_days"
    """按工作日还是按日数。 In working days, or in days."""
    counted_from: Literal["begin", "end"] = "begin"
    """自期间开始（begin）还是结束（end）起数。 Counted from the period's begin, or from its end."""
    purpose: str | None = None
    """用途代码；不写则任一用途。 For this purpose; left out: for any."""
    sets: Annotated[int, Field(ge=1)] = 1
    """每期每用途受理几份。 How many sets are accepted for one period and purpose."""
    since: date | None = None
    """此前开始的期间不计。 What began before is not expected."""


class AgreedRetention(Section):
    """What the agreement says instead of the office's own days; see ``settings.RetentionDays``."""

    originals_days: Annotated[int, Field(ge=1)] | None = None
    """部门的数据文件保存几天。 Days for which the partner's data files are kept."""
    results_days: Annotated[int, Field(ge=1)] | None = None
    """结果数据文件保存几天。 Days for which encrypted results are kept."""
    records_days: Annotated[int, Field(ge=LEAST_RECORDS_DAYS)] | None = None
    """清单、签名、回执保存几天；至少三年，且不短于其数据文件。
    Days for which manifests, signatures and receipts are kept; three years at least, and no shorter than their data
    files.
    """


class Contact(Section):
    """Whom to ask at the partner's."""

    name: str
    """联系人。 Whom to ask there."""
    telephone: str
    """电话。 The telephone number."""
