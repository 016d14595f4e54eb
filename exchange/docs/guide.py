"""The partner guide's tables, made from ``schemas/`` and the specification, so that what partners read is what the code
answers.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from exchange.base.legal_bases import legal_bases, partner_kinds
from exchange.base.paths import SCHEMAS
from exchange.base.tables import (
    ANSWERS,
    ELSEWHERE,
    ITEMS,
    NOTES,
    NOTICES,
    OFFENCE_KINDS,
    REFUSALS,
    REQUIRED_COLUMNS,
    RESULT_COLUMNS,
    Sentence,
)
from exchange.docs.markdown import table, visible
from exchange.docs.specifications import Specification, examples

_GROUPS: Final = {
    "final": "答复 final",
    "pending": "另行答复 an answer follows",
    "unanswered": "未答复 nothing said",
    "unreadable": "无法识别，改正后再核 correct and ask again",
}
_FORMS: Final = {"mother": "按母亲 by the mother", "name": "按姓名 by name"}
_TABLE: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _answers() -> str:
    rows = ((f"`{answer.code}`", answer.zh, answer.en, _GROUPS[answer.group]) for answer in ANSWERS.values())
    return table("code | 中文 | English | 类别 group", rows)


def _items() -> str:
    required = ((f"`{column.code}`", "、".join(column.zh), "必需 always") for column in REQUIRED_COLUMNS)
    claims = (
        (f"`{claim.code}`", "、".join(claim.zh), f"`{item.code}` {item.zh}" + "（可省略 optional）" * claim.optional)
        for item in ITEMS.values()
        for claim in item.claims
    )
    without = (("—", "—", f"`{item.code}` {item.zh}") for item in ITEMS.values() if not item.claims and not item.forms)
    forms = (
        (
            f"`{column.code}`",
            "、".join(column.zh),
            f"`{item.code}` {item.zh}，{_FORMS[form]}" + "（可省略 optional）" * column.optional,
        )
        for item in ITEMS.values()
        for form, columns in item.forms.items()
        for column in columns
    )
    return table("列 column | 中文表头 Chinese header | 事项 item", [*required, *claims, *without, *forms])


def _elsewhere() -> str:
    rows = (
        (
            f"`{item.code}`",
            f"{item.zh} {item.en}",
            f"`{item.refusal}`",
            REFUSALS[item.refusal].zh,
            REFUSALS[item.refusal].en,
        )
        for item in ELSEWHERE.values()
    )
    return table("code | 事项 item | 不予受理 refusal | 中文 | English", rows)


_COUNTS: Final = {"named": "依据写明的 where the legal basis names it", "never": "否 no"}


def _offences() -> str:
    rows = ((f"`{kind.code}`", kind.zh, kind.en, _COUNTS[kind.counts]) for kind in OFFENCE_KINDS.values())
    return table("code | 中文 | English | 计入 counts", rows)


def _bases() -> str:
    rows = (
        (
            f"`{basis.code}`",
            basis.name,
            "、".join(partner_kinds()[kind].zh for kind in basis.who),
            basis.zh + "。每年查询 each year" * basis.asked_each_year,
            basis.en,
            "条文 text" if basis.read == "text" else "二手资料 secondary",
        )
        for basis in legal_bases().values()
    )
    return table("code | 条文 article | 部门 who | 计入 | what counts | 所读 read", rows)


def _relations() -> str:
    with (SCHEMAS / "relations.csv").open(encoding="utf-8", newline="") as stream:
        rows = [
            (f"`{row['code']}`" if row["code"] else "—", row["name"], row["words"].replace(" ", "；"), row["covers"])
            for row in csv.DictReader(stream)
        ]
    return table("代码 code | 称谓 word | 也可写作 also | 包含 takes in", rows)


_CYCLES: Final = {
    "annual": ("年", "2026"),
    "half_yearly": ("半年", "2026-H1"),
    "quarterly": ("季", "2026-Q3"),
    "monthly": ("月", "2026-10"),
    "ad_hoc": ("临时", "2026-10-31"),
    "objection": ("异议", "2026-10-31"),
}
"""Cycle → its name and a period."""


def _cycles() -> str:
    content = tomllib.loads((SCHEMAS / "deadlines.toml").read_text(encoding="utf-8"))
    rows = []
    for cycle in content["cycle"]:
        name, period = _CYCLES[cycle["code"]]
        rows.append((f"`{cycle['code']}`", name, f"`{period}`", _due(cycle)))
    return table("cycle | 周期 | period 期间 | 办结时限，工作日 due, working days", rows)


def _due(cycle: Mapping[str, Any]) -> str:
    days = str(cycle["working_days"] or "即时，当日 at once, on the day itself")
    for item, own in cycle.get("items", {}).items():
        days += f"；{ITEMS[item].zh} `{item}` {own}"
    if extended := cycle.get("extended"):
        days += f"，经批准可延长一次至 {extended} · {days}, once extended to {extended} with approval"
    return days


def _results() -> str:
    fixed = ((f"`{column.code}`", column.zh[0]) for column in RESULT_COLUMNS)
    answers = ((f"`{item.code}_answer`", f"{item.zh}核查结果") for item in ITEMS.values())
    return table("列 column | 中文表头 Chinese header", [*fixed, *answers])


def _sentences(sentences: Mapping[str, Sentence]) -> str:
    return table(
        "code | 中文 | English", ((f"`{sentence.code}`", sentence.zh, sentence.en) for sentence in sentences.values())
    )


_TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "answers": _answers,
        "notes": lambda: _sentences(NOTES),
        "items": _items,
        "elsewhere": _elsewhere,
        "offences": _offences,
        "bases": _bases,
        "cycles": _cycles,
        "relations": _relations,
        "results": _results,
        "refusals": lambda: _sentences(REFUSALS),
        "notices": lambda: _sentences(NOTICES),
    }
)


def _writings(specifications: Iterable[Specification]) -> str:
    rows = (
        (
            "、".join(f"`{column}`" for column in writing.columns),
            writing.zh,
            writing.en,
            "　".join(visible(text) for text in examples(specification, writing, read=True)),
            "　".join(visible(text) for text in examples(specification, writing, read=False)),
        )
        for specification in specifications
        for writing in specification.writings
    )
    return table("列 column | 写法 | how it may be written | 如 read | 不能识别，如 not read", rows)


def with_tables(guide: str, specifications: Sequence[Specification]) -> str:
    """The guide's text with every table between its marks made anew."""
    tables: dict[str, Callable[[], str]] = {**_TABLES, "writings": lambda: _writings(specifications)}
    return _TABLE.sub(lambda match: match[1] + tables[match[2]]() + match[3], guide)
